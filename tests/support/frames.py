"""The small practice's tables as DataFrames, as `read_csv` of pandas gives them."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from recommender.notebook.practice_model import PracticeModel
from recommender.notebook.tables import PracticeTables, load_tables
from tests.support.builders import a_model, a_practice, write_tables

NAMES = ("clients", "clinicians", "pairings", "ratings")


def some_frames(**options: int) -> dict[str, pd.DataFrame]:
    """The files of `some_rows`, read by pandas without any argument; copies."""
    return {name: frame.copy() for name, frame in _frames(tuple(options.items())).items()}


@cache
def _frames(options: tuple[tuple[str, int], ...]) -> dict[str, pd.DataFrame]:
    with TemporaryDirectory() as folder:
        write_tables(Path(folder), **dict(options))
        return {name: pd.read_csv(Path(folder) / f"{name}.csv") for name in NAMES}


@cache
def loaded_tables(**options: int) -> PracticeTables:
    """The same, checked."""
    return load_tables(some_frames(**options), a_practice())


def a_practice_model() -> PracticeModel:
    """The model of `builders`, for a notebook."""
    return PracticeModel(a_model())
