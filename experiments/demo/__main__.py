"""Simulate, check, train, promote, serve, ask: every step is a command anyone can type.

Run by `make demo`. Everything it writes stands under `var/demo`, which it empties first.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from rich.console import Console

HOME = Path("var/demo")
TABLES, BUNDLES = HOME / "practice", HOME / "bundles"
REGISTRY = f"sqlite:///{HOME}/mlflow.db"
CLIENT = Path("experiments/demo/client.json")
PATIENCE_SECONDS = 120
console = Console()


def recommender(*words: str | Path) -> list[str]:
    """A command of this project, run with the Python that runs the demo."""
    return [str(Path(sys.executable).with_name("recommender")), *map(str, words)]


def step(said: str, *words: str | Path) -> None:
    """Runs one command and shows it; the demo ends where a command fails."""
    console.rule(f"[bold]{said}", align="left")
    console.print(f"$ recommender {' '.join(map(str, words))}", style="dim", highlight=False)
    done = subprocess.run(recommender(*words), check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


@contextmanager
def running(*words: str | Path) -> Iterator[str]:
    """A server in its own process, ready to answer; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(recommender(*words, "--port", str(port)), stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server says it is ready; fails when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the server did not become ready; run the serve command by itself to see why")


def main() -> None:
    """The whole way, in well under three minutes."""
    started = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    step(
        "1  Simulate a practice whose truth is known",
        *("simulate", "--out", TABLES, "--clinicians", "40", "--ratings", "1500", "--seed", "1"),
    )
    step("2  Check its tables", "check", TABLES)
    step("3  Train, measured on later pairings", "train", TABLES, "--registry", REGISTRY)
    step("4  Promote", "promote", "--registry", REGISTRY, "--reason", "first model of the demo")
    serve = ("serve", "--registry", REGISTRY, "--roster", TABLES / "clinicians.csv")
    console.rule("[bold]5  Serve, in a process of its own", align="left")
    with running(*serve, "--bundles", BUNDLES) as url:
        step("6  Ask for one client's shortlist over HTTP", "recommend", CLIENT, "--url", url)
    console.rule("[bold]Done", align="left")
    console.print(f"{time.monotonic() - started:.0f} seconds. The server has stopped. Now type:")
    console.print("  make serve                     the same server, until you stop it")
    console.print("  recommender recommend experiments/demo/client.json   (in a second terminal,")
    console.print("                                 after `source .venv/bin/activate`)")
    console.print("  recommender practice show      what this practice asks and requires")


if __name__ == "__main__":
    main()
