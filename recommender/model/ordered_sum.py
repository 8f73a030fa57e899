"""A sum whose last digit does not depend on how many are summed beside it."""

import numpy as np

from recommender.features.feature import Array


def sum_in_order(parts: Array) -> Array:
    """The sum of each column of (k, n) parts, first to last, (n,).

    numpy sums the rows of an array one after another, but the only column of a narrow one in pairs:
    a clinician scored alone would differ in the last digit from the same one among others.

    >>> parts = np.full((20, 1), 0.1)
    >>> bool(sum_in_order(parts)[0] == sum_in_order(np.repeat(parts, 2, axis=1))[0])
    True
    """
    if parts.shape[1] == 1 and len(parts):
        return np.asarray(np.add.accumulate(parts)[-1])
    return np.asarray(np.add.reduce(parts))
