"""Dates and times of FHIR, which may be a year or a month alone, as days of a practice."""

import calendar
import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9](\.[0-9]+)?)?")


def first_day(text: object, zone: ZoneInfo) -> date | None:
    """The first day that a date or a dateTime may mean, in a zone; None where it is neither.

    >>> first_day("2026-11", ZoneInfo("UTC"))
    datetime.date(2026, 11, 1)
    >>> first_day("2026-11-28T20:00:00Z", ZoneInfo("Australia/Sydney"))
    datetime.date(2026, 11, 29)
    """
    return _day(text, zone, last=False)


def last_day(text: object, zone: ZoneInfo) -> date | None:
    """The last day that a date or a dateTime may mean, in a zone; None where it is neither.

    >>> last_day("2026-11", ZoneInfo("UTC"))
    datetime.date(2026, 11, 30)
    """
    return _day(text, zone, last=True)


def whole_day(text: object, zone: ZoneInfo) -> date | None:
    """The day that a date or a dateTime names; None for a month or a year alone."""
    first = first_day(text, zone)
    return first if first == last_day(text, zone) else None


def instant_of(text: object) -> datetime | None:
    """The time, in UTC, of a text with date, time and zone; None for others."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def minutes_of(text: object) -> int | None:
    """Minutes of the day of a time such as 17:00:00, seconds dropped; None where it is none."""
    found = _CLOCK.fullmatch(text if isinstance(text, str) else "")
    return None if found is None else int(found[1]) * 60 + int(found[2])


def years_between(born: date, day: date) -> int:
    """Whole years of age on a day.

    >>> years_between(date(1990, 11, 29), date(2026, 11, 28))
    35
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _day(text: object, zone: ZoneInfo, *, last: bool) -> date | None:
    if not isinstance(text, str):
        return None
    moment = instant_of(text)
    if moment is not None:
        return moment.astimezone(zone).date()
    found = _PARTIAL.fullmatch(text)
    if found is None:
        return None
    year = int(found[1])
    month = int(found[2] or (12 if last else 1))
    try:
        end = calendar.monthrange(year, month)[1]
        return date(year, month, int(found[3] or (end if last else 1)))
    except ValueError:
        return None
