"""Sums and means whose last digit does not depend on how many are computed beside them."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sum_in_order(parts: Array) -> Array:
    """The sum over the first axis of (k, ...) parts, first to last.

    numpy adds the rows of an array one after another, but sums a single column, or columns of
    another layout, in pairs: a clinician scored alone would differ in the last digit from the same
    one among others.

    >>> parts = np.full((20, 1), 0.1)
    >>> bool(sum_in_order(parts)[0] == sum_in_order(np.repeat(parts, 2, axis=1))[0])
    True
    """
    parts = np.ascontiguousarray(parts)
    if len(parts) == parts.size:
        return np.asarray(np.add.accumulate(parts)[-1] if len(parts) else np.add.reduce(parts))
    return np.asarray(np.add.reduce(parts))


def known_mean(values: Array, axis: int = 1) -> Array:
    """The mean over axis 0 or 1 of the values that are known; NaN where none is."""
    first = np.ascontiguousarray(values.swapaxes(0, axis))
    known = first == first  # Only NaN differs from itself.
    if len(first) and np.logical_and.reduce(known, axis=None):
        return np.asarray(sum_in_order(first) / len(first))
    count = np.add.reduce(known, axis=0, dtype=np.float64)
    np.copyto(count, np.nan, where=count == 0)
    return np.asarray(sum_in_order(np.where(known, first, 0.0)) / count)
