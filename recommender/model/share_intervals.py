"""Intervals of shares of ratings or requests, and how many of them an interval takes."""

from dataclasses import dataclass
from math import ceil, hypot, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `count` ratings or requests, with its interval."""

    value: float
    low: float
    high: float
    count: int


def top_size(clinicians: int, fraction: float = 0.1) -> int:
    """How many clinicians a fraction of them is, rounded up."""
    # Rounded first: 0.1 * 30 is a hair above 3 in binary.
    return ceil(round(fraction * clinicians, 9))


def of_top(counts: NDArray[np.int64], fraction: float = 0.1) -> tuple[int, int]:
    """How many clinicians a fraction is, rounded up, and what the highest counts of them sum to.

    `counts` is (clinicians,); those with a count of 0 are among them.

    >>> of_top(np.array([3, 0, 5, *[0] * 27]))
    (3, 8)
    """
    most = top_size(len(counts), fraction)
    return most, int(np.sort(counts)[::-1][:most].sum())


def share_of(inside: int, count: int, *, judged: int = 1) -> Share:
    """A share with the interval of Wilson (1927), as wide as `judged` intervals together need.

    >>> share = share_of(9, 10)
    >>> round(share.low, 2), round(share.high, 2)
    (0.6, 0.98)
    """
    z, value = standard_deviations(judged), inside / count
    middle = (value + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(value * (1 - value) / count + z * z / (4 * count * count))
    half /= 1 + z * z / count
    return Share(value, max(middle - half, 0.0), min(middle + half, 1.0), count)


@dataclass(frozen=True, slots=True)
class BesideOthers:
    """The share of the others, and the interval of a part's share minus it."""

    others: float
    low: float
    high: float


def beside_others(share: Share, everybody: Share | None, wider: float = 1.0) -> BesideOthers | None:
    """The share of a part beside that of all others; None where there are no others.

    The interval is Newcombe's (1998, method 10) of both intervals, each `wider` times as wide. That
    of the others is the interval of everybody, for fewer ratings.

    >>> beside = beside_others(share_of(30, 100), share_of(150, 300))
    >>> round(beside.others, 2), round(beside.low, 2), round(beside.high, 2)
    (0.6, -0.41, -0.18)
    """
    count = 0 if everybody is None else everybody.count - share.count
    if everybody is None or count <= 0:
        return None
    inside = everybody.value * everybody.count - share.value * share.count
    others = min(max(inside / count, 0.0), 1.0)
    scale, apart = sqrt(everybody.count / count), share.value - others
    below = hypot(share.value - share.low, scale * (everybody.high - everybody.value))
    above = hypot(share.high - share.value, scale * (everybody.value - everybody.low))
    return BesideOthers(others, apart - wider * below, apart + wider * above)


def ratings_for_share(value: float, margin: float, *, judged: int = 1) -> int:
    """How many ratings an interval of `margin` to each side of a share takes."""
    # A share of 0 or 1 has no spread of its own: it is taken as 2 in 100.
    p = min(max(value, 0.02), 0.98)
    return ceil(standard_deviations(judged) ** 2 * p * (1 - p) / max(margin, 1e-3) ** 2)


def standard_deviations(judged: int) -> float:
    """Standard deviations to each side of a 95 % interval, one of so many (Bonferroni)."""
    return NORMAL.inv_cdf(1 - 0.025 / judged)
