"""The kinds of answer a field can hold: how a cell is read, checked and turned into numbers.

One scalar reader serves CSV cells, Parquet cells and JSON answers, so that a value means the same
at every door. Imported by `practice` and everything above it.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Raw = Any
"""A cell as it arrives: text, a number, a flag, a list, a date, or None."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NONE_NAMED = "none"
EPOCH = date(1970, 1, 1).toordinal()
LARGEST = 2.0**53
"""Beyond this a float no longer holds every whole number, so an answer that large is a fault."""

_WINDOW = re.compile(r"^([a-z]{3}) (\d{2}):(\d{2})-(\d{2}):(\d{2})$")


class Declared(Protocol):
    """What a kind needs to know of a field's declaration."""

    @property
    def min(self) -> float | None:
        """Smallest value allowed, or None."""

    @property
    def max(self) -> float | None:
        """Largest value allowed, or None."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels allowed, in their order."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of answer.

    Attributes
    ----------
    name
        As written in a practice definition.
    needs, allows
        Settings a field of this kind must, and may, declare.
    parse
        Reads one non-empty cell; raises `ValueError` with the problem, never with the value.
    encode
        Turns parsed values (None = missing) into an array whose first axis is the row.
    numeric
        Whether the array is one number a row that can be subtracted and compared.
    example
        A cell that is always readable, shown in remedies and in the generated documentation.
    """

    name: str
    needs: frozenset[str]
    allows: frozenset[str]
    parse: Callable[[Declared, Raw], object]
    encode: Callable[[Declared, Sequence[Any]], NDArray[np.generic]]
    numeric: bool
    example: str


def is_missing(cell: Raw) -> bool:
    """Whether a cell was left empty: None, NaN, or blank text."""
    if cell is None or isinstance(cell, str):
        return cell is None or not cell.strip()
    return isinstance(cell, float) and math.isnan(cell)


def _text(cell: Raw) -> str:
    if not isinstance(cell, str):
        raise ValueError("is not text")
    return cell.strip()


def _within(declared: Declared, value: float) -> float:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ValueError("is not a finite number")
    if declared.min is not None and value < declared.min:
        raise ValueError("is below the smallest value allowed")
    if declared.max is not None and value > declared.max:
        raise ValueError("is above the largest value allowed")
    return value


def _parse_number(declared: Declared, cell: Raw) -> float:
    if isinstance(cell, bool):
        raise ValueError("is a flag, not a number")
    if isinstance(cell, str):
        try:
            cell = float(cell)
        except ValueError:
            raise ValueError("is not a number") from None
    if not isinstance(cell, int | float | np.integer | np.floating):
        raise ValueError("is not a number")
    if isinstance(cell, int) and abs(cell) > LARGEST:
        raise ValueError("is not a finite number")
    return _within(declared, float(cell))


def _parse_level(declared: Declared, cell: Raw) -> str:
    # Codes are often exported as bare numbers (a department "7"), and CSV readers make them 7.0.
    if isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
        cell = f"{cell:g}"
    level = _text(cell)
    if level not in declared.levels:
        raise ValueError("is not one of the declared levels")
    return level


def _parts(cell: Raw) -> list[str]:
    """The members of a list, or of text separated by semicolons; `none` names an empty list."""
    if isinstance(cell, np.ndarray | list | tuple):
        return [_text(part) for part in cell]
    text = _text(cell)
    return [] if text.lower() == NONE_NAMED else [part.strip() for part in text.split(";")]


def _parse_tags(declared: Declared, cell: Raw) -> tuple[str, ...]:
    parts = _parts(cell)
    if any(part not in declared.levels for part in parts):
        raise ValueError("has a tag that is not one of the declared levels")
    if len(set(parts)) != len(parts):
        raise ValueError("names a tag twice")
    return tuple(parts)


def _parse_flag(_: Declared, cell: Raw) -> bool:
    if isinstance(cell, bool | np.bool_):
        return bool(cell)
    named = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(cell, int | float):
        cell = f"{cell:g}"
    try:
        return named[_text(cell).lower()]
    except KeyError:
        raise ValueError("is neither true nor false") from None


def _parse_point(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("is not a latitude and a longitude") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("lies outside the globe")
    return latitude, longitude


def _parse_place(_: Declared, cell: Raw) -> tuple[tuple[float, float], ...]:
    points = tuple(_parse_point(part) for part in _parts(cell))
    if not points:
        raise ValueError("names no place")
    return points


def _parse_window(text: str) -> tuple[int, int, int]:
    found = _WINDOW.match(text.lower())
    if not found or found[1] not in DAYS:
        raise ValueError("is not a day with hours")
    start = int(found[2]) * 60 + int(found[3])
    end = int(found[4]) * 60 + int(found[5])
    if int(found[3]) > 59 or int(found[5]) > 59 or not start < end <= 24 * 60:
        raise ValueError("has hours that do not run forward within one day")
    return DAYS.index(found[1]), start, end


def _parse_weekly_hours(_: Declared, cell: Raw) -> tuple[tuple[int, int, int], ...]:
    return tuple(_parse_window(part) for part in _parts(cell))


def _parse_date(_: Declared, cell: Raw) -> date:
    if isinstance(cell, date):
        return date(cell.year, cell.month, cell.day)
    try:
        return date.fromisoformat(_text(cell)[:10])
    except ValueError:
        raise ValueError("is not a date") from None


def _parse_money(declared: Declared, cell: Raw) -> int:
    if isinstance(cell, bool):
        raise ValueError("is a flag, not an amount")
    try:
        cents = Decimal(str(cell).strip()) * 100
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not cents.is_finite() or cents != cents.to_integral_value():
        raise ValueError("has more than two decimals or is not finite")
    return int(_within(declared, float(cents) / 100) * 100 + (0.5 if cents >= 0 else -0.5))


def _parse_ids(_: Declared, cell: Raw) -> tuple[str, ...]:
    parts = _parts(cell)
    if any(not part for part in parts):
        raise ValueError("has an empty id")
    return tuple(parts)


def _scalars(values: Sequence[Any], number: Callable[[Any], float]) -> Array:
    return np.array([np.nan if v is None else number(v) for v in values], dtype=np.float64)


def _encode_number(_: Declared, values: Sequence[Any]) -> Array:
    return _scalars(values, float)


def _encode_level(declared: Declared, values: Sequence[Any]) -> Array:
    order = {level: float(place) for place, level in enumerate(declared.levels)}
    return _scalars(values, lambda v: order[str(v)])


def _encode_date(_: Declared, values: Sequence[Any]) -> Array:
    return _scalars(values, lambda v: float(v.toordinal() - EPOCH))


def _encode_tags(declared: Declared, values: Sequence[Any]) -> Array:
    order = {level: place for place, level in enumerate(declared.levels)}
    encoded = np.zeros((len(values), len(order)))
    for row, tags in enumerate(values):
        if tags is None:
            encoded[row] = np.nan
        else:
            encoded[row, [order[tag] for tag in tags]] = 1.0
    return encoded


def _encode_tuples(width: int) -> Callable[[Declared, Sequence[Any]], Array]:
    """Rows of several tuples, padded with NaN; an answered but empty row is one row of zeros."""

    def encode(_: Declared, values: Sequence[Any]) -> Array:
        rows = [None if v is None else (tuple(v) or ((0.0,) * width,)) for v in values]
        most = max((len(row) for row in rows if row is not None), default=1)
        encoded = np.full((len(rows), most, width), np.nan)
        for place, row in enumerate(rows):
            if row is not None:
                encoded[place, : len(row)] = row
        return encoded

    return encode


def _encode_ids(_: Declared, values: Sequence[Any]) -> NDArray[np.object_]:
    encoded = np.empty(len(values), dtype=object)
    for row, ids in enumerate(values):
        encoded[row] = ids
    return encoded


def _kind(
    name: str,
    parse: Callable[[Declared, Raw], object],
    encode: Callable[[Declared, Sequence[Any]], NDArray[np.generic]],
    example: str,
    *,
    needs: tuple[str, ...] = (),
    allows: tuple[str, ...] = (),
    numeric: bool = False,
) -> Kind:
    return Kind(name, frozenset(needs), frozenset(allows), parse, encode, numeric, example)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(
            "number",
            _parse_number,
            _encode_number,
            "3.5",
            needs=("unit",),
            allows=("min", "max"),
            numeric=True,
        ),
        _kind(
            "scale",
            _parse_number,
            _encode_number,
            "4",
            needs=("unit", "min", "max"),
            numeric=True,
        ),
        _kind(
            "ordinal",
            _parse_level,
            _encode_level,
            "one level",
            needs=("levels",),
            numeric=True,
        ),
        _kind("category", _parse_level, _encode_level, "one level", needs=("levels",)),
        _kind("tags", _parse_tags, _encode_tags, "level;level", needs=("levels",)),
        _kind("flag", _parse_flag, _encode_number, "true", numeric=True),
        _kind("place", _parse_place, _encode_tuples(2), "-33.87,151.21"),
        _kind(
            "weekly_hours",
            _parse_weekly_hours,
            _encode_tuples(3),
            "mon 09:00-12:30; tue 17:00-20:00",
        ),
        _kind("date", _parse_date, _encode_date, "2026-11-23", numeric=True),
        _kind("money", _parse_money, _encode_number, "220.50", allows=("min", "max"), numeric=True),
        _kind("ids", _parse_ids, _encode_ids, "k012;k044"),
    )
}
"""Every kind a practice definition may name."""
