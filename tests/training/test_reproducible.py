"""The same tables and seed give the same bytes, in another process as well."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from recommender.model.bundle.io import save_bundle
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import DEFINITION, a_dataset, some_rows, write_rows
from tests.support.registries import empty_registry

PAIRINGS = 160
KEPT_APART = ("digest.json",)
"""It tells the day of the training beside the sums of all other files."""


def trained(tables: Path, seed: int, surroundings: dict[str, str]) -> dict[str, bytes]:
    """Every file of the bundle that `recommender train` publishes from a process of its own."""
    with TemporaryDirectory() as home:
        uri = empty_registry(Path(home))
        told = ("--practice", str(DEFINITION), "--registry", uri, "--seed", str(seed))
        done = subprocess.run(
            [sys.executable, "-m", "recommender.cli", "train", str(tables), *told],
            env=os.environ | surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        challenger = Registry(uri).resolve(CHALLENGER)
        bundle = Registry(uri).fetch(challenger.version, Path(home) / "bundles")
        files = {path.name: path.read_bytes() for path in bundle.iterdir()}
    kept = {name: content for name, content in files.items() if name not in KEPT_APART}
    return kept | {"digest": challenger.digest.encode()}


@cache
def usual() -> dict[str, bytes]:
    with TemporaryDirectory() as tables:
        write_rows(Path(tables), some_rows(pairings=PAIRINGS))
        return trained(Path(tables), 0, {"PYTHONHASHSEED": "1"})


@pytest.mark.long
def test_another_process_publishes_the_same_bytes_from_other_files_of_the_same_facts(
    tmp_path: Path,
) -> None:
    """Rows turned, columns turned, Parquet for CSV, another hash seed and another zone."""
    rng = np.random.default_rng(7)
    for name, rows in some_rows(pairings=PAIRINGS).items():
        table = pd.DataFrame(rows).iloc[rng.permutation(len(rows))]
        table = table[list(table.columns[::-1])]
        if name in ("clients", "ratings"):
            table.to_parquet(tmp_path / f"{name}.parquet", index=False)
        else:
            table.to_csv(tmp_path / f"{name}.csv", index=False)
    again = trained(tmp_path, 0, {"PYTHONHASHSEED": "2", "TZ": "America/Lima"})

    different = [name for name in usual() if usual()[name] != again[name]]
    assert set(again) == set(usual())
    assert different == []


@pytest.mark.long
def test_another_seed_publishes_another_digest(tmp_path: Path) -> None:
    write_rows(tmp_path, some_rows(pairings=PAIRINGS))
    other = trained(tmp_path, 1, {"PYTHONHASHSEED": "1"})

    assert other["digest"] != usual()["digest"]
    assert other["practice.toml"] == usual()["practice.toml"]


def test_the_number_of_cores_does_not_reach_the_bytes(tmp_path: Path) -> None:
    digests = set()
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            model = fit(a_dataset(), settings=FitSettings(folds=3)).model
        digests.add(save_bundle(model, tmp_path / str(threads)))

    assert len(digests) == 1
