"""Size of a server's environment, and memory of its processes, for environments side by side.

`python -m experiments.deploy_proof.footprint --bundle B --practice P --roster R PYTHON[=CODE]...`:
each PYTHON is the interpreter of an environment; CODE is a clone whose code runs in it, this one
by default. Each serves the same bundle and answers the same requests.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from experiments.deploy_proof.memory import folder_mb, memory_of

CLONE = Path(__file__).parents[2]
CLIENT = CLONE / "experiments" / "demo" / "client.json"
REQUESTS = 200
START_SECONDS = 120


def main(
    environments: Annotated[list[str], typer.Argument(metavar="PYTHON[=CODE]...")],
    bundle: Annotated[Path, typer.Option(help="A bundle, such as one of a bundle cache.")],
    practice: Annotated[Path, typer.Option(help="The definition it learned with.")],
    roster: Annotated[Path, typer.Option(help="The clinicians.")],
    workers: Annotated[int, typer.Option(help="Server processes.")] = 2,
) -> None:
    """Prints megabytes on disk and MiB in memory."""
    files = ("--bundle", bundle, "--practice", practice, "--roster", roster)
    options = [
        *(str(each.resolve() if isinstance(each, Path) else each) for each in files),
        "--workers",
        str(workers),
    ]
    for each in environments:
        python, _, code = each.partition("=")
        packages = next((Path(python).parents[1] / "lib").glob("python3*/site-packages"))
        _print(f"{each}\n  {folder_mb(packages):6.0f} MB on disk")
        processes = _served(python, Path(code or CLONE), options)
        for name, (resident, proportional) in processes.items():
            _print(f"  {resident:6.0f} MiB resident, {proportional:6.0f} PSS  {name}")
        total = sum(proportional for _, proportional in processes.values())
        _print(f"  {total:6.0f} MiB of PSS together")


def _served(python: str, code: Path, options: list[str]) -> dict[str, tuple[float, float]]:
    """Memory of a server and what it started, after `REQUESTS` requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "recommender.cli", "serve", *options, "--port", str(port)]
    unset = {name: value for name, value in os.environ.items() if "RECOMMENDER_" not in name}
    process = subprocess.Popen(
        ["sh", "-c", '"$@" & wait', "sh", *command],
        env=unset | {"PYTHONPATH": str(code)},
        # `python -m` looks in the working directory first.
        cwd=code,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        body, kind = CLIENT.read_bytes(), {"Content-Type": "application/json"}
        for _ in range(REQUESTS):
            request = urllib.request.Request(f"{url}/v1/recommendations", body, kind)
            urllib.request.urlopen(request, timeout=30).close()
        return memory_of(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _wait(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
            return
        except OSError:
            time.sleep(0.3)
    raise SystemExit("the server did not become ready")


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    typer.run(main)
