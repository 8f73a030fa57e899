"""The whole pipeline's training beside LightGBM alone on the same matrix, each in its own process.

LightGBM alone gets the finished matrix and the settings of our trees: it pays for nothing else.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np

from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

SETTINGS = FitSettings()


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the fit itself and peak memory of its process, with the tables in it."""

    seconds: float
    peak_mib: float


def compare(tables: Path, workspace: Path) -> tuple[Cost, Cost]:
    """Ours, and LightGBM alone, on one practice's tables."""
    matrix = workspace / "matrix.npz"
    return ours(tables, matrix), _in_process("alone", tables, matrix)


def ours(tables: Path, matrix: Path) -> Cost:
    """The whole pipeline, which leaves its matrix in a file."""
    return _in_process("ours", tables, matrix)


def _in_process(what: str, tables: Path, matrix: Path) -> Cost:
    line = [sys.executable, "-m", "experiments.bench.training", what, str(tables), str(matrix)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _dataset(tables: Path) -> Dataset:
    practice = shipped_practice()
    return dataset_of(read_tables(tables, practice, None), practice)


def _ours(tables: Path, matrix: Path) -> float:
    dataset = _dataset(tables)
    started = time.perf_counter()
    fitted = fit(dataset, settings=SETTINGS)
    taken = time.perf_counter() - started
    peak = _peak_mib()
    rows, _ = fitted.model.rows(dataset.clients, encode_clinicians(dataset), dataset.pairs)
    np.savez(matrix, rows=rows.model_columns().astype(np.float32), label=fitted.labels.alliance)
    return _told(taken, peak)


def _alone(matrix: Path) -> float:
    with np.load(matrix) as stored:
        rows, label = stored["rows"], stored["label"]
    parameters = SETTINGS.pairing.parameters(0, rows.size)
    started = time.perf_counter()
    lgb.train(parameters, lgb.Dataset(rows, label))
    return _told(time.perf_counter() - started, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _told(seconds: float, peak_mib: float) -> float:
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mib": peak_mib}) + "\n")
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("ours", "alone"))
    parser.add_argument("tables", type=Path)
    parser.add_argument("matrix", type=Path)
    asked = parser.parse_args()
    if asked.what == "ours":
        _ours(asked.tables, asked.matrix)
    else:
        _alone(asked.matrix)
