"""Hours of a day as people type them: `8-10, 17-20`, `9 to noon`, `5-8 pm`, `all day`.

Imported by `staff.intake`.
"""

import re
from typing import Any

from recommender.serving.staff import wording

Written = tuple[str, str]
HOUR, DAY = 60, 1440
_TIME = r"(?:(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?|(noon|midnight))"
_WINDOW = re.compile(rf"{_TIME}\s*(?:-|–|to|until)\s*{_TIME}")  # noqa: RUF001
_BETWEEN = re.compile(r"[,;&+]|\band\b")
_WHOLE = frozenset({"all day", "any time", "anytime", "any"})

Clock = tuple[str | Any, ...]
"""Hour, minute, half of the day and name; each is None where it is not written."""


def read_hours(text: str) -> tuple[Written, ...]:
    """Every window of a day as begin and end, written 08:00.

    Raises
    ------
    ValueError
        With what does not fit, never with the text.
    """
    said = " ".join(text.lower().replace(".m.", "m").split())
    if said in _WHOLE:
        return (("00:00", "24:00"),)
    parts = [part.strip() for part in _BETWEEN.split(said)]
    return tuple(_window(part) for part in parts if part)


def _window(part: str) -> Written:
    found = _WINDOW.fullmatch(part)
    if found is None:
        raise ValueError(wording.HOURS_UNREAD)
    first: Clock = found.group(1, 2, 3, 4)
    last: Clock = found.group(5, 6, 7, 8)
    end = _minute(last) or DAY
    begin = _minute(first)
    if last[2] and not first[2] and not first[3]:
        # In "5-8 pm" both are in the afternoon; in "10-2 pm" the first is not.
        there = _minute((*first[:2], last[2], None))
        begin = there if there < end else begin
    if begin >= end:
        raise ValueError(wording.HOURS_BACKWARDS)
    return _written(begin), _written(end)


def _minute(clock: Clock) -> int:
    """Minute of the day; midnight is 0 whichever end of the day it is."""
    hour, minute, half, named = clock
    if named:
        return 0 if named == "midnight" else DAY // 2
    hours, minutes = int(hour or 0), int(minute or 0)
    if minutes >= HOUR or hours > (12 if half else 24) or (half and not hours):
        raise ValueError(wording.HOURS_UNREAD)
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    if HOUR * hours + minutes > DAY:
        raise ValueError(wording.HOURS_UNREAD)
    return (HOUR * hours + minutes) % DAY


def _written(minute: int) -> str:
    return f"{minute // HOUR:02}:{minute % HOUR:02}"
