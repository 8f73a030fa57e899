"""Two workers of a Dask cluster beside one, and beside one process without a cluster.

Scheduler and workers are processes of their own on this machine, one thread each; what is learned
is measured on later pairings.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from experiments.bench.scoring import DAY, TOP_K, some
from experiments.bench.workers import started
from recommender.compute.runner import runner_on
from recommender.model.alliance_model import AllianceModel
from recommender.model.evaluation_report import PARTIAL
from recommender.practice.definition import shipped_practice
from recommender.recommendation.batch_scoring import score_clients
from recommender.recommendation.score_tables import JobSettings
from recommender.tables.cells import People
from recommender.tables.loader import read_roster, read_tables
from recommender.training.baselines import OURS, ours
from recommender.training.dask_lightgbm import settings_on
from recommender.training.dataset import dataset_of
from recommender.training.evaluate import evaluate
from recommender.training.folds import forward
from recommender.training.tree_fitting import FitSettings


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


def scored(model: AllianceModel, people: People, roster: Path, out: Path, workers: int) -> float:
    """Seconds in which so many workers rank the roster for all the people."""
    encoding = model.encode_roster(read_roster(roster, model.practice, datetime.now(UTC)))
    asked = JobSettings(encoding, model, DAY, TOP_K)
    with started(out.with_suffix(".cluster"), workers) as cluster:
        runner = runner_on(cluster.address)
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
        return replace(found, workers_mib=max(_peak_of(each.pid) for each in cluster.workers))


def _in_process(tables: Path, *address: str) -> Learned:
    line = [sys.executable, "-m", "experiments.bench.cluster", str(tables), *address]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    return Learned(**json.loads(done.stdout.splitlines()[-1]))


def _learn(tables: Path, address: str | None) -> Learned:
    practice = shipped_practice()
    dataset = dataset_of(read_tables(tables, practice, None), practice)
    settings = FitSettings() if address is None else settings_on(address, FitSettings())
    began = time.perf_counter()
    found = evaluate(dataset, forward(dataset), settings, learners={OURS: ours}, draws=100)
    seconds = time.perf_counter() - began
    table = found.table
    row = table[(table["learner"] == OURS) & (table["metric"] == PARTIAL)].iloc[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = (float(row[name]) for name in ("value", "low", "high"))
    return Learned(seconds, peak, 0.0, *figures)


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
