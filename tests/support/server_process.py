"""Servers in processes of their own, and plain HTTP requests to them."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from recommender.settings import Settings

RUN_SERVER = (
    "from recommender.serving.server import serve; from recommender.settings import Settings; "
)
JSON = {"content-type": "application/json"}
ROOT = Path(__file__).parents[2]


@contextmanager
def server_process(settings: Settings, port: int) -> Iterator[subprocess.Popen[str]]:
    """A server with a bundle; killed at the end if it still runs."""
    process = start_server(port, subprocess.PIPE, bundle=settings.bundle, roster=settings.roster)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def running_server(**settings: object) -> Iterator[int]:
    """The port of a server with these settings, ready within; it is stopped at the end."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = start_server(port, log, **settings)
        try:
            wait_until_ready(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(60)


def start_server(port: int, log: int | IO[bytes], /, **settings: object) -> subprocess.Popen[str]:
    """A server with these settings, perhaps not ready yet; its standard error goes to `log`."""
    given = {f"RECOMMENDER_{name.upper()}": str(value) for name, value in settings.items()}
    environment = os.environ | given | {"RECOMMENDER_PORT": str(port)}
    command = [sys.executable, "-c", RUN_SERVER + "serve(Settings())"]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=log, text=True)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def http_request(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = JSON
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a response; a request with a body has headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body or None, headers if body else {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def wait_for_answer(process: subprocess.Popen[Any], port: int, path: str, seconds: float) -> None:
    """Returns when a path is answered in any way; fails when the time or the process has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, "the process ended by itself"
        try:
            http_request(port, "GET", path)
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the process never answered")


def wait_until_ready(process: subprocess.Popen[str], port: int) -> None:
    """Returns when `/readyz` answers 200; fails after a minute, or when the process has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended by itself"
        try:
            if http_request(port, "GET", "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server was never ready")
