"""The next intervals in which weekly hours of several people are open at once.

Weekly hours are local; what they share is computed in UTC, so that daylight saving counts.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import inf
from operator import itemgetter
from zoneinfo import ZoneInfo

from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    WEEK,
    Span,
    Windows,
    spans_of,
    week_number,
    week_of,
)
from recommender.values.bounded_store import store_bounded

MAX_TIMES = 3
WEEKS_AHEAD = (3, 26)
"""Three weeks are usually enough; alternate weeks and absences may need more."""
MAX_DAYS_AHEAD = 365
"""Nobody knows hours that begin later, and a time is said without its year."""
LAID_OUT = (4, 8, 16, 32, 56, 80)
"""Numbers of weeks that hours are laid out for: few, so that requests of a day share them."""

Opening = tuple[float, float, int]
"""Begin and end in minutes from a midnight UTC, and the number of the room."""
BY_TIME = itemgetter(0, 1)
NO_SPAN: Span = (inf, inf)
"""Follows the last span."""
ALWAYS: tuple[Span, ...] = ((-inf, inf),)


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """What is stored of weekly hours that were laid out, in minutes from a midnight UTC.

    `spans` are the open times, by the midnight and the number of weeks. `next_spans` are those of
    clients without wishes, by the midnight, the moment, the weeks and the minutes asked for.
    """

    spans: dict[tuple[datetime, int], Sequence[Span]] = attribute(default_factory=dict)
    next_spans: dict[tuple[datetime, float, int, float], Sequence[Span]] = attribute(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Windows of the week, on the clock of a zone.

    They open every `every` weeks, of which one is that of the ordinal `anchor`, but on no day of
    `away`: first days and the days after the last, as ordinals. `room` is the number of the room in
    the clinician's list, 0 where the way of meeting needs none or several will do.
    """

    zone: str
    windows: Windows
    every: int = 1
    anchor: int = 0
    away: tuple[tuple[int, int], ...] = ()
    room: int = 0
    laid_out: LaidOut = attribute(default_factory=LaidOut, compare=False, repr=False)

    def in_room(self, room: int) -> "WeeklyHours":
        """The same hours in a room, laid out once for both."""
        return self if room == self.room else replace(self, room=room)

    def opens(self, day: date) -> bool:
        """Whether the windows may be open on a day."""
        return self._opens(day.toordinal())

    def _opens(self, ordinal: int) -> bool:
        in_turn = (week_number(ordinal) - week_number(self.anchor)) % self.every == 0
        return in_turn and not any(first <= ordinal < after for first, after in self.away)

    def spans(self, origin: datetime, ahead: int) -> Sequence[Span]:
        """Open times of so many weeks in minutes from a midnight UTC; those that touch are one.

        Requests of a day share the hours of clinicians, so their spans are stored.
        """
        stored = self.laid_out.spans
        if (spans := stored.get((origin, ahead))) is None:
            first = origin.date()
            week = week_of(self.zone, first, ahead)
            always = self.every == 1 and not self.away
            spans = spans_of(self.windows, week, first, None if always else self._opens)
            store_bounded(stored, (origin, ahead), spans, MAX_SPANS)
        return spans


@dataclass(frozen=True, slots=True, eq=False)
class SharedHours:
    """The hours that several weekly hours share; they are computed once for several people."""

    weeks: tuple[WeeklyHours, ...]
    _spans: dict[tuple[datetime, int], Sequence[Span]] = attribute(
        default_factory=dict, init=False, repr=False
    )

    def spans(self, origin: datetime, ahead: int) -> Sequence[Span]:
        """As those of `WeeklyHours`; without any hours all the time."""
        if len(self.weeks) == 1:
            return self.weeks[0].spans(origin, ahead)
        spans = self._spans.get((origin, ahead))
        if spans is None:
            spans = ALWAYS
            for weekly in self.weeks:
                spans = shared_spans(spans, weekly.spans(origin, ahead), -inf, inf)
            self._spans[origin, ahead] = spans
        return spans


@lru_cache(maxsize=1024)
def every_week(zone: str, windows: Windows) -> WeeklyHours:
    """Windows of every week without absences; those that clients share are laid out once a day."""
    return WeeklyHours(zone, windows)


MAX_SPANS = 4
"""Origins and numbers of weeks for which the spans of one person are stored."""


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """An interval in UTC, and the number of the room it is in, as in `WeeklyHours`."""

    begin: datetime
    end: datetime
    room: int = 0

    @classmethod
    def between(cls, origin: datetime, begin: float, end: float, room: int = 0) -> "OpenInterval":
        """From begin to end in minutes from a midnight UTC."""
        return cls(origin + timedelta(minutes=begin), origin + timedelta(minutes=end), room)

    def local(self, zone: str) -> tuple[datetime, datetime]:
        """Begin and end on the clock of a zone."""
        return self.begin.astimezone(ZoneInfo(zone)), self.end.astimezone(ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class LookAhead:
    """From when to when intervals are looked for, in minutes from a midnight UTC.

    Attributes
    ----------
    origin
        The midnight; hours are laid out from it.
    since
        The first moment.
    parts
        Numbers of weeks to lay out and the last moment to look at in them, the fewest first.
    """

    origin: datetime
    since: float
    parts: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, since: datetime, now: datetime | None = None) -> "LookAhead":
        """From a moment on, laid out from the day of `now`, by default from that of the moment."""
        origin = midnight(now or since)
        days = (midnight(since) - origin).days
        weeks = [next(w for w in LAID_OUT if w * DAYS >= days + a * DAYS) for a in WEEKS_AHEAD]
        until = days * DAY + WEEKS_AHEAD[-1] * WEEK
        parts = tuple([(each, float(min(until, each * WEEK))) for each in weeks])
        return cls(origin, (since - origin) / timedelta(minutes=1), parts)


def midnight(moment: datetime) -> datetime:
    """The midnight UTC before a moment."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def next_openings(
    theirs: Sequence[WeeklyHours], others: SharedHours, ahead: LookAhead, minutes: float
) -> list[Opening]:
    """The first intervals of at least `minutes` that lie in others' hours and in any of theirs.

    At most three, in order; they are in minutes from the midnight that the weeks are laid out from.
    `theirs` are the clinician's hours, by room and weeks.
    """
    found: list[Opening] = []
    for weeks, until in ahead.parts:
        found = [
            (begin, end, hours.room)
            for hours in theirs
            for begin, end in _next_spans(hours, others, ahead, weeks, until, minutes)
        ]
        if len(theirs) > 1:
            found.sort(key=BY_TIME)
        found = found[:MAX_TIMES]
        # What ends with the weeks looked at may go on beyond them.
        if len(found) == MAX_TIMES and max([end for _, end, _ in found]) < until:
            break
    return found


def _next_spans(
    theirs: WeeklyHours,
    others: SharedHours,
    ahead: LookAhead,
    weeks: int,
    until: float,
    minutes: float,
) -> Sequence[Span]:
    """The first spans of at least `minutes` in all hours, at most three, of so many weeks.

    What clients without wishes get follows from the clinician's hours alone, and is stored.
    """
    origin, since, stored = ahead.origin, ahead.since, theirs.laid_out.next_spans
    key = origin, since, weeks, minutes
    spans = None if others.weeks else stored.get(key)
    if spans is None:
        ours, own = others.spans(origin, weeks), theirs.spans(origin, weeks)
        spans = shared_spans(ours, own, since, until, minutes, MAX_TIMES)
        if not others.weeks:
            store_bounded(stored, key, spans, MAX_SPANS)
    return spans


def shared_spans(
    one: Sequence[Span],
    other: Sequence[Span],
    since: float,
    until: float,
    minutes: float = 0.0,
    most: float = inf,
) -> list[Span]:
    """What two sequences of spans share between two moments, of at least so many minutes.

    The spans of each are in order and apart; so are those that are found, at most `most`.

    >>> shared_spans([(0, 5), (8, 12)], [(3, 9), (10, 20)], since=4, until=11)
    [(4, 5), (8, 9), (10, 11)]
    """
    found: list[Span] = []
    # The last span that begins before may go on.
    mine = iter(one[max(bisect_right(one, (since,)) - 1, 0) :])
    begin, end = next(mine, NO_SPAN)
    for opens, closes in other[max(bisect_right(other, (since,)) - 1, 0) :]:
        if opens >= until:
            break
        while begin < closes:
            if end > opens:
                first = begin if begin > opens else opens
                if first >= until:
                    return found
                if first < since:
                    first = since
                last = end if end < closes else closes
                if last > until:
                    last = until
                if last - first >= minutes and last > first:
                    found.append((first, last))
                    if len(found) == most:
                        return found
            if end > closes:
                break
            begin, end = next(mine, NO_SPAN)
    return found
