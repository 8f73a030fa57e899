"""Folds of held-out pairings: forward in time, by client, by clinician, or from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import Fault, RecommenderError
from recommender.model.additive import Codes
from recommender.training.dataset import Dataset, RowIndex
from recommender.values.ids import canonical_id, near_misses, suggestions_for, with_question

TUNING_FOLDS, FIRST_CUT = 3, 0.4
"""Folds for tuning, and the share of the earliest pairings before the first of them."""
MIN_FOLD_SIZE = 30
"""Rated pairings below which a fold is too noisy: a correlation of 30 rows has an error of .18."""


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
    train: RowIndex
    test: RowIndex
    dropouts: RowIndex


def client_folds(client: RowIndex, folds: int, seed: int) -> Codes:
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

    Examples
    --------
    >>> (fold,) = forward(dataset)
    >>> len(dataset), len(fold.train), len(fold.test)
    (95, 75, 19)
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
        for began in (dataset.started, dataset.dropouts_started)
    )
    return Fold(name, train, test, left)


def new_client_folds(
    dataset: Dataset, before: int | None = None, number: int = TUNING_FOLDS
) -> tuple[Fold, ...]:
    """Consecutive spans of time for tuning; each tests clients that it did not learn from.

    `rolling` also tests clients who came back; in tuning they would favour settings that remember
    them. Nor is a client tested who had dropped out before the span.

    Parameters
    ----------
    dataset
    before
        Day since 1970-01-01: what was not known by then is in no fold.
    number
        Of folds.

    Raises
    ------
    RecommenderError
        When a fold would test or learn from fewer than `MIN_FOLD_SIZE`.
    """
    end = int(dataset.known.max()) + 1 if before is None else before
    usable, smallest = dataset.known < end, 0
    if usable.any():
        shares = FIRST_CUT + (1 - FIRST_CUT) * np.arange(number) / number
        cuts = [int(day) for day in np.quantile(dataset.started[usable], shares, method="higher")]
        spans = zip(cuts, [*cuts[1:], end], strict=True)
        folds = tuple(_new_clients(dataset, usable, start, until) for start, until in spans)
        smallest = min(len(rows) for fold in folds for rows in (fold.train, fold.test))
    if smallest < MIN_FOLD_SIZE:
        few = f"a span would have {smallest}, and {MIN_FOLD_SIZE} is least"
        remedy = "train with the defaults until there are more"
        raise RecommenderError("ratings", f"are too few to tune on: {few}", remedy)
    return folds


def _new_clients(dataset: Dataset, usable: NDArray[np.bool_], start: int, until: int) -> Fold:
    train = usable & (dataset.known < start)
    gone = dataset.dropouts.client[dataset.dropouts_started < start]
    seen = np.concatenate([dataset.pairs.client[train], gone])
    test = usable & (dataset.started >= start) & (dataset.started < until)
    left = (dataset.dropouts_started >= start) & (dataset.dropouts_started < until)
    return Fold(
        f"from {np.datetime64(start, 'D')}",
        np.flatnonzero(train),
        np.flatnonzero(test & ~np.isin(dataset.pairs.client, seen)),
        np.flatnonzero(left & ~np.isin(dataset.dropouts.client, seen)),
    )


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
    written = _folds_in(path)
    named = written.reindex(dataset.pairing_ids).fillna("")
    names = sorted(set(named) - {""})
    if not names:
        (unknown,) = unknown_pairings(path, dataset.pairing_ids.tolist()) or (None,)
        remedy = unknown.remedy if unknown else "name a fold for each"
        raise RecommenderError("folds", "names no rated pairing", remedy)
    if len(names) == 1 and "" not in set(named):
        raise RecommenderError("folds", "tests all at once", "name a second fold")
    codes = {name: place for place, name in enumerate(names)}
    number = np.array([codes.get(name, -1) for name in named], dtype=np.int64)
    return _each(number, names)


def unknown_pairings(path: Path, pairing_ids: Sequence[str]) -> tuple[Fault, ...]:
    """A warning if a file of folds names pairings that are not among those of the tables."""
    lost = sorted(set(_folds_in(path).index) - set(pairing_ids))
    if not lost:
        return ()
    proposed = suggestions_for(near_misses(lost, pairing_ids), lost)
    remedy = with_question(proposed, "write the ids as they are in pairings, or take them off")
    return (Fault("folds", f"names {len(lost)} that are not among the pairings", remedy),)


def _folds_in(path: Path) -> "pd.Series[str]":
    """The folds in a file, by canonical pairing id."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        raise RecommenderError("folds", "cannot be read", "name a CSV of pairing_id,fold") from None
    if not {"pairing_id", "fold"} <= set(table.columns):
        raise RecommenderError("folds", "lacks a column", "give pairing_id and fold")
    written = table["pairing_id"].map(canonical_id)
    if written.duplicated().any():
        raise RecommenderError("folds", "names a pairing twice", "keep one row for each pairing")
    return table.set_index(written)["fold"]


def _at_most(folds: int, people: RowIndex, side: str) -> int:
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
