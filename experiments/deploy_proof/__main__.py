"""`python -m experiments.deploy_proof`: from a fresh Debian root to `/readyz`, each step timed.

As root, with debootstrap. It reads `deploy/Dockerfile`, `deploy/compose.yaml` and the commands of
`deploy/README.md`, and runs them as written; `docker` is a program of this package meanwhile.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from experiments.deploy_proof.build import apt_mirror, fresh_debian
from experiments.deploy_proof.chroots import PROGRAMS, Chroot
from experiments.deploy_proof.docker import HOME_VARIABLE
from experiments.deploy_proof.dockerfile import read_dockerfile
from experiments.deploy_proof.engine import Engine
from experiments.deploy_proof.memory import folder_mb, memory_of

CLONE = Path(__file__).parents[2]
MARKER = "<!-- proof -->"
MISSING = "libgomp1"
COMMANDS_WITHOUT = (
    ("server", "serve --practice psychology --roster /practice/clinicians.csv"),
    ("server", "doctor --roster /practice/clinicians.csv"),
    ("trainer", "train /practice/tables --practice /practice/practice.toml"),
    ("trainer", "evaluate /practice/tables --practice /practice/practice.toml"),
)
"""What is run where LightGBM's library is missing: the target, and the arguments."""


def main(
    home: Annotated[Path, typer.Option(help="Folder for roots; several GB.")] = Path(
        "/var/tmp/recommender-deploy-proof"
    ),
    debian: Annotated[
        Path | None, typer.Option(help="A root that debootstrap made, instead of a fresh one.")
    ] = None,
    again: Annotated[
        bool, typer.Option(help="Use the images that an earlier run built, and new volumes.")
    ] = False,
) -> None:
    """Builds the images, runs the documented commands, and prints seconds, sizes and memory."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise SystemExit("needs root, and debootstrap (`apt-get install debootstrap`)")
    began = time.monotonic()
    earlier = ("debian", "stages", "images.json") if again else ()
    for each in home.iterdir() if home.is_dir() else ():
        if each.name not in earlier:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    home.mkdir(parents=True, exist_ok=True)
    _copy_source(home / "source")
    suite = _suite()
    if again:
        _print("Images of an earlier run are used.")
    elif debian is None:
        with Timed(f"debootstrap {suite}"):
            fresh_debian(home / "debian", apt_mirror(), suite)
    else:
        subprocess.run(["cp", "-a", debian, home / "debian"], check=True)
    environment = _environment(home)
    try:
        for line in documented_commands(CLONE / "deploy" / "README.md"):
            with Timed(f"$ {line}"):
                _run(line, home, environment)
        _print_figures(Engine(home), home)
        _print_without_library(Engine(home), home)
    finally:
        Engine(home).down()
    _print(f"\n{(time.monotonic() - began) / 60:.1f} minutes in all")


def documented_commands(readme: Path) -> list[str]:
    """The commands of the marked blocks of a document, continued lines joined."""
    text = readme.read_text("utf-8")
    blocks = re.findall(rf"{MARKER}\n+```sh\n(.*?)```", text, re.DOTALL)
    lines = re.sub(r"\\\n\s*", "", "".join(blocks)).splitlines()
    stripped = (re.sub(r"\s+# .*", "", line).strip() for line in lines)
    return [line for line in stripped if line and not line.startswith(("cd ", "#"))]


class Timed:
    """Prints a step and, when it has ended, its seconds."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        _print(f"\n{self._text}")
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        _print(f"  {time.monotonic() - self._began:6.1f} s")


def _suite() -> str:
    """Debian's release of the base image."""
    base = read_dockerfile(CLONE / "deploy" / "Dockerfile")[0].base
    found = re.match(r"debian:([a-z]+)", base)
    if found is None:
        raise SystemExit(f"{base}: only an image of Debian can be tried here")
    return found[1]


def _copy_source(target: Path) -> None:
    """What is committed or would be: a clone without anything that was built in it."""
    target.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CLONE,
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, listed)):
        if (CLONE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CLONE / name, target / name)


def _environment(home: Path) -> dict[str, str]:
    """The environment in which `docker` and `curl` are those of the proof."""
    programs = home / "bin"
    programs.mkdir()
    docker = f'#!/bin/sh\nexec {sys.executable} -m experiments.deploy_proof.docker "$@"\n'
    curl = '#!/bin/sh\nexec nsenter --net=/proc/$(cat "$DEPLOY_PROOF_HOME"/network.pid)/ns/net '
    curl += f'{shutil.which("curl")} "$@"\n'
    for name, text in (("docker", docker), ("curl", curl)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    paths = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(CLONE)}
    return os.environ | paths | {HOME_VARIABLE: str(home)}


def _run(line: str, home: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-ec", line], cwd=home / "source" / "deploy", env=environment, check=False
    )
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}: {line}")


def _print_figures(engine: Engine, home: Path) -> None:
    _print("\nSizes on disk")
    for name in ("debian", "stages/base", "stages/server", "stages/trainer"):
        environment = home / name / "opt/recommender"
        own = (
            f", of which /opt/recommender {folder_mb(environment):.0f}"
            if (environment.is_dir())
            else ""
        )
        _print(f"  {folder_mb(home / name):6.0f} MB  {name}{own}")
    _print("\nMemory of the server's processes, resident and proportional (PSS), MiB")
    processes = memory_of(engine.process_of("server"))
    for name, (resident, proportional) in processes.items():
        _print(f"  {resident:6.0f} {proportional:6.0f}  {name}")
    _print(f"         {sum(pss for _, pss in processes.values()):6.0f}  together")


def _print_without_library(engine: Engine, home: Path) -> None:
    """Removes the library from copies of the images, and runs commands that need it."""
    practice = {"/practice:ro": home / "source" / "deploy" / "practice"}
    for target in ("server", "trainer"):
        image = engine.image_of(next(s for s in engine.services.values() if s.target == target))
        copied = home / f"without-{target}"
        subprocess.run(["cp", "-a", image.root, copied], check=True)
        remove = ["dpkg", "--remove", "--force-depends", MISSING]
        with (home / "without.log").open("ab") as log:
            Chroot(copied, {"PATH": PROGRAMS}).run(remove, log=log)
        chroot = Chroot(copied, image.environment, image.user, "/tmp", practice)
        chroot.prepare_mounts()
        for words in (text for name, text in COMMANDS_WITHOUT if name == target):
            done = subprocess.run(
                chroot.command(["recommender", *words.split()]),
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stdout + done.stderr
            sound = done.returncode == 1 and "libgomp.so.1" in said and "Traceback" not in said
            _print(f"\nwithout {MISSING}: recommender {words}")
            _print(f"  exit code {done.returncode}: {' '.join(said.split())[:260]}")
            if not sound:
                raise SystemExit("a library that is missing was not named in a sentence")
        shutil.rmtree(copied)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    typer.run(main)
