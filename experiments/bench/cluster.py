"""Two workers of a Dask cluster beside one, and beside one process without a cluster.

Scheduler and workers are processes of their own on this machine, one thread each; what is learned
is measured on later pairings. Imported by the command; run by itself it learns once and tells.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from experiments.bench.scoring import DAY, TOP_K, some
from recommender.batch import Asked, score_clients
from recommender.cluster import connected, spread, workers_of
from recommender.errors import RecommenderError
from recommender.model import AllianceModel
from recommender.practice import shipped_practice
from recommender.tables.checked import read_roster, read_tables
from recommender.tables.people import People
from recommender.training.baselines import OURS, ours
from recommender.training.clustered import grower_on
from recommender.training.dataset import dataset_of
from recommender.training.evaluate import evaluate
from recommender.training.figures import PARTIAL
from recommender.training.folds import forward
from recommender.training.growth import FitSettings

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Cluster:
    """The scheduler's address, and the processes of the workers."""

    address: str
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """Learning from the earlier pairings and judging by the later ones.

    Attributes
    ----------
    seconds
        Of both, tables read.
    peak_mib
        Of the process that learns.
    workers_mib
        Of the largest worker; 0 without any.
    value, low, high
        The figure it is judged by, and its interval.
    """

    seconds: float
    peak_mib: float
    workers_mib: float
    value: float
    low: float
    high: float


@contextmanager
def started(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts."""
    folder.mkdir()
    told = folder / "scheduler.json"
    alone = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told))
    running = [_process("scheduler", *alone, "--port", "0")]
    try:
        _until(told.exists)
        lean = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        running += [
            _process("worker", *alone, *lean, "--local-directory", str(folder))
            for _ in range(workers)
        ]
        address = json.loads(told.read_text())["address"]
        _until(lambda: _workers(address) == workers)
        yield Cluster(address, tuple(each.pid for each in running[1:]))
    finally:
        for each in running:
            each.kill()
            each.wait(timeout=60)


def scored(model: AllianceModel, people: People, roster: Path, out: Path, workers: int) -> float:
    """Seconds in which so many workers rank the roster for all the people."""
    standing = model.standing(read_roster(roster, model.practice, datetime.now(UTC)))
    asked = Asked(standing, model, DAY, TOP_K)
    with (
        started(out.with_suffix(".cluster"), workers) as cluster,
        connected(cluster.address) as client,
    ):
        runner = partial(spread, client)
        # Everybody imports what they need before it counts.
        score_clients(some(people, 2 * workers), asked, "warm", out / "warm", _silent, runner)
        began = time.perf_counter()
        score_clients(people, asked, "bench", out / "parts", _silent, runner)
        return time.perf_counter() - began


def learned(tables: Path, workspace: Path, workers: int) -> Learned:
    """Learning with so many workers, in a process of its own; with none, in it alone."""
    if not workers:
        return _in_process(tables)
    with started(workspace / f"learning{workers}", workers) as cluster:
        found = _in_process(tables, cluster.address)
        return Learned(**asdict(found) | {"workers_mib": max(map(_peak_of, cluster.workers))})


def _in_process(tables: Path, *address: str) -> Learned:
    line = [sys.executable, "-m", "experiments.bench.cluster", str(tables), *address]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    return Learned(**json.loads(done.stdout.splitlines()[-1]))


def _learn(tables: Path, address: str | None) -> Learned:
    practice = shipped_practice()
    dataset = dataset_of(read_tables(tables, practice), practice)
    settings = FitSettings() if address is None else FitSettings(grower=grower_on(address))
    began = time.perf_counter()
    found = evaluate(dataset, forward(dataset), settings, learners={OURS: ours}, draws=100)
    seconds = time.perf_counter() - began
    table = found.table
    row = table[(table["learner"] == OURS) & (table["metric"] == PARTIAL)].iloc[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = (float(row[name]) for name in ("value", "low", "high"))
    return Learned(seconds, peak, 0.0, *figures)


def _process(which: str, *words: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", f"distributed.cli.dask_{which}", *words]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _workers(address: str) -> int:
    with connected(address) as client:
        try:
            return workers_of(client)
        except RecommenderError:
            return 0


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if there():
            return
        time.sleep(0.2)
    raise SystemExit("the cluster did not start")


def _peak_of(process: int) -> float:
    """MiB a process held at most, as Linux tells."""
    told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(told.group(1)) / 1024 if told else 0.0


def _silent(step: str, done: float) -> None:
    return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", type=Path)
    parser.add_argument("address", nargs="?")
    given = parser.parse_args()
    found = _learn(given.tables, given.address)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
