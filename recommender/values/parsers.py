"""Parses one answer: text of a CSV cell, or a value of a Parquet file or a JSON body.

Each parser takes the field's declaration and a cell that is not missing, and raises `CellError`
with the problem. The message never repeats the value, which may be personal.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from recommender.values.ids import NONE_NAMED, canonical_id, is_id

RawValue = Any
"""A cell as it arrives: text, a number, a flag, a list, a date, or None."""

DAY_NAMES: Mapping[str, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
"""Days of the week as cells write them, with their names."""
DAYS = tuple(DAY_NAMES)
MAX_NUMBER = 2.0**53
"""Beyond this a float no longer holds every whole number, so an answer that large is a fault."""

BELOW_MIN = "is below the smallest value allowed"
ABOVE_MAX = "is above the largest value allowed"
SEVERAL_TAGS = "level;level"
IN_A_ZONE = "is a time in a time zone, not a date"
NUMBER_NOT_DATE = "is a number, not a date"
SERIAL_REMEDY = (
    "give the date itself: in the spreadsheet, format the column as a date and export it again"
)
PAST_MIDNIGHT = "split them at 24:00, like mon 22:00-24:00; tue 00:00-02:00"

Window = tuple[int, int, int]
OpenWindow = tuple[int, int, int, str, tuple[str, ...], int, int]
"""Day, start and end as in `Window`; then the room ("" for every room), the ways of meeting (empty
for every way), the number of weeks from one opening to the next, and the ordinal of a date in a
week in which it opens (0 for every week)."""
DateRange = tuple[date, date]
Point = tuple[float, float]
MAX_ROOMS = 20
"""A room is named by its number up to this one."""

_WINDOW = re.compile(r"([a-z]{3}) ([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")
_OPEN_WINDOW = re.compile(
    r"(?P<hours>[A-Za-z]{3} [0-9:]{5}-[0-9:]{5})"
    r"(?: room (?P<room>[A-Za-z0-9-]{1,10}(?: [A-Za-z0-9-]{1,9})?))?"
    r"(?: by (?P<ways>.+?))?"
    r"(?: every (?P<every>[2-8]) weeks from (?P<anchor>[0-9]{4}-[0-9]{2}-[0-9]{2}))?"
)
_RANGE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: to ([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?")
_SERIAL = re.compile(r"[1-9][0-9]{4}(\.[0-9]+)?")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,16}(\.([0-9]+))?")
LINK_PATTERN = (
    "https://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
    "(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?"
)
"""An address by https without a user and a password, in characters that need no escaping in HTML
but for `&`."""
MAX_LINK = 500
"""Longest address, in characters."""
_LINK = re.compile(LINK_PATTERN)
_POSTCODE = re.compile(r"[A-Z0-9]([A-Z0-9 -]{0,8}[A-Z0-9])?")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NUMBER = (int, float, Decimal, np.integer, np.floating)


class CellError(ValueError):
    """The problem with one cell, and what to do where more is known than the field's own remedy.

    `suggested` are declared levels that may be meant.
    """

    def __init__(self, problem: str, remedy: str = "", suggested: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.suggested = tuple(suggested)


class NotAnIdError(CellError):
    """Parts of a list of ids that cannot be ids; `parts` may be names and are never shown."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        super().__init__("has a part that is not an id")
        self.parts = parts


class FieldBounds(Protocol):
    """The part of a field's declaration that parsing and encoding need."""

    @property
    def min(self) -> float | None:
        """Smallest value allowed, or None."""

    @property
    def max(self) -> float | None:
        """Largest value allowed, or None."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels allowed, in their order."""

    @property
    def postcodes(self) -> Mapping[str, Point]:
        """Latitude and longitude by postcode, for places and rooms."""

    @property
    def rooms(self) -> str | None:
        """The field that lists the rooms which open hours may name, or None."""


def is_missing(cell: RawValue) -> bool:
    """Whether a cell is empty: None, NaN, NaT or blank text."""
    if cell is None or isinstance(cell, str):
        return cell is None or not cell.strip()
    # Only NaN and NaT differ from themselves.
    return isinstance(cell, float | np.floating | datetime) and bool(cell != cell)


def code_of(cell: RawValue) -> float | str | None:
    """What a cell and a declared missing code have in common: a number, or text in small letters.

    None for a cell that is neither. A list of one member is that member, as some tools write it.

    >>> code_of(" 99.0 ") == code_of(99), code_of("n/a") == code_of("N/A"), code_of([1, 2])
    (True, True, None)
    """
    if isinstance(cell, list | tuple) and len(cell) == 1:
        cell = cell[0]
    if isinstance(cell, bool) or not isinstance(cell, (str, *_NUMBER)):
        return None
    try:
        return _number_in(cell) if isinstance(cell, str) else _finite(cell)
    except ValueError:
        return cell.strip().casefold() if isinstance(cell, str) else None


def number(declared: FieldBounds, cell: RawValue) -> float:
    """A finite number within the declared bounds."""
    if isinstance(cell, bool):
        raise ValueError("is a flag, not a number")
    if not isinstance(cell, (str, *_NUMBER)):
        raise ValueError("is not a number")
    return _within(declared, _number_in(cell) if isinstance(cell, str) else _finite(cell))


def level(declared: FieldBounds, cell: RawValue) -> str:
    """One of the declared levels."""
    named = _text(cell)
    if named not in declared.levels:
        near = _nearest(declared.levels, [named])
        raise CellError("is not one of the declared levels", suggested=near)
    return named


def tags(declared: FieldBounds, cell: RawValue) -> tuple[str, ...]:
    """Some of the declared levels, each once."""
    named = _parts(cell)
    unknown = [part for part in named if part not in declared.levels]
    if unknown and isinstance(cell, str) and any("," in part for part in unknown):
        problem = "has commas between its tags"
        raise CellError(problem, f"separate them with semicolons, like {SEVERAL_TAGS}")
    if unknown:
        problem = "has a tag that is not one of the declared levels"
        raise CellError(problem, suggested=_nearest(declared.levels, unknown))
    if len(set(named)) != len(named):
        raise ValueError("names a tag twice")
    return tuple(named)


def flag(_: FieldBounds, cell: RawValue) -> bool:
    """True or false; also yes and no, 1 and 0, in any case."""
    if isinstance(cell, bool | np.bool_):
        return bool(cell)
    try:
        return _FLAGS[_text(cell).lower()]
    except KeyError:
        raise ValueError("is neither true nor false") from None


def place(declared: FieldBounds, cell: RawValue) -> tuple[Point, ...]:
    """Latitudes and longitudes in degrees, at least one pair; a declared postcode gives its own."""
    points = tuple(_point(declared, part) for part in _parts(cell))
    if not points:
        raise ValueError("names no place")
    return points


def weekly_hours(_: FieldBounds, cell: RawValue) -> tuple[Window, ...]:
    """Windows of the week as (day, start, end), sorted; windows that touch or overlap are joined.

    Days count from Monday = 0; start and end are minutes of the day.
    """
    joined: list[Window] = []
    for weekday, start, end in sorted(_window(part) for part in _parts(cell)):
        if joined and joined[-1][0] == weekday and start <= joined[-1][2]:
            joined[-1] = (weekday, joined[-1][1], max(joined[-1][2], end))
        else:
            joined.append((weekday, start, end))
    return tuple(joined)


def availability(declared: FieldBounds, cell: RawValue) -> tuple[OpenWindow, ...]:
    """Windows of the week, each for a room, ways of meeting and alternate weeks; sorted.

    Windows that touch or overlap are joined where all of these are equal.

    >>> from types import SimpleNamespace
    >>> declared = SimpleNamespace(levels=("phone", "video"), postcodes={}, rooms="rooms")
    >>> availability(declared, "mon 09:00-17:00 room 1; tue 09:00-12:00 by video,phone")
    ((0, 540, 1020, '1', (), 1, 0), (1, 540, 720, '', ('phone', 'video'), 1, 0))
    >>> availability(declared, "wed 09:00-12:00 every 2 weeks from 2026-11-23")
    ((2, 540, 720, '', (), 2, 739943),)
    """
    joined: list[OpenWindow] = []
    for window in sorted(_open_window(declared, part) for part in _parts(cell)):
        earlier = next((at for at, each in enumerate(joined) if _continues(each, window)), None)
        if earlier is None:
            joined.append(window)
        else:
            before = joined[earlier]
            joined[earlier] = (*before[:2], max(before[2], window[2]), *before[3:])
    return tuple(sorted(joined))


def _continues(one: OpenWindow, other: OpenWindow) -> bool:
    """Whether a later window of the same day and terms begins no later than one ends."""
    return one[0] == other[0] and one[3:] == other[3:] and other[1] <= one[2]


def date_ranges(_: FieldBounds, cell: RawValue) -> tuple[DateRange, ...]:
    """First and last days, both inclusive, sorted; ranges that touch or overlap are joined.

    >>> date_ranges(None, "2027-01-05; 2026-12-20 to 2027-01-04")
    ((datetime.date(2026, 12, 20), datetime.date(2027, 1, 5)),)
    """
    joined: list[DateRange] = []
    for first, last in sorted(_date_range(part) for part in _parts(cell)):
        if joined and first.toordinal() <= joined[-1][1].toordinal() + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def day(_: FieldBounds, cell: RawValue) -> date:
    """A calendar date; the time of day is dropped if it has no time zone, and refused if it has."""
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        raise ValueError(IN_A_ZONE)
    if isinstance(cell, date):
        return date(cell.year, cell.month, cell.day)
    if isinstance(cell, _NUMBER) and not isinstance(cell, bool):
        raise CellError(NUMBER_NOT_DATE, SERIAL_REMEDY if is_serial(str(cell)) else "")
    if is_serial(_text(cell)):
        raise CellError(NUMBER_NOT_DATE, SERIAL_REMEDY)
    found = _DAY.fullmatch(_text(cell))
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise ValueError("is not a date") from None


def is_serial(text: str) -> bool:
    """Whether a text may be a date as spreadsheets store it, in days since the end of 1899.

    Five digits are the days from 1927 to 2173.

    >>> is_serial("45108"), is_serial("45108.5"), is_serial("2026"), is_serial("20261123")
    (True, True, False, False)
    """
    return _SERIAL.fullmatch(text) is not None


def money(declared: FieldBounds, cell: RawValue) -> int:
    """Whole cents of an amount written in the currency's units."""
    if isinstance(cell, bool):
        raise ValueError("is a flag, not an amount")
    if not isinstance(cell, str):
        if not isinstance(cell, _NUMBER):
            raise ValueError("is not an amount")
        _finite(cell)
    written = str(cell).strip()
    found = _AMOUNT.fullmatch(written)
    if not found:
        raise ValueError("is not an amount")
    if len((found[2] or "").rstrip("0")) > 2:
        raise ValueError("has more than two decimals")
    cents = int(Decimal(written) * 100)
    _within(declared, _finite(cents) / 100)
    return cents


def ids(_: FieldBounds, cell: RawValue) -> tuple[str, ...]:
    """Pseudonyms of clients or of clinicians."""
    named = tuple(map(canonical_id, _parts(cell)))
    if not all(map(is_id, named)):
        raise NotAnIdError(tuple(each for each in named if not is_id(each)))
    return named


def link(_: FieldBounds, cell: RawValue) -> str:
    """An address of the web by https; nothing is ever loaded from it."""
    text = _text(cell)
    if len(text) > MAX_LINK or _LINK.fullmatch(text) is None:
        raise ValueError("is not an https address")
    return text


def is_postcode(text: str) -> bool:
    """Whether a text is written as postcodes are; every country's have a digit."""
    return _POSTCODE.fullmatch(text) is not None and any(sign.isdigit() for sign in text)


def is_on_globe(latitude: float, longitude: float) -> bool:
    """Whether degrees name a point of the globe."""
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def _finite(value: Any) -> float:
    try:
        finite = float(value)
    except (OverflowError, ValueError):
        finite = math.nan
    if not abs(finite) <= MAX_NUMBER:
        raise ValueError("is not a finite number")
    return finite


def _within(declared: FieldBounds, value: float) -> float:
    if declared.min is not None and value < declared.min:
        raise ValueError(BELOW_MIN)
    if declared.max is not None and value > declared.max:
        raise ValueError(ABOVE_MAX)
    return value


def _number_in(text: str) -> float:
    try:
        # Python parses 1_0 as 10, which is more likely a typing error.
        read = float("" if "_" in text else text)
    except ValueError:
        raise ValueError("is not a number") from None
    return _finite(read)


def _text(cell: RawValue) -> str:
    """Text without the space around it; a bare number is the code it is written as.

    Codes are often exported as numbers (a department 7), and what reads them makes them 7.0.
    """
    if isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
        code = _finite(cell)
        return str(int(code)) if code.is_integer() else repr(code)
    if not isinstance(cell, str):
        raise ValueError("is not text")
    return cell.strip()


def _parts(cell: RawValue) -> list[str]:
    """The members of a list, or of text separated by semicolons; `none` names an empty list."""
    if isinstance(cell, list | tuple) or (isinstance(cell, np.ndarray) and cell.ndim == 1):
        return [_text(part) for part in cell]
    text = _text(cell)
    if text.lower() == NONE_NAMED:
        return []
    # Survey tools end every part of a list with the separator.
    parts = [part.strip() for part in text.removesuffix(";").split(";")]
    if not all(parts):
        raise CellError("has an empty part", "write one semicolon between two parts")
    return parts


def _nearest(levels: Iterable[str], written: Iterable[str]) -> list[str]:
    """The declared levels nearest to what was written, each once."""
    spelled = {_spelling(level): level for level in levels}
    near = []
    for text in written:
        spelling = _spelling(text)
        # A code below a declared one, as F40.1 is below F40.
        above = [each for each in spelled if each and spelling.startswith(f"{each}.")]
        close = difflib.get_close_matches(spelling, spelled, n=1, cutoff=0.8)
        if spelling in spelled:
            near.append(spelled[spelling])
        elif above:
            near.append(spelled[max(above, key=len)])
        elif close:
            near.append(spelled[close[0]])
    return list(dict.fromkeys(near))


def _spelling(text: str) -> str:
    """A text without the differences between a level and how people write it."""
    return re.sub(r"[\s_-]+", "_", text.strip()).casefold()


def _point(declared: FieldBounds, text: str) -> Point:
    code = text.upper()
    if code in declared.postcodes:
        return declared.postcodes[code]
    if is_postcode(code):
        raise ValueError("names a postcode that is not declared")
    if declared.postcodes and "," not in text:
        raise ValueError("names a place that is not declared")
    try:
        latitude, longitude = (_number_in(part) for part in text.split(","))
    except ValueError:
        raise ValueError("is not a latitude and a longitude") from None
    if not is_on_globe(latitude, longitude):
        raise ValueError("lies outside the globe")
    return latitude, longitude


@lru_cache(maxsize=4096)
def _window(text: str) -> Window:
    found = _WINDOW.fullmatch(text.lower())
    if not found or found[1] not in DAYS:
        raise ValueError("is not a day with hours")
    start = int(found[2]) * 60 + int(found[3])
    end = int(found[4]) * 60 + int(found[5])
    if end < start < 24 * 60:
        raise CellError("has hours that pass midnight", PAST_MIDNIGHT)
    if not start < end <= 24 * 60:
        raise ValueError("has hours that do not end after their start")
    return DAYS.index(found[1]), start, end


def _open_window(declared: FieldBounds, text: str) -> OpenWindow:
    found = _OPEN_WINDOW.fullmatch(" ".join(text.split()))
    if not found:
        raise ValueError("is not a day with hours, room, ways and weeks")
    weekday, start, end = _window(found["hours"])
    ways = tuple(part.strip() for part in (found["ways"] or "").split(",") if part.strip())
    if any(way not in declared.levels for way in ways):
        raise ValueError("names a way of meeting that is not declared")
    anchor = 0 if found["anchor"] is None else _date(found["anchor"]).toordinal()
    room = "" if found["room"] is None else _room(declared, found["room"])
    return weekday, start, end, room, tuple(sorted(set(ways))), int(found["every"] or 1), anchor


def _room(declared: FieldBounds, text: str) -> str:
    if declared.rooms is None:
        raise ValueError("names a room although no field of rooms is declared for it")
    if text.upper() in declared.postcodes:
        return text.upper()
    if not (text.isdecimal() and 1 <= int(text) <= MAX_ROOMS):
        raise ValueError("names a room that is neither a number nor a declared postcode")
    return str(int(text))


def _date_range(text: str) -> DateRange:
    found = _RANGE.fullmatch(text)
    if not found:
        raise ValueError("is not a date or a range of dates")
    first, last = _date(found[1]), _date(found[2] or found[1])
    if last < first:
        raise ValueError("has a range that ends before it begins")
    return first, last


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("has a part that is not a date") from None
