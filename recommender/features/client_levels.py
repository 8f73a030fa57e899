"""The levels of a client by which clinician records are also computed.

One level of a category or an ordinal is a code, (n,); several of tags are codes (n, k), ascending,
-1 behind them. What is known by level is then the mean over the client's tags: each weighs 1 over
their number, as in models of multiple membership (Browne, Goldstein & Rasbash 2001), so that a
client who names many tags counts no more than one who names a single one.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.practice.sums import sum_in_order

Codes = NDArray[np.int64]
Drawn = NDArray[np.float32]


def codes_of_tags(answer: Array) -> Codes:
    """The tags of each client as codes, (n, levels), from a column for each level.

    No code for a client who named none or did not answer.
    """
    levels = answer.shape[1]
    codes = np.where(answer == 1, np.arange(levels), levels)
    codes.sort(axis=1)
    return np.where(codes < levels, codes, -1).astype(np.int64)


def used_places(level: Codes) -> Codes:
    """The codes (n, k) without the last places, which nobody uses; at least one remains."""
    return level[:, : max(int((level >= 0).any(axis=0).sum()), 1)]


def level_weights(level: Codes) -> Array:
    """1 over the number of tags for each code of (n, k), 0 where there is none."""
    named = level >= 0
    return np.asarray(named / np.maximum(named.sum(axis=-1, keepdims=True), 1))


def mean_over_tags(values: Array, level: Codes) -> Array:
    """The mean of the values (n, k) of each client's tags, (n,); 0 without any.

    Summed in the order of the tags, so that the digits depend on no other row.
    """
    return sum_in_order((values * level_weights(level)).T)


def add_weighted(rows: Drawn, draws: Drawn, codes: Codes, weights: Array) -> None:
    """Adds to rows (..., draws) the draws (p, draws) of their codes (..., k), by weight.

    A code that is -1, or that has no draws, adds nothing.
    """
    has_draws = (codes >= 0) & (codes < len(draws))
    for place in range(codes.shape[-1]):
        some = has_draws[..., place]
        own = weights[..., place][some].astype(np.float32)
        rows[some] += own[:, None] * draws[codes[..., place][some]]
