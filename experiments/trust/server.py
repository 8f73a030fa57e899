"""A live server in a process of its own, for parts that ask over a socket.

Imported by the parts.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVE = (
    "from recommender.serving.server import serve; from recommender.settings import Settings; "
    "serve(Settings())"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A live server."""

    port: int
    process: subprocess.Popen[bytes]

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


@contextmanager
def live_server(log: Path, **settings: object) -> Iterator[Server]:
    """A server with these settings, whose log is written to a file; ready within the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    given = {f"RECOMMENDER_{name.upper()}": str(value) for name, value in settings.items()}
    environment = os.environ | given | {"RECOMMENDER_PORT": str(port)}
    with log.open("wb") as written:
        process = subprocess.Popen([sys.executable, "-c", SERVE], env=environment, stderr=written)
        try:
            _wait(port, process)
            yield Server(port, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(line):
            try:
                line.request("GET", "/readyz")
                if line.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.1)
    raise SystemExit("the server did not become ready")
