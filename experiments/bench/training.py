"""The fit beside LightGBM alone on the same matrix, each in its own process, after tables are read.

LightGBM alone gets the finished matrix and the settings of our trees: it pays for nothing else. Our
ensembles grow on all cores, one each, and LightGBM alone is one of them, so that both wall-clock
and processor time are printed.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
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
    """Seconds and processor seconds of the fit, and peak memory of its process with the tables."""

    seconds: float
    processor: float
    peak_mib: float


def compare(tables: Path, workspace: Path) -> tuple[Cost, Cost]:
    """Ours, and LightGBM alone, on one practice's tables."""
    matrix = workspace / "matrix.npz"
    return ours(tables, matrix), _in_process("alone", tables, matrix)


def ours(tables: Path, matrix: Path) -> Cost:
    """Our fit, which leaves its matrix in a file."""
    return _in_process("ours", tables, matrix)


def _in_process(what: str, tables: Path, matrix: Path) -> Cost:
    line = [sys.executable, "-m", "experiments.bench.training", what, str(tables), str(matrix)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _dataset(tables: Path) -> Dataset:
    practice = shipped_practice()
    return dataset_of(read_tables(tables, practice, None), practice)


def _ours(tables: Path, matrix: Path) -> None:
    dataset = _dataset(tables)
    started, worked = time.perf_counter(), time.process_time()
    fitted = fit(dataset, settings=SETTINGS)
    cost = _cost(started, worked)
    rows, _ = fitted.model.rows(dataset.clients, encode_clinicians(dataset), dataset.pairs)
    np.savez(matrix, rows=rows.model_columns().astype(np.float32), label=fitted.labels.alliance)
    _print(cost)


def _alone(matrix: Path) -> None:
    with np.load(matrix) as stored:
        rows, label = stored["rows"], stored["label"]
    parameters = SETTINGS.pairing.parameters(0, rows.size)
    started, worked = time.perf_counter(), time.process_time()
    lgb.train(parameters, lgb.Dataset(rows, label))
    _print(_cost(started, worked))


def _cost(started: float, worked: float) -> Cost:
    """The cost since both clocks showed this."""
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    return Cost(seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _print(cost: Cost) -> None:
    sys.stdout.write(json.dumps(asdict(cost)) + "\n")


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
