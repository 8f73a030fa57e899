"""Puts a world on disk: four tables, and the truth in a folder of its own."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.simulated_practice.tables import (
    client_ids,
    clients_table,
    clinicians_table,
    pairings_table,
    ratings_table,
)
from experiments.simulated_practice.truth import truth_arrays
from experiments.simulated_practice.world import World

Format = Literal["csv", "parquet"]


def write(
    world: World, out: Path, form: Format = "csv", roster: Path | None = None
) -> tuple[Path, ...]:
    """Writes a world under `out` and gives the files; the same settings give the same bytes.

    Parameters
    ----------
    roster
        The file that the clinicians were read from, if they were not drawn: it is copied.
    """
    many = len(world.history.clients["age_years"])
    ids = client_ids(1, many)
    test_ids = client_ids(many + 1, world.settings.test_clients)
    truth = out / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    return (
        _table(clients_table(world, world.history.clients, ids, 10), out / "clients", form),
        _table(clinicians_table(world, ids), out / "clinicians", form)
        if roster is None
        else Path(shutil.copyfile(roster, (out / "clinicians").with_suffix(roster.suffix))),
        _table(pairings_table(world, ids), out / "pairings", form),
        _table(ratings_table(world), out / "ratings", form),
        _table(clients_table(world, world.test_clients, test_ids, 11), truth / "clients", form),
        _truth(world, test_ids, truth / "truth.npz"),
        _settings(world, truth / "settings.json"),
    )


def _table(table: pd.DataFrame, stem: Path, form: Format) -> Path:
    path = stem.with_suffix(f".{form}")
    if form == "csv":
        table.to_csv(path, index=False, lineterminator="\n")
    else:
        table.to_parquet(path, index=False)
    return path


def _truth(world: World, test_ids: list[str], path: Path) -> Path:
    arrays: dict[str, Any] = truth_arrays(world, test_ids)
    np.savez_compressed(path, **arrays)
    return path


def _settings(world: World, path: Path) -> Path:
    path.write_text(json.dumps(asdict(world.settings), indent=2, default=str) + "\n", "utf-8")
    return path
