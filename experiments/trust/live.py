"""A live server in another process, as its callers meet it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVE = (
    "from recommender.serving.server import serve; from recommender.settings import Settings; "
    "serve(Settings())"
)
PROGRAM = ("-c", SERVE)
START_SECONDS = 120
PATIENT = {"QUEUE_WAIT_SECONDS": 60}
"""For parts that are about something else than load: callers wait rather than be refused."""
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """A live server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


@contextmanager
def live_server(
    settings: Mapping[str, object], log: Path | None = None, words: Sequence[str] = PROGRAM
) -> Iterator[Server]:
    """A server with these settings on a free port, ready while within; its log goes to a file.

    `words` are what Python is given in place of the server alone, such as the whole command.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    given = {f"RECOMMENDER_{name}": str(value) for name, value in settings.items()}
    given["RECOMMENDER_PORT"] = str(port)
    with (log or Path(os.devnull)).open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *words, "--port", str(port)],
            env=os.environ | given,
            stderr=written,
        )
    try:
        _wait(port, process)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def connected(port: int) -> http.client.HTTPConnection:
    """A connection to a server of this machine."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def call(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    key: str | None = None,
) -> tuple[int, Told]:
    """Status and body of an answer."""
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(connected(port)) as connection:
                if call(connection, "GET", "/readyz")[0] == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not become ready")
