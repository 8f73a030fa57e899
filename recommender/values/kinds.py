"""The kinds of answer a field can hold: how each is parsed, encoded as an array and decoded again.

To add a kind, add one row to `KINDS` here, and then, because these layers add what `values` must
not know: its JSON type in `serving.schemas.json_types`, its HTML control, reader and prefill in
`serving.staff.views`, and its name in each rule (`practice.rules.catalogue`) and operator
(`practice.match_operators`) that accepts it. Tests fail for a kind without a JSON type or control.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.values import parsers
from recommender.values.ids import NONE_NAMED
from recommender.values.parsers import (
    DAY_NAMES,
    DAYS,
    MAX_NUMBER,
    FieldBounds,
    OpenWindow,
    Point,
    RawValue,
    code_of,
    is_missing,
)

__all__ = [
    "DAYS",
    "DAY_NAMES",
    "EPOCH",
    "KINDS",
    "MAX_NUMBER",
    "NONE_NAMED",
    "Array",
    "FieldBounds",
    "FieldKind",
    "Point",
    "RawValue",
    "code_of",
    "is_missing",
]

Array = NDArray[np.float64]
Parse = Callable[[FieldBounds, RawValue], object]
Encode = Callable[[FieldBounds, Sequence[Any]], NDArray[Any]]
Decode = Callable[[FieldBounds, Any], RawValue]

EPOCH = date(1970, 1, 1).toordinal()
"""Ordinal of the day from which dates are counted in arrays."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One kind of answer.

    Attributes
    ----------
    parse
        Parses one cell that is not missing; raises `ValueError` with the problem, never the value.
    encode, decode
        Parsed values (None = missing) as an array whose first axis is the row; one row of it as
        plain JSON that `parse` accepts, None if the answer is missing.
    example
        What a cell looks like, shown in remedies and in the generated documentation.
    needs, allows
        Settings a field of this kind must, and may, declare beside those every field has.
    numeric
        Whether the array is one number a row that can be subtracted and compared.
    scorable
        Whether a model may read the field itself, not only a match or a constraint.
    whole
        Whether a change suggested to a client is rounded to whole units.
    units
        Numbers in the array for one unit as written: 100 for money, which is stored in cents.
    alternative
        Another way to write a cell, for remedies.
    may_lack_column
        Whether a table may be without the column: then every answer is missing.
    """

    name: str
    parse: Parse
    encode: Encode
    decode: Decode
    example: str
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    numeric: bool = False
    scorable: bool = True
    whole: bool = False
    units: float = 1.0
    alternative: str = ""
    may_lack_column: bool = False

    @property
    def has_levels(self) -> bool:
        """Whether a field of this kind declares levels."""
        return "levels" in self.needs

    @property
    def has_bounds(self) -> bool:
        """Whether a field of this kind may declare `min` and `max`."""
        return "min" in self.needs | self.allows


def _encode_number(_: FieldBounds, values: Sequence[Any]) -> Array:
    """Numbers, flags as 1 and 0, cents: (n,)."""
    return _scalars(values, float)


def _encode_level(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """Index of each level among those declared: (n,)."""
    order = _places(declared.levels)
    return _scalars(values, lambda value: float(order[str(value)]))


def _encode_date(_: FieldBounds, values: Sequence[Any]) -> Array:
    """Days since 1970-01-01: (n,)."""
    return _scalars(values, lambda value: float(value.toordinal() - EPOCH))


def _encode_tags(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """1 for each level named, 0 for each other: (n, levels)."""
    order = _places(declared.levels)
    encoded = np.zeros((len(values), len(order)))
    for row, named in enumerate(values):
        if named is None:
            encoded[row] = np.nan
        elif named:
            encoded[row, [order[name] for name in named]] = 1.0
    return encoded


@lru_cache(maxsize=1000)
def _places(levels: tuple[str, ...]) -> dict[str, int]:
    """The place of each level."""
    return {name: place for place, name in enumerate(levels)}


def _encode_tuples(width: int) -> Encode:
    """Several tuples a row, padded with NaN: (n, largest number of tuples, width).

    An answer without tuples is one tuple of zeros, to differ from a missing answer.
    """

    def encode(_: FieldBounds, values: Sequence[Any]) -> Array:
        rows = [None if v is None else (tuple(v) or ((0.0,) * width,)) for v in values]
        if len(rows) == 1 and rows[0] is not None:
            return np.array(rows, dtype=np.float64)
        longest = max((len(row) for row in rows if row is not None), default=1)
        encoded = np.full((len(rows), longest, width), np.nan)
        for place, row in enumerate(rows):
            if row is not None:
                encoded[place, : len(row)] = row
        return encoded

    return encode


OPEN_WINDOW_WIDTH = 7
"""Numbers of an open window: weekday, start, end, room, ways, weeks, anchor.

The room is its number, minus the place of its postcode among the declared ones (from 1, in order of
their codes), or 0 for every room. The ways are a sum of powers of 2, 0 for every way. The anchor
is in days since 1970-01-01, 0 where the window opens every week."""


def _encode_availability(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """Open windows: (n, largest number of windows, 7)."""
    postcodes = {code: -float(place) for place, code in enumerate(sorted(declared.postcodes), 1)}
    bits = {level: 2.0**place for place, level in enumerate(declared.levels)}

    def encoded(window: OpenWindow) -> tuple[float, ...]:
        weekday, start, end, name, ways, every, anchor = window
        room = 0.0 if not name else postcodes[name] if name in postcodes else float(name)
        since = anchor - EPOCH if anchor else 0.0
        return weekday, start, end, room, sum(bits[way] for way in ways), every, since

    rows = [None if windows is None else tuple(map(encoded, windows)) for windows in values]
    return _encode_tuples(OPEN_WINDOW_WIDTH)(declared, rows)


def _encode_ranges(declared: FieldBounds, values: Sequence[Any]) -> Array:
    """The first day of each range and the day after its last: (n, largest number of ranges, 2)."""
    rows = [
        None
        if v is None
        else tuple((a.toordinal() - EPOCH, b.toordinal() - EPOCH + 1) for a, b in v)
        for v in values
    ]
    return _encode_tuples(2)(declared, rows)


def _encode_objects(_: FieldBounds, values: Sequence[Any]) -> NDArray[np.object_]:
    """Tuples of ids, or texts, or None: (n,)."""
    encoded = np.empty(len(values), dtype=object)
    for row, named in enumerate(values):
        encoded[row] = named
    return encoded


def _scalars(values: Sequence[Any], number_of: Callable[[Any], float]) -> Array:
    return np.array([np.nan if v is None else number_of(v) for v in values], dtype=np.float64)


def _decode_scalar(convert: Decode) -> Decode:
    """Decodes one number; None where it is NaN."""
    return lambda declared, value: None if np.isnan(value) else convert(declared, value)


_decode_number = _decode_scalar(lambda _, value: float(value))
_decode_flag = _decode_scalar(lambda _, value: bool(value))
_decode_money = _decode_scalar(lambda _, cents: round(float(cents)) / 100)
_decode_level = _decode_scalar(lambda declared, place: declared.levels[int(place)])
_decode_date = _decode_scalar(lambda _, day: date.fromordinal(int(day) + EPOCH).isoformat())


def _decode_tags(declared: FieldBounds, value: Any) -> RawValue:
    if np.isnan(value).any():
        return None
    return [level for level, named in zip(declared.levels, value, strict=True) if named]


def _decode_places(_: FieldBounds, value: Any) -> RawValue:
    points = value[~np.isnan(value).any(axis=1)].tolist()
    return [f"{latitude!r},{longitude!r}" for latitude, longitude in points] or None


def _decode_hours(_: FieldBounds, value: Any) -> RawValue:
    windows = value[~np.isnan(value).any(axis=1)].astype(int).tolist()
    # A window of no length encodes an answer that names no hours.
    cells = [f"{DAYS[day]} {clock(start)}-{clock(end)}" for day, start, end in windows if end]
    return cells if windows else None


def _decode_availability(declared: FieldBounds, value: Any) -> RawValue:
    windows = value[~np.isnan(value).any(axis=1)].astype(int).tolist()
    # A window of no length encodes an answer that names no hours.
    cells = [_open_window_text(declared, window) for window in windows if window[2]]
    return cells if windows else None


def _open_window_text(declared: FieldBounds, window: Sequence[int]) -> str:
    weekday, start, end, room, ways, every, anchor = window
    text = f"{DAYS[weekday]} {clock(start)}-{clock(end)}"
    if room:
        text += f" room {room if room > 0 else sorted(declared.postcodes)[-room - 1]}"
    if ways:
        named = [level for place, level in enumerate(declared.levels) if ways >> place & 1]
        text += f" by {','.join(named)}"
    if every > 1:
        text += f" every {every} weeks from {date.fromordinal(anchor + EPOCH).isoformat()}"
    return text


def _decode_ranges(_: FieldBounds, value: Any) -> RawValue:
    ranges = value[~np.isnan(value).any(axis=1)].astype(int).tolist()
    days = [
        [date.fromordinal(d + EPOCH).isoformat() for d in (a, b - 1)] for a, b in ranges if a < b
    ]
    return [a if a == b else f"{a} to {b}" for a, b in days] if ranges else None


def _decode_ids(_: FieldBounds, value: Any) -> RawValue:
    return None if value is None else list(value)


def _decode_text(_: FieldBounds, value: Any) -> RawValue:
    return value


def clock(minutes: int) -> str:
    """Minutes of a day as a 24-hour time.

    >>> clock(1020)
    '17:00'
    """
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_UNIT, _BOUNDS, _LEVELS = frozenset({"unit"}), frozenset({"min", "max"}), frozenset({"levels"})
_NUMBER = (parsers.number, _encode_number, _decode_number)
_LEVEL = (parsers.level, _encode_level, _decode_level, "one level", _LEVELS)
_PLACE = (parsers.place, _encode_tuples(2), _decode_places, "-33.87,151.21")
_EXAMPLE = "mon 09:00-12:30; tue 17:00-20:00"
_HOURS = (parsers.weekly_hours, _encode_tuples(3), _decode_hours, _EXAMPLE)
_AVAILABILITY = (parsers.availability, _encode_availability, _decode_availability)
_OPEN_HOURS = "wed 09:00-12:00 room 1 by phone every 2 weeks from 2026-11-23"
_RANGES = (parsers.date_ranges, _encode_ranges, _decode_ranges)
_DATE = (parsers.day, _encode_date, _decode_date, "2026-11-23")
_MONEY = (parsers.money, _encode_number, _decode_money, "220.50")

KINDS: Mapping[str, FieldKind] = {
    kind.name: kind
    for kind in (
        FieldKind("number", *_NUMBER, "3.5", _UNIT, _BOUNDS, numeric=True, whole=True),
        FieldKind("scale", *_NUMBER, "4", _UNIT | _BOUNDS, numeric=True, whole=True),
        FieldKind("ordinal", *_LEVEL, numeric=True),
        FieldKind("category", *_LEVEL),
        FieldKind("tags", parsers.tags, _encode_tags, _decode_tags, "level;level", _LEVELS),
        FieldKind("flag", parsers.flag, _encode_number, _decode_flag, "true", numeric=True),
        FieldKind(
            "place", *_PLACE, scorable=False, alternative="name a postcode under [postcodes]"
        ),
        FieldKind("weekly_hours", *_HOURS, scorable=False),
        FieldKind(
            "availability",
            *_AVAILABILITY,
            _EXAMPLE,
            allows=frozenset({"rooms"}),
            scorable=False,
            alternative=f"with room, ways and weeks: {_OPEN_HOURS}",
        ),
        FieldKind(
            # Without absences nobody is known to be away: older tables may lack the column.
            "date_ranges",
            *_RANGES,
            "2026-12-20 to 2027-01-10",
            scorable=False,
            may_lack_column=True,
        ),
        FieldKind("date", *_DATE, numeric=True, scorable=False),
        FieldKind(
            "money", *_MONEY, allows=_BOUNDS, numeric=True, scorable=False, whole=True, units=100.0
        ),
        FieldKind(
            "ids",
            parsers.ids,
            _encode_objects,
            _decode_ids,
            "k012;k044",
            allows=frozenset({"refers_to"}),
            scorable=False,
        ),
        FieldKind(
            # A link only shows something; no rule and no match reads it.
            "link",
            parsers.link,
            _encode_objects,
            _decode_text,
            "https://example.com/photo.jpg",
            scorable=False,
            may_lack_column=True,
        ),
    )
}
"""Every kind a practice definition may name."""
