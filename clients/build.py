"""Builds the client packages from a server's contract: `python -m clients.build`.

Writes a wheel and a tarball of npm, whose version is that of the contract. By default the contract
is that of the shipped definition, for keys of role `tool`; `--url` takes that of a running server,
with its own practice's questions.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from experiments.demo.practice import write_clinicians
from experiments.demo.server import running

HERE = Path(__file__).parent
TOOLS = HERE.parent / "var" / "clients"
DIST = TOOLS / "dist"
SERVER = (
    "from recommender.serving.server import serve; from recommender.settings import read_settings; "
    "serve(read_settings())"
)


def main() -> None:
    """Builds both packages."""
    options = ArgumentParser(description=__doc__)
    options.add_argument("--url", help="a running server; the shipped definition otherwise")
    options.add_argument("--out", type=Path, default=DIST, help="where the packages are written")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        contract = Path(folder) / "openapi.json"
        contract.write_bytes(fetched(given.url) if given.url else of_the_shipped_definition())
        version = json.loads(contract.read_bytes())["info"]["version"]
        build_python(contract, version, Path(folder) / "python", given.out.resolve())
        if shutil.which("npm"):
            build_typescript(contract, version, Path(folder) / "typescript", given.out.resolve())
        else:
            sys.stderr.write("npm is missing: the TypeScript package is not built\n")
    for path in sorted(given.out.glob(f"*{version}*")):
        sys.stdout.write(f"{path}\n")


def fetched(url: str) -> bytes:
    """The contract of a server as keys of role `tool` meet it."""
    with urllib.request.urlopen(f"{url.rstrip('/')}/openapi.json?role=tool", timeout=30) as answer:
        return bytes(answer.read())


def of_the_shipped_definition() -> bytes:
    """The same of a server that is started for it, without a model or a store."""
    with tempfile.TemporaryDirectory() as folder:
        roster = Path(folder) / "clinicians.csv"
        write_clinicians(roster, datetime.now(UTC).date())
        settings = {"RECOMMENDER_PRACTICE": "psychology", "RECOMMENDER_ROSTER": str(roster)}
        with running([sys.executable, "-c", SERVER], settings) as url:
            return fetched(url)


def build_python(contract: Path, version: str, stage: Path, out: Path) -> None:
    """Writes `recommender_client-VERSION-py3-none-any.whl`."""
    source = HERE / "python"
    shutil.copytree(source, stage, ignore=shutil.ignore_patterns("__pycache__"))
    (stage / "VERSION").write_text(version)
    (stage / "generator.yml").write_text("post_hooks: []\n")
    run(
        *(TOOLS / "python" / "bin" / "openapi-python-client", "generate", "--path", contract),
        *("--config", stage / "generator.yml", "--meta", "none", "--fail-on-warning"),
        *("--output-path", stage / "src" / "recommender_client" / "generated"),
        at=stage,
    )
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out)
    run(sys.executable, "-m", "pip", "wheel", *options, stage, at=stage)


def build_typescript(contract: Path, version: str, stage: Path, out: Path) -> None:
    """Writes `recommender-client-VERSION.tgz`."""
    shutil.copytree(HERE / "typescript", stage)
    package = json.loads((stage / "package.json").read_text("utf-8"))
    (stage / "package.json").write_text(json.dumps(package | {"version": version}, indent=2))
    (stage / "node_modules").symlink_to(TOOLS / "typescript" / "node_modules")
    programs = stage / "node_modules" / ".bin"
    types = ("--default-non-nullable", "false", "-o", stage / "src" / "schema.ts")
    run(programs / "openapi-typescript", contract, *types, at=stage)
    run(programs / "tsc", "-p", stage, at=stage)
    run("npm", "pack", "--silent", "--pack-destination", out, at=stage)


def run(*line: str | Path, at: Path) -> None:
    """Runs a program; ends with what it wrote where it fails."""
    words = [str(word) for word in line]
    done = subprocess.run(words, cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{Path(words[0]).name} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
