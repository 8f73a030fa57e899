"""The two public data sets, measured by their own experiments and kept as figures."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from experiments.bake_off.page import Sheet
from experiments.insteval.load import load as load_insteval
from experiments.real_ratings import (
    DATA,
    SHOWN,
    RealRatings,
    measure,
    open_dataset,
)
from experiments.speed_dating.load import load as load_speed_dating
from recommender.training.tree_fitting import FitSettings

SETS: Mapping[str, Callable[[Path], RealRatings]] = {
    "speed_dating": load_speed_dating,
    "insteval": load_insteval,
}
COLUMNS = ["data", "protocol", "learner", "metric", "value", "low", "high"]
FILE = "real.csv"


def measure_real(folder: Path, data: Path = DATA) -> None:
    """Runs every protocol of both sets and keeps the figures as `real.csv`."""
    parts = []
    for name, load in SETS.items():
        ratings = load(data / name)
        dataset = open_dataset(ratings)
        for protocol in ratings.protocols:
            result = measure(dataset, protocol, FitSettings())
            table = result.evaluation.table.assign(data=name, protocol=protocol.name)
            parts.append(table[table["metric"].isin(SHOWN)])
    whole = pd.concat(parts, ignore_index=True)[COLUMNS]
    whole.round(4).to_csv(folder / FILE, index=False, lineterminator="\n")


def known_real(folder: Path) -> pd.DataFrame:
    """The figures kept, without rows when none are."""
    path = folder / FILE
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)


def real_tables(real: pd.DataFrame) -> tuple[Sheet, ...]:
    """One table a data set and protocol."""
    sheets = []
    for (data, protocol), found in real.groupby(["data", "protocol"], sort=False):
        shown = found.assign(cell=[_cell(*row) for row in found[COLUMNS[4:]].to_numpy()])
        wide = shown.pivot_table("cell", "learner", "metric", aggfunc="first", sort=False)
        meaning = f"As `python -m experiments.{data}` measures it; in brackets 95 % intervals."
        name = f"{data}_{str(protocol).replace(' ', '_')}"
        rows = wide.fillna("-").reset_index()
        sheets.append(Sheet(name, f"{data}: {protocol}", meaning, rows))
    return tuple(sheets)


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
