"""A throw-away mlflow server on loopback, for tests and measurements that need the real one.

Its runs and versions are in SQLite, its artifacts in a folder that only it reads: whoever speaks to
it does so over HTTP alone.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.trust.live import connected

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Tracking:
    """A running server: its address, and the process to end it by."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """What `--registry` is given."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def tracking_server(directory: Path) -> Iterator[Tracking]:
    """A server that keeps everything in this folder, and answers while within."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{directory}/tracking.db"]
    command += ["--artifacts-destination", str(directory / "tracked")]
    # Its job runners take half a minute to start and to stop, and registries do not use them.
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (directory / "tracking.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    try:
        _wait(port, process)
        yield Tracking(port, process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(connected(port)) as line:
                line.request("GET", "/health")
                if line.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the mlflow server did not start")
