"""The kinds of answer a field can hold, as a table: how each is read and turned into numbers.

A new kind is one new row, with its reader in `answer` and its array in `encoding`. Imported by
`fields` and everything above it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.values import encoding, parsers
from recommender.values.encoding import EPOCH, Array
from recommender.values.parsers import (
    DAYS,
    LARGEST,
    NONE_NAMED,
    FieldBounds,
    Point,
    RawValue,
    is_missing,
)

__all__ = [
    "DAYS",
    "EPOCH",
    "KINDS",
    "LARGEST",
    "NONE_NAMED",
    "Array",
    "FieldBounds",
    "FieldKind",
    "Point",
    "RawValue",
    "is_missing",
]

Parse = Callable[[FieldBounds, RawValue], object]
Encode = Callable[[FieldBounds, Sequence[Any]], NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One kind of answer.

    Attributes
    ----------
    name
        As written in a practice definition.
    parse
        Reads one non-empty cell; raises `ValueError` with the problem, never with the value.
    encode
        Turns parsed values (None = missing) into an array whose first axis is the row.
    example
        What a cell looks like, shown in remedies and in the generated documentation.
    needs, allows
        Settings a field of this kind must, and may, declare beside those every field has.
    numeric
        Whether the array is one number a row that can be subtracted and compared.
    """

    name: str
    parse: Parse
    encode: Encode
    example: str
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    numeric: bool = False


_UNIT, _BOUNDS, _LEVELS = frozenset({"unit"}), frozenset({"min", "max"}), frozenset({"levels"})
_HOURS = "mon 09:00-12:30; tue 17:00-20:00"

KINDS: Mapping[str, FieldKind] = {
    kind.name: kind
    for kind in (
        FieldKind("number", parsers.number, encoding.number, "3.5", _UNIT, _BOUNDS, True),
        FieldKind("scale", parsers.number, encoding.number, "4", _UNIT | _BOUNDS, numeric=True),
        FieldKind("ordinal", parsers.level, encoding.level, "one level", _LEVELS, numeric=True),
        FieldKind("category", parsers.level, encoding.level, "one level", _LEVELS),
        FieldKind("tags", parsers.tags, encoding.tags, "level;level", _LEVELS),
        FieldKind("flag", parsers.flag, encoding.number, "true", numeric=True),
        FieldKind("place", parsers.place, encoding.tuples(2), "-33.87,151.21"),
        FieldKind("weekly_hours", parsers.weekly_hours, encoding.tuples(3), _HOURS),
        FieldKind("date", parsers.day, encoding.day, "2026-11-23", numeric=True),
        FieldKind("money", parsers.money, encoding.number, "220.50", allows=_BOUNDS, numeric=True),
        FieldKind("ids", parsers.ids, encoding.ids, "k012;k044"),
    )
}
"""Every kind a practice definition may name."""
