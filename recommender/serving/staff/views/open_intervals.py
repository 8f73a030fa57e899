"""The next stretches of time that lie in several weeks at once, each on a clock of its own.

Weekly hours are local; what they share is worked out on the one clock that all zones share, so that
daylight saving counts. Imported by `staff.free`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from recommender.practice.rules.time_rules import Window
from recommender.practice.week_calendar import DAY, DAYS, joined, spans_of, week_of

WEEKS = (1, 5)
"""Weeks looked ahead: one most often has enough in it, and in five every week repeats."""
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours of every week, on the clock of a zone."""

    zone: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """From one moment to another, both UTC."""

    begin: datetime
    end: datetime


@lru_cache(maxsize=1024)
def next_open_intervals(
    weeks: tuple[WeeklyHours, ...], since: datetime, minutes: float, most: int = 3
) -> tuple[OpenInterval, ...]:
    """The first stretches after a moment that lie in every one of the weeks.

    Parameters
    ----------
    weeks
        At least one.
    since
        Nothing before it counts.
    minutes
        Shorter stretches are left out.
    most
        How many are looked for.
    """
    origin = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: Spans = ()
    for ahead in WEEKS:
        end = float(ahead * DAYS * DAY)
        found = (((since - origin) / timedelta(minutes=1), end),)
        for weekly in weeks:
            found = _shared(found, _spans(weekly, origin, ahead), minutes)
        if len(found) > most:
            break
    return tuple(
        OpenInterval(*(origin + timedelta(minutes=minute) for minute in span))
        for span in found[:most]
    )


@lru_cache(maxsize=256)
def _spans(weekly: WeeklyHours, origin: datetime, ahead: int) -> Spans:
    """Hours of the weeks ahead in minutes from the origin; those that touch are one."""
    spans = joined(
        (begin + week * DAYS * DAY, end + week * DAYS * DAY)
        for week in range(ahead)
        for first in [origin.date() + timedelta(days=week * DAYS)]
        for begin, end in spans_of(weekly.windows, week_of(weekly.zone, first), first).tolist()
    )
    return tuple((begin, end) for begin, end in spans)


def _shared(ones: Spans, others: Spans, minutes: float) -> Spans:
    both = ((max(one[0], other[0]), min(one[1], other[1])) for one in ones for other in others)
    return tuple((begin, end) for begin, end in both if end - begin >= minutes)
