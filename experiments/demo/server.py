"""A server in a process of its own, for as long as it is needed."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.error import URLError

PATIENCE_SECONDS = 120


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


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server says it is ready; fails when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the server did not become ready; run the serve command by itself to see why")
