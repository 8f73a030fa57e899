"""Reads hours of a day as people type them: `8-10, 17-20`, `9 to noon`, `5-8 pm`, `all day`."""

import re
from typing import Any

TypedWindow = tuple[str, str]
HOUR, DAY = 60, 1440
_TIME = r"(?:(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?|(noon|midnight))"
_WINDOW = re.compile(rf"{_TIME}\s*(?:-|–|to|until)\s*{_TIME}")  # noqa: RUF001
_BETWEEN = re.compile(r"[,;&+]|\band\b")
_ALL_DAY = frozenset({"all day", "any time", "anytime", "any"})
NOT_TIMES = "is not a range of times: write 8-10 or 5-8 pm, with commas between several"
BACKWARDS = "ends before it begins: write 8-17, or 8 am-5 pm"

ClockParts = tuple[str | Any, ...]
"""Hour, minute, am or pm, and noon or midnight; each is None where it is not written."""


def read_hours(text: str) -> tuple[TypedWindow, ...]:
    """Begin and end of every window, each written 08:00.

    Raises
    ------
    ValueError
        With what does not fit, never with the text.

    Examples
    --------
    >>> read_hours("9 to noon, 5-8 pm")
    (('09:00', '12:00'), ('17:00', '20:00'))
    """
    typed = " ".join(text.lower().replace(".m.", "m").split())
    if typed in _ALL_DAY:
        return (("00:00", "24:00"),)
    parts = [part.strip() for part in _BETWEEN.split(typed)]
    return tuple(_window(part) for part in parts if part)


def _window(part: str) -> TypedWindow:
    match = _WINDOW.fullmatch(part)
    if match is None:
        raise ValueError(NOT_TIMES)
    first: ClockParts = match.group(1, 2, 3, 4)
    last: ClockParts = match.group(5, 6, 7, 8)
    end = _minute(last) or DAY
    begin = _minute(first)
    if last[2] and not first[2] and not first[3]:
        # In "5-8 pm" both are in the afternoon; in "10-2 pm" the first is not.
        same_half = _minute((*first[:2], last[2], None))
        begin = same_half if same_half < end else begin
    if begin >= end:
        raise ValueError(BACKWARDS)
    return _written(begin), _written(end)


def _minute(clock: ClockParts) -> int:
    """Minute of the day; midnight is 0 at either end of the day."""
    hour, minute, half, named = clock
    if named:
        return 0 if named == "midnight" else DAY // 2
    hours, minutes = int(hour or 0), int(minute or 0)
    if minutes >= HOUR or hours > (12 if half else 24) or (half and not hours):
        raise ValueError(NOT_TIMES)
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    if HOUR * hours + minutes > DAY:
        raise ValueError(NOT_TIMES)
    return (HOUR * hours + minutes) % DAY


def _written(minute: int) -> str:
    return f"{minute // HOUR:02}:{minute % HOUR:02}"
