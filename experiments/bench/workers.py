"""A real Dask cluster on this machine: a scheduler and workers, each a process of its own.

One thread each, no port that is fixed, no page.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recommender.compute.runner import addresses_of, connected

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Cluster:
    """The scheduler's address, and the process of each worker."""

    address: str
    workers: tuple[subprocess.Popen[bytes], ...]

    def kill_one(self) -> None:
        """One worker is gone at once, with all it held."""
        self.workers[0].kill()
        self.workers[0].wait(timeout=10)


@contextmanager
def started(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts; what it needs is kept in a folder."""
    folder.mkdir(exist_ok=True)
    told = folder / "scheduler.json"
    alone = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told))
    running = [_process("scheduler", *alone, "--port", "0")]
    try:
        _until(told.exists)
        # Without a nanny: a worker that is killed stays away.
        lean = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        running += [
            _process("worker", *alone, *lean, "--local-directory", str(folder))
            for _ in range(workers)
        ]
        address = json.loads(told.read_text())["address"]
        _until(lambda: _workers(address) == workers)
        yield Cluster(address, tuple(running[1:]))
    finally:
        for each in running:
            each.kill()
            each.wait(timeout=60)


def _process(which: str, *words: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", f"distributed.cli.dask_{which}", *words]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _workers(address: str) -> int:
    with connected(address) as client:
        return len(addresses_of(client))


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if there():
            return
        time.sleep(0.2)
    raise SystemExit("the cluster did not start")
