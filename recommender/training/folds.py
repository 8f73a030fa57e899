"""Ways to hold pairings back: by client, forward in time, by clinician, or as a file says.

Each gives for every pairing the number of its test fold; -1 is always learned from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.model.additive import Codes
from recommender.training.dataset import Chosen, Dataset


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows learned from and rows tested on.

    Attributes
    ----------
    train, test
        Rated pairings of the data set.
    left
        Pairings of the data set that ended unrated and belong to the test.
    """

    name: str
    train: Chosen
    test: Chosen
    left: Chosen


def client_folds(client: Chosen, folds: int, seed: int) -> Codes:
    """A fold for each row such that no client is in two, balanced in clients, (n,)."""
    clients, place = np.unique(client, return_inverse=True)
    numbers = np.arange(len(clients)) % folds
    return np.random.default_rng(seed).permutation(numbers)[place]


def forward(dataset: Dataset, share: float = 0.2) -> tuple[Fold, ...]:
    """Test on the last pairings to begin; learn from what was known by the day the first began.

    Raises
    ------
    RecommenderError
        When nothing was known by then.
    """
    return (_later(dataset, "forward", _day(dataset, 1 - share), None),)


def rolling(dataset: Dataset, folds: int = 4, share: float = 0.1) -> tuple[Fold, ...]:
    """Forward in time several times: each fold tests the next share of pairings to begin.

    The folds end with the last pairing; with the defaults they test the last 40 per cent, a tenth
    each, every one on a model that learned from all that was known by then.

    Raises
    ------
    RecommenderError
        When the folds ask for all pairings, or nothing was known by the first.
    """
    if folds < 1 or not 0 < folds * share < 1:
        remedy = "ask for fewer folds or a smaller share"
        raise RecommenderError("folds", "leave nothing to learn from", remedy)
    starts = [_day(dataset, 1 - share * place) for place in range(folds, 0, -1)]
    ends = [*starts[1:], None]
    return tuple(
        _later(dataset, f"forward {place}", start, end)
        for place, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    )


def _day(dataset: Dataset, share: float) -> int:
    """The day by which this share of the pairings had begun."""
    return int(np.quantile(dataset.started, share, method="higher"))


def _later(dataset: Dataset, name: str, start: int, end: int | None) -> Fold:
    """Pairings that began from a day on, before another if there is one, and what was known."""
    train = np.flatnonzero(dataset.known < start)
    if not len(train):
        problem = "has no rating known before the last pairings began"
        raise RecommenderError("ratings", problem, "give ratings of a longer time")
    test, left = (
        np.flatnonzero((began >= start) & (end is None or began < end))
        for began in (dataset.started, dataset.left_started)
    )
    return Fold(name, train, test, left)


def clinicians_left_out(dataset: Dataset, folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Test on clinicians whose ratings were never learned from, in at most so many folds."""
    folds = _at_most(folds, dataset.pairs.clinician, "clinicians")
    number = client_folds(dataset.pairs.clinician, folds, seed)
    return _each(number, [f"clinicians {place + 1}" for place in range(folds)])


def clients_left_out(dataset: Dataset, folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Test on clients never learned from, at any time, in at most so many folds."""
    folds = _at_most(folds, dataset.pairs.client, "clients")
    number = client_folds(dataset.pairs.client, folds, seed)
    return _each(number, [f"clients {place + 1}" for place in range(folds)])


def folds_from_file(dataset: Dataset, path: Path) -> tuple[Fold, ...]:
    """Folds given by a CSV of `pairing_id,fold`; pairings it leaves out are always learned from.

    Raises
    ------
    RecommenderError
        When the file lacks a column, names a pairing twice, or leaves nothing to test or to learn.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        raise RecommenderError("folds", "cannot be read", "name a CSV of pairing_id,fold") from None
    if not {"pairing_id", "fold"} <= set(table.columns):
        raise RecommenderError("folds", "lacks a column", "give pairing_id and fold")
    if table["pairing_id"].duplicated().any():
        raise RecommenderError("folds", "names a pairing twice", "keep one row for each pairing")
    given = table.set_index("pairing_id")["fold"].reindex(dataset.pairing_ids).fillna("")
    names = sorted(set(given) - {""})
    if not names:
        raise RecommenderError("folds", "names no rated pairing", "check the pairing ids")
    if len(names) == 1 and "" not in set(given):
        raise RecommenderError("folds", "tests all at once", "name a second fold")
    codes = {name: place for place, name in enumerate(names)}
    number = np.array([codes.get(name, -1) for name in given], dtype=np.int64)
    return _each(number, names)


def _at_most(folds: int, people: Chosen, side: str) -> int:
    """As many folds as there are people to part, 2 at least."""
    several = len(np.unique(people))
    if several < 2:
        raise RecommenderError("folds", f"has one of the {side} only", "hold back otherwise")
    return min(folds, several)


def _each(number: Codes, names: list[str]) -> tuple[Fold, ...]:
    nobody = np.zeros(0, dtype=np.intp)
    return tuple(
        Fold(name, np.flatnonzero(number != place), np.flatnonzero(number == place), nobody)
        for place, name in enumerate(names)
    )
