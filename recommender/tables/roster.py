"""The roster: an immutable, versioned snapshot of the clinicians' fields."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.practice.columns import Columns
from recommender.values.ids import NearIndex


@dataclass(frozen=True, slots=True)
class Roster:
    """The clinicians of a practice at one time; a change of the roster is a new snapshot.

    Attributes
    ----------
    ids
        Unique clinician ids, sorted.
    names
        Names that staff see, or None.
    columns
        The clinicians' fields, one row per id.
    version
        Digest of ids and values, not of names: equal rosters have equal versions.
    taken_at
        When the values were read, UTC.
    """

    ids: tuple[str, ...]
    names: tuple[str | None, ...]
    columns: Columns
    version: str
    taken_at: datetime

    def __len__(self) -> int:
        return len(self.ids)

    def name_of(self, place: int) -> str:
        """The name of the clinician at a place, or the id where there is no name."""
        return self.names[place] or self.ids[place]

    @property
    def near_index(self) -> NearIndex:
        """Finds the clinicians that ids may mean which are not on the roster."""
        key = "near index", self.names
        return self.columns.view(key, lambda: NearIndex.of(self.ids, self.names))

    def near_misses(self, texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The clinicians that ids may mean which are not on the roster, at most three for each."""
        return self.near_index.near_misses(texts)

    @property
    def called(self) -> dict[str, str]:
        """`name_of` every clinician, by id."""
        return {each: self.name_of(place) for place, each in enumerate(self.ids)}


def snapshot(
    ids: Sequence[str], names: Sequence[str | None], columns: Columns, taken_at: datetime
) -> Roster:
    """A roster from rows in any order; its version does not depend on that order.

    Raises
    ------
    RecommenderError
        When an id occurs twice.
    """
    if len(set(ids)) != len(ids):
        raise RecommenderError("roster", "has an id twice", "give one row for each clinician")
    order = np.array(sorted(range(len(ids)), key=lambda row: ids[row]), dtype=np.intp)
    columns = columns.take(order)
    ids, names = (tuple(column[row] for row in order) for column in (ids, names))
    return Roster(ids, names, columns, digest_of(ids, columns), taken_at)


def digest_of(ids: tuple[str, ...], columns: Columns) -> str:
    """Digest of ids and values, 16 hexadecimal digits; equal ids and values have equal digests."""
    digest = hashlib.sha256(repr(ids).encode())
    for name in sorted(columns.values):
        digest.update(repr((name, columns[name].shape)).encode())
        digest.update(value_bytes(columns[name]))
    return digest.hexdigest()[:16]


def value_bytes(values: NDArray[Any]) -> bytes:
    """The values of a column as bytes for a digest: equal values have equal bytes."""
    if values.dtype == object:
        return repr(values.tolist()).encode()
    if values.dtype.kind == "f":
        # -0.0 and 0.0 are one value to every rule, and so is every NaN.
        values = np.where(np.isnan(values), np.nan, values + 0.0)
    return np.ascontiguousarray(values).tobytes()
