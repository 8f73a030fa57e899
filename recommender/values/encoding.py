"""Answers that were read, as arrays: one row a person along the first axis, NaN where none is.

The way from values to numbers is the same for a million people and for one. Imported by `kinds`
alone.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.values.parsers import FieldBounds

Array = NDArray[np.float64]

EPOCH = date(1970, 1, 1).toordinal()


def number(_: FieldBounds, values: Sequence[Any]) -> Array:
    """Numbers, flags as 1 and 0, cents: (n,)."""
    return _scalars(values, float)


def level(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """Places of levels among those declared: (n,)."""
    order = {name: float(place) for place, name in enumerate(declared.levels)}
    return _scalars(values, lambda value: order[str(value)])


def day(_: FieldBounds, values: Sequence[Any]) -> Array:
    """Days since 1970-01-01: (n,)."""
    return _scalars(values, lambda value: float(value.toordinal() - EPOCH))


def tags(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """1 for each level named, 0 for each other: (n, levels)."""
    order = {name: place for place, name in enumerate(declared.levels)}
    encoded = np.zeros((len(values), len(order)))
    for row, named in enumerate(values):
        if named is None:
            encoded[row] = np.nan
        else:
            encoded[row, [order[name] for name in named]] = 1.0
    return encoded


def tuples(width: int) -> Callable[[FieldBounds, Sequence[Any]], Array]:
    """Several tuples a row, padded with NaN: (n, most tuples, width).

    An answered but empty row is one tuple of zeros, so that it does not pass for unanswered.
    """

    def encode(_: FieldBounds, values: Sequence[Any]) -> Array:
        rows = [None if v is None else (tuple(v) or ((0.0,) * width,)) for v in values]
        most = max((len(row) for row in rows if row is not None), default=1)
        encoded = np.full((len(rows), most, width), np.nan)
        for place, row in enumerate(rows):
            if row is not None:
                encoded[place, : len(row)] = row
        return encoded

    return encode


def ids(_: FieldBounds, values: Sequence[Any]) -> NDArray[np.object_]:
    """Tuples of ids, or None: (n,)."""
    encoded = np.empty(len(values), dtype=object)
    for row, named in enumerate(values):
        encoded[row] = named
    return encoded


def _scalars(values: Sequence[Any], number_of: Callable[[Any], float]) -> Array:
    return np.array([np.nan if v is None else number_of(v) for v in values], dtype=np.float64)
