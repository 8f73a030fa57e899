"""Builds the stages of a Dockerfile as folders, instruction by instruction."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from experiments.deploy_proof.chroots import PROGRAMS, Chroot
from experiments.deploy_proof.dockerfile import Instruction, Stage, read_dockerfile

CERTIFICATES = "/run/proof-certificates.pem"
"""Where the certificates of this machine's package index are mounted during a build."""
BUILD_ENVIRONMENT: Mapping[str, str] = {"DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}


@dataclass(slots=True)
class Image:
    """What a stage leaves: a root folder and how a container of it starts."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Builder:
    """Builds stages below a folder; each stage once.

    Attributes
    ----------
    dockerfile, context
        The file and the folder that COPY reads.
    debian
        The fresh root that stands for the base image.
    into
        The folder of stages, each a root.
    """

    dockerfile: Path
    context: Path
    debian: Path
    into: Path
    images: dict[str, Image] = field(default_factory=dict)

    def build(self, target: str) -> Image:
        """The image of a stage, with the stages that it needs."""
        if target not in self.images:
            stages = {stage.name: stage for stage in read_dockerfile(self.dockerfile)}
            self.images[target] = self._stage(stages[target], stages)
        return self.images[target]

    def _stage(self, stage: Stage, stages: Mapping[str, Stage]) -> Image:
        image = Image(self.into / stage.name)
        if stage.base in stages:
            below = self.build(stage.base)
            copied = {
                name: getattr(below, name).copy()
                for name in ("environment", "entrypoint", "command", "health")
            }
            image = Image(image.root, user=below.user, workdir=below.workdir, **copied)
            source = below.root
        else:
            source = self.debian
        began = time.monotonic()
        shutil.rmtree(image.root, ignore_errors=True)
        subprocess.run(["cp", "-a", source, image.root], check=True)
        self._print(stage.name, f"FROM {stage.base}", began)
        for each in stage.instructions:
            began = time.monotonic()
            self._apply(each, image)
            if each.keyword in ("RUN", "COPY"):
                self._print(stage.name, f"{each.keyword} {each.text}", began)
        return image

    def _apply(self, each: Instruction, image: Image) -> None:
        match each.keyword:
            case "ENV":
                pairs = (word.partition("=") for word in each.words)
                image.environment.update((name, value) for name, _, value in pairs)
            case "USER":
                image.user = each.text
            case "WORKDIR":
                image.workdir = each.text
                Path(f"{image.root}{each.text}").mkdir(parents=True, exist_ok=True)
            case "ENTRYPOINT":
                image.entrypoint, image.command = each.words, []
            case "CMD":
                image.command = each.words
            case "HEALTHCHECK":
                image.health = Instruction("CMD", each.text.partition("CMD ")[2]).words
            case "COPY":
                self._copy(each.text.split(), image)
            case "RUN":
                self._run(each.text, image)

    def _copy(self, words: list[str], image: Image) -> None:
        source = self.context
        if words[0].startswith("--from="):
            source = self.build(words.pop(0).removeprefix("--from=")).root
        *names, target = words
        place = Path(target) if target.startswith("/") else Path(image.workdir) / target
        inside = Path(f"{image.root}{place}")
        for name in names:
            what = source / name.lstrip("/")
            if not what.exists():
                raise FileNotFoundError(f"COPY {name}: is not there")
            if target.endswith("/"):
                inside.mkdir(parents=True, exist_ok=True)
            inside.parent.mkdir(parents=True, exist_ok=True)
            tail = "/." if what.is_dir() else ""
            if tail:
                inside.mkdir(exist_ok=True)
            # A build copies as root, whoever owns the files outside.
            owner = [] if source != self.context else ["--no-preserve=ownership"]
            subprocess.run(["cp", "-a", *owner, f"{what}{tail}", inside], check=True)

    def _run(self, text: str, image: Image) -> None:
        mounts: dict[str, Path] = {"/etc/resolv.conf:ro": Path("/etc/resolv.conf").resolve()}
        environment = {"PATH": PROGRAMS, **BUILD_ENVIRONMENT, **image.environment}
        if certificates := os.environ.get("PIP_CERT"):
            mounts[f"{CERTIFICATES}:ro"] = Path(certificates).resolve()
            environment["PIP_CERT"] = CERTIFICATES
        user = image.user
        chroot = Chroot(image.root, environment, user, image.workdir, mounts)
        chroot.prepare_mounts()
        with (self.into / "build.log").open("ab") as log:
            done = chroot.run(["sh", "-c", text], check=False, log=log)
        Path(f"{image.root}{CERTIFICATES}").unlink(missing_ok=True)
        if done.returncode:
            raise SystemExit(f"RUN {text[:80]} failed; see {self.into / 'build.log'}")

    def _print(self, stage: str, text: str, began: float) -> None:
        print(f"  {time.monotonic() - began:6.1f} s  {stage}: {text[:90]}", flush=True)  # noqa: T201


def fresh_debian(into: Path, mirror: str, suite: str) -> None:
    """A new root with Debian's essential packages, and its security updates."""
    log = into.with_name("debootstrap.log")
    with log.open("wb") as output:
        command = ["debootstrap", "--variant=minbase", suite, str(into), mirror]
        subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT)


def apt_mirror() -> str:
    """The mirror of Debian that this machine's own apt uses."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    sites = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    return next(site for site in sites if site.rstrip("/").endswith("/debian"))
