"""Bootstrap intervals for metrics whose rows share clients and clinicians.

Ratings of one clinician are alike, so that resampling rows would give intervals too narrow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from recommender.errors import RecommenderError
from recommender.training.metrics import Floats, Ints

MAX_CELLS = 4_000_000
"""Weights in memory at a time: 32 MB; larger matrix products are no faster."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric with its bootstrap interval.

    Attributes
    ----------
    value : float
        On the rows as they are.
    low, high : float
        Percentile interval; NaN when the metric applied to fewer than half the draws.
    error : float
        Standard deviation over draws.
    above_zero : float
        Share of draws above 0, for differences.
    draws : int
        Draws the metric applied to.
    missed : int
        Draws it did not apply to (NaN), left out of the rest.
    """

    value: float
    low: float
    high: float
    error: float
    above_zero: float
    draws: int
    missed: int


def two_way_weights(client: Ints, clinician: Ints, rng: np.random.Generator) -> Floats:
    """Row weights of one draw: how often its client was drawn times how often its clinician was.

    The pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386): clients and clinicians
    are each drawn with replacement, independently. It tends to be wider than exact.
    """
    return _drawn(client, rng) * _drawn(clinician, rng)


def bootstrap(
    metric: Callable[[Floats], float],
    client: Ints,
    clinician: Ints,
    *,
    seed: int,
    draws: int = 200,
    level: float = 0.95,
) -> Interval:
    """The interval of any metric that takes row weights, by two-way clustered bootstrap.

    Parameters
    ----------
    metric : function of (n,) weights
        For a paired difference of two models: ``lambda w: f(a, w) - f(b, w)``.
    client, clinician : (n,) int64
        Any codes; equal codes are resampled together.
    seed : int
    draws : int
    level : float
        Of the interval, between 0 and 1.
    """
    rng = np.random.default_rng(seed)
    codes = [np.unique(group, return_inverse=True)[1] for group in (client, clinician)]
    by_draw = [metric(two_way_weights(codes[0], codes[1], rng)) for _ in range(draws)]
    return interval_of(metric(np.ones(client.size)), np.array(by_draw), level=level)


def weightings(client: Ints, clinician: Ints, *, seed: int, draws: int) -> Iterator[Floats]:
    """Row weights of the draws of `bootstrap`, as many at a time as memory allows, (n, some)."""
    rng = np.random.default_rng(seed)
    codes = [np.unique(group, return_inverse=True)[1] for group in (client, clinician)]
    at_once = max(MAX_CELLS // max(client.size, 1), 1)
    for start in range(0, draws, at_once):
        some = range(start, min(start + at_once, draws))
        drawn = [[_times(code, rng) for code in codes] for _ in some]
        own, other = (np.stack([draw[side] for draw in drawn], axis=1) for side in (0, 1))
        yield own[codes[0]] * other[codes[1]]


def interval_of(value: float, by_draw: Floats, *, level: float = 0.95) -> Interval:
    """The percentile interval of a metric from its value at each draw; NaN where it did not apply.

    Raises
    ------
    RecommenderError
        For fewer than 2 draws, or a level that is not between 0 and 1.
    """
    draws = len(by_draw)
    if draws < 2 or not 0 < level < 1:
        remedy = "ask for 2 or more draws and a level between 0 and 1"
        raise RecommenderError("bootstrap", "draws or level is out of range", remedy)
    applied = by_draw[np.isfinite(by_draw)]
    if 2 * applied.size < draws or applied.size < 2:
        nan = float("nan")
        return Interval(value, nan, nan, nan, nan, applied.size, draws - applied.size)
    low, high = np.quantile(applied, [(1 - level) / 2, (1 + level) / 2])
    error, above = float(applied.std(ddof=1)), float((applied > 0).mean())
    return Interval(
        value, float(low), float(high), error, above, applied.size, draws - applied.size
    )


def _drawn(codes: Ints, rng: np.random.Generator) -> Floats:
    """How often each row's cluster was drawn, codes from 0 without gaps, (n,)."""
    return _times(codes, rng)[codes]


def _times(codes: Ints, rng: np.random.Generator) -> Floats:
    """How often each cluster was drawn, (clusters,)."""
    clusters = int(codes.max()) + 1 if codes.size else 0
    if clusters == 0:
        return np.zeros(0)
    times = np.bincount(rng.integers(0, clusters, clusters), minlength=clusters)
    return times.astype(np.float64)
