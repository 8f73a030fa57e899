"""Facts of one row that contradict each other: an availability and the rooms and ways it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.fields import Field

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROOM, WAYS = 3, 4
"""Places of room and ways in an encoded window; see `recommender.values.kinds`."""


@dataclass(frozen=True, slots=True, eq=False)
class RowProblem:
    """A problem of one field in some rows, (n,), with its remedy.

    `windows`, (n, windows), are the windows that contradict the other field.
    """

    field: str
    problem: str
    remedy: str
    windows: Flags

    @property
    def rows(self) -> Flags:
        """The rows with such a window, (n,)."""
        return np.asarray(self.windows.any(axis=1))


def row_problems(
    fields: Mapping[str, Field], values: Mapping[str, NDArray[Any]]
) -> Iterator[RowProblem]:
    """Every contradiction within the rows of encoded columns."""
    for name, field in fields.items():
        if field.kind != "availability":
            continue
        windows = values[name]
        if field.rooms in values:
            places = values[str(field.rooms)]
            wrong = rooms_of(windows, places, field) == UNKNOWN_ROOM
            remedy = f"number the rooms as {field.rooms} lists them, from 1, or add the room there"
            yield RowProblem(name, f"names a room that {field.rooms} does not list", remedy, wrong)
        if field.ways in values:
            wrong = _unoffered(windows[..., WAYS], values[str(field.ways)])
            problem = f"names a way of meeting that {field.ways} does not list"
            yield RowProblem(name, problem, f"add it to {field.ways}, or leave it out here", wrong)


def without_contradictions(
    fields: Mapping[str, Field], values: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Encoded columns in which a window that contradicts its row is not known, so NaN."""
    cleared = dict(values)
    for each in row_problems(fields, values):
        windows = cleared[each.field]
        cleared[each.field] = np.where(each.windows[:, :, None], np.nan, windows)
    return cleared


UNKNOWN_ROOM = -1


def rooms_of(windows: Array, places: Array, field: Field) -> NDArray[np.intp]:
    """The room of each window by its number among the row's, (n, windows).

    0 means every room, `UNKNOWN_ROOM` a room that the row does not have.
    """
    named = np.nan_to_num(windows[..., ROOM])
    count = (~np.isnan(places[..., 0])).sum(axis=1)
    rooms = np.where(named <= count[:, None], named, UNKNOWN_ROOM)
    codes = sorted(field.postcodes)
    for code in np.unique(named[named < 0]).tolist():
        point = np.array(field.postcodes[codes[int(-code) - 1]])
        there = np.isclose(places, point, rtol=0, atol=1e-9).all(axis=-1)
        number = np.where(there.any(axis=1), there.argmax(axis=1) + 1, UNKNOWN_ROOM)
        rooms = np.where(named == code, number[:, None], rooms)
    return rooms.astype(np.intp)


def _unoffered(named: Array, offered: Array) -> Flags:
    """Whether each window names a way that is not offered; unknown ways contradict nothing."""
    bits = (2.0 ** np.arange(offered.shape[1])).astype(np.int64)
    listed = np.where(np.isnan(offered), 1, offered).astype(np.int64) @ bits
    asked = np.nan_to_num(named).astype(np.int64)
    return np.asarray((asked & ~listed[:, None]) != 0)
