"""A real cluster on this machine: a scheduler and workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

READY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: its address, and the process of each worker."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def kill_one(self) -> None:
        """One worker is gone at once, with all it held."""
        os.kill(self.workers[0].pid, signal.SIGKILL)
        self.workers[0].wait(timeout=10)


@contextmanager
def a_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Within the block the workers are there; no port is fixed, nothing is shown on a page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    hosts = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = _started(folder, "scheduler", *hosts, "--port", port)
    # Without a nanny: a worker that is killed stays away.
    alone = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
    started = [_started(folder, "worker", address, *hosts, *alone) for _ in range(workers)]
    try:
        _wait(address, workers)
        yield Cluster(address, started)
    finally:
        for each in [*started, scheduler]:
            each.kill()
            each.wait(timeout=30)


def _started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    local = ["--local-directory", str(folder)] if words[0] == "worker" else []
    line = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:], *local]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(line, stdout=quiet, stderr=quiet, cwd=Path.cwd())


def _wait(address: str, workers: int) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            with Client(address, timeout=5) as client:
                if workers:
                    client.wait_for_workers(workers, timeout=READY_SECONDS)
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the cluster did not start")
