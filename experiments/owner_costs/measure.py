"""What a server and a training take at one size of practice, measured on real processes."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from experiments.bench import memory
from recommender.model.bundle.io import save_bundle
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit

STORED = Path(__file__).parent / "results" / "measured.csv"
ATTENDED_YEARS = 3
"""Years of ratings that the measured training learns from."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size of practice took; SQLite as store and registry.

    Attributes
    ----------
    request_ms
        Core milliseconds of one recorded request (the demo's client, three shown).
    server_mib, poller_mib
        Most memory of the server, and of the process that follows the registry.
    request_kib
        KiB by which the store grew with each request.
    train_seconds, train_mib
        Core seconds and most memory of `recommender train`.
    """

    clinicians: int
    ratings: int
    measured_on: str
    request_ms: float
    server_mib: float
    poller_mib: float
    request_kib: float
    train_seconds: float
    train_mib: float


def measured(clinicians: int, ratings: int, workspace: Path) -> Measured:
    """Simulates a practice, trains by the command, and asks a server with a store."""
    tables = workspace / "tables"
    words = ["--clinicians", clinicians, "--ratings", ratings, "--test-clients", 10, "--seed", 1]
    line = [sys.executable, "-m", "experiments.simulated_practice", "--out", str(tables)]
    subprocess.run([*line, *map(str, words)], check=True, capture_output=True)
    seconds, train_mib = _training(tables, workspace)
    practice = shipped_practice()
    model = fit(dataset_of(read_tables(tables, practice, None), practice), now=datetime.now(UTC))
    save_bundle(model.model, workspace / "bundle")
    served = memory.held(workspace / "bundle", tables / "clinicians.csv", clinicians)
    return Measured(
        clinicians,
        ratings,
        datetime.now(UTC).date().isoformat(),
        round(served.store.request, 1),
        round(served.store.peak),
        round(memory.follower_mib(workspace / "followed")),
        round(served.kib_a_request, 1),
        round(seconds, 1),
        round(train_mib),
    )


def _training(tables: Path, workspace: Path) -> tuple[float, float]:
    """Core seconds and most MiB of `recommender train`, with evaluation and publishing."""
    registry = f"sqlite:///{workspace / 'train' / 'mlflow.db'}"
    (workspace / "train").mkdir()
    line = ["-m", "recommender.cli", "train", str(tables), "--registry", registry]
    with (workspace / "train.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *line], stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"recommender train ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def write_measured(rows: Iterable[Measured], path: Path = STORED) -> None:
    """Stores measurements as CSV, one line for each size."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(Measured)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_measured(path: Path = STORED) -> Mapping[int, Measured]:
    """Stored measurements, by number of clinicians."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [TypeAdapter(Measured).validate_python(row) for row in csv.DictReader(file)]
    return {row.clinicians: row for row in rows}
