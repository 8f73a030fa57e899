"""Columns of a roster in the form that rules read fastest, computed once for a roster.

Tags are packed into bits, so that a rule about them is one operation a clinician; places are
points on the unit sphere; lists of ids are indexed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.match_operators import EARTH_KM

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]

WORD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Bitsets:
    """Tags of n people.

    Attributes
    ----------
    words : (levels / 64, n)
        Level `l` is bit `l % 64` of word `l // 64`; no bit is set where the tags are missing.
    known : (n,)
        Whether the tags are known; an empty list is known.
    complete
        Whether the tags of everyone are known.
    """

    words: Words
    known: Flags
    complete: bool

    def has(self, level: int) -> Flags:
        """Whether each is known to have a level, (n,)."""
        word, bit = divmod(level, WORD)
        return np.asarray((self.words[word] >> np.uint64(bit)) & np.uint64(1) != 0)

    def may_have(self, level: int) -> Flags:
        """Whether each has a level or unknown tags, (n,)."""
        return self.has(level) if self.complete else self.has(level) | ~self.known

    def settled(self, passes: Flags) -> Array:
        """The verdict as numbers, NaN where the tags are unknown."""
        if self.complete:
            return passes.astype(np.float64)
        return np.where(self.known, passes, np.nan)


def bitsets_in(columns: Columns, name: str) -> Bitsets:
    """The packed tags of a column."""
    return columns.view(("bits", name), lambda: _bits_of(columns[name]))


def words_of(tags: NDArray[np.bool_]) -> Words:
    """One person's tags as words, (levels / 64,)."""
    return _packed(tags[None, :])[:, 0]


def _bits_of(tags: Array) -> Bitsets:
    known = np.asarray(~np.isnan(tags[:, 0]))
    return Bitsets(_packed(tags > 0), known, bool(known.all()))


def _packed(tags: NDArray[np.bool_]) -> Words:
    words = np.zeros((-(-tags.shape[1] // WORD), len(tags)), dtype=np.uint64)
    for level in range(tags.shape[1]):
        words[level // WORD] |= tags[:, level].astype(np.uint64) << np.uint64(level % WORD)
    return words


@dataclass(frozen=True, slots=True)
class IdIndex:
    """The rows of a column of lists that name each id, and the rows that name any."""

    of: Mapping[str, list[int]]
    rows: list[int]


def id_index_in(columns: Columns, name: str) -> IdIndex:
    """The index of a column of ids."""
    return columns.view(("ids", name), lambda: _index_of(columns[name]))


def _index_of(lists: Iterable[tuple[str, ...] | None]) -> IdIndex:
    of: dict[str, list[int]] = {}
    rows = []
    for row, named in enumerate(lists):
        rows += [row] if named else []
        for each in named or ():
            of.setdefault(each, []).append(row)
    return IdIndex(of, rows)


def rows_of(columns: Columns, ids: tuple[str, ...], named: Iterable[str]) -> list[int]:
    """Rows of some ids among those of the columns' rows."""
    places = columns.view("places", lambda: _index_of((each,) for each in ids))
    return [row for each in named for row in places.of.get(each, ())]


def nearest_km_in(columns: Columns, name: str, places: Array) -> Array:
    """Great-circle km from one person's places (k, 2) to the nearest of each one's, (n,).

    The angle is computed from the chord between points of the unit sphere, which is exact at short
    distances.
    """
    points = columns.view(("points", name), lambda: _points_of(columns[name]))
    nearest = np.full(columns.size, np.inf)
    for home in _on_sphere(places[~np.isnan(places[:, 0])]):
        for spot in points:
            apart = (spot[0] - home[0]) ** 2
            apart += (spot[1] - home[1]) ** 2
            apart += (spot[2] - home[2]) ** 2
            np.fmin(nearest, apart, out=nearest)
    nearest[np.isinf(nearest)] = np.nan
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(np.sqrt(nearest) / 2, 1.0)))


def _points_of(places: Array) -> Array:
    """Places of n people on the unit sphere, (largest number of places, 3, n)."""
    return np.ascontiguousarray(np.moveaxis(_on_sphere(places), 0, -1))


def _on_sphere(places: Array) -> Array:
    latitude, longitude = np.moveaxis(np.radians(places), -1, 0)
    across = np.cos(latitude)
    parts = (across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude))
    return np.stack(parts, axis=-1)
