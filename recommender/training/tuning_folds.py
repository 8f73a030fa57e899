"""Spans of time to tune on: each tested, with clients new to it, by what was known when it began.

Imported by `tune`. `folds.rolling` also tests clients who came back; here they would let settings
win that remember them.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.training.dataset import Dataset
from recommender.training.folds import Fold

SPANS, FIRST_CUT = 3, 0.4
"""How many spans, and the share of the earliest pairings before the first of them."""
FEWEST = 30
"""Rated pairings below which a span says nothing: a correlation of 30 rows has an error of .18."""


def spans(dataset: Dataset, before: int | None = None, number: int = SPANS) -> tuple[Fold, ...]:
    """Consecutive spans of time to test on; each learns from what was known when it began.

    A client who was learned from is never tested, nor one who had left before the span.

    Parameters
    ----------
    before
        Day since 1970-01-01: what was not known by then is in no fold.

    Raises
    ------
    RecommenderError
        When a span would test or learn from too few.
    """
    end = int(dataset.known.max()) + 1 if before is None else before
    usable = dataset.known < end
    if not usable.any():
        raise _too_few(0)
    shares = FIRST_CUT + (1 - FIRST_CUT) * np.arange(number) / number
    cuts = [int(day) for day in np.quantile(dataset.started[usable], shares, method="higher")]
    folds = tuple(
        _span(dataset, usable, cut, until)
        for cut, until in zip(cuts, [*cuts[1:], end], strict=True)
    )
    fewest = min(len(rows) for fold in folds for rows in (fold.train, fold.test))
    if fewest < FEWEST:
        raise _too_few(fewest)
    return folds


def _span(dataset: Dataset, usable: NDArray[np.bool_], cut: int, until: int) -> Fold:
    train = usable & (dataset.known < cut)
    gone = dataset.left.client[dataset.left_started < cut]
    seen = np.concatenate([dataset.pairs.client[train], gone])
    test = usable & (dataset.started >= cut) & (dataset.started < until)
    left = (dataset.left_started >= cut) & (dataset.left_started < until)
    return Fold(
        f"from {np.datetime64(cut, 'D')}",
        np.flatnonzero(train),
        np.flatnonzero(test & ~np.isin(dataset.pairs.client, seen)),
        np.flatnonzero(left & ~np.isin(dataset.left.client, seen)),
    )


def _too_few(rows: int) -> RecommenderError:
    problem = f"are too few to tune on: a span would have {rows}, and {FEWEST} is least"
    return RecommenderError("ratings", problem, "train with the defaults until there are more")
