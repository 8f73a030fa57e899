"""A server in a process of its own, for as long as it is needed."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.error import URLError

PATIENCE_SECONDS = 120
BETWEEN_SECONDS = 0.2


@contextmanager
def running(command: Sequence[str], settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a server that a command starts, ready to answer; it is stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | settings | {"RECOMMENDER_PORT": str(port)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def serve_until_stopped(
    command: Sequence[str],
    settings: Mapping[str, str],
    port: int,
    announce: Callable[[str], object],
) -> int:
    """Serves on this machine until the server or this process is stopped.

    Calls `announce` with the server's address once it is ready to answer. Returns what the server
    exits with.
    """
    url = f"http://127.0.0.1:{port}"
    _check_free(port)
    signal.signal(signal.SIGTERM, _interrupt)
    process = subprocess.Popen(command, env=os.environ | settings)
    try:
        while not (ready := _ready(url)) and process.poll() is None:
            time.sleep(BETWEEN_SECONDS)
        if ready:
            announce(url)
        return process.wait()
    except KeyboardInterrupt:
        # A terminal interrupts the server too.
        return 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _check_free(port: int) -> None:
    """Fails where something else answers at the port, which would pass for this server."""
    with socket.socket() as wanted:
        wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            wanted.bind(("127.0.0.1", port))
        except OSError:
            remedy = f"stop what uses it, or choose another, such as `make serve PORT={port + 1}`"
            raise SystemExit(f"port {port}: is in use; {remedy}") from None


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server says it is ready; fails when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _ready(url):
            return
        time.sleep(BETWEEN_SECONDS)
    raise SystemExit("the server did not become ready; run the serve command by itself to see why")


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2):
            return True
    except (URLError, OSError):
        return False
