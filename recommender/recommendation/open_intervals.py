"""The next intervals in which weekly hours of several people are open at once.

Weekly hours are local; what they share is computed in UTC, so that daylight saving counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from recommender.practice.week_calendar import WEEK, Windows, spans_of, week_number, week_of

MAX_TIMES = 3
WEEKS_AHEAD = (5, 26)
"""Five weeks are usually enough; alternate weeks and absences may need more."""

Span = tuple[float, float]
"""Begin and end in minutes."""


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
    _spans: dict[tuple[datetime, int], Sequence[Span]] = attribute(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def opens(self, day: date) -> bool:
        """Whether the windows may be open on a day."""
        ordinal = day.toordinal()
        in_turn = (week_number(ordinal) - week_number(self.anchor)) % self.every == 0
        return in_turn and not any(first <= ordinal < after for first, after in self.away)

    def spans(self, origin: datetime, ahead: int) -> Sequence[Span]:
        """Open times of so many weeks in minutes from a midnight UTC; those that touch are one.

        Requests share the hours of clinicians, so the spans of the last origins are stored.
        """
        stored = self._spans
        if (spans := stored.get((origin, ahead))) is None:
            first = origin.date()
            week = week_of(self.zone, first, ahead)
            every_week = self.every == 1 and not self.away
            found = spans_of(self.windows, week, first, None if every_week else self.opens)
            spans = tuple((begin, end) for begin, end in found.tolist())
            if len(stored) >= MAX_SPANS:
                stored.clear()
            stored[origin, ahead] = spans
        return spans


MAX_SPANS = 4
"""Origins and numbers of weeks for which the spans of one person are stored."""


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """An interval in UTC, and the number of the room it is in, as in `WeeklyHours`."""

    begin: datetime
    end: datetime
    room: int = 0

    def local(self, zone: str) -> tuple[datetime, datetime]:
        """Begin and end on the clock of a zone."""
        return self.begin.astimezone(ZoneInfo(zone)), self.end.astimezone(ZoneInfo(zone))


def next_open_intervals(
    weeks: Sequence[WeeklyHours], since: datetime, minutes: float
) -> tuple[OpenInterval, ...]:
    """The first intervals of at least `minutes` after a moment that lie in every week.

    The first of the weeks is the clinician's, whose room they are in.
    """
    origin = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first: list[Span] = []
    for ahead in WEEKS_AHEAD:
        shared: Iterable[Span] = [((since - origin) / timedelta(minutes=1), float(ahead * WEEK))]
        for weekly in weeks:
            shared = _intersection(shared, weekly.spans(origin, ahead))
        # One more than are wanted: the last of them may go on beyond the weeks looked at.
        long = (span for span in shared if span[1] - span[0] >= minutes)
        first = list(islice(long, MAX_TIMES + 1))
        if len(first) > MAX_TIMES:
            break
    return tuple(
        OpenInterval(
            origin + timedelta(minutes=begin), origin + timedelta(minutes=end), weeks[0].room
        )
        for begin, end in first[:MAX_TIMES]
    )


def _intersection(one: Iterable[Span], other: Sequence[Span]) -> Iterator[Span]:
    """What two sequences of spans share, in order; the spans of each are in order and apart."""
    there = 0
    for begin, end in one:
        while there < len(other):
            opens, closes = other[there]
            first, last = begin if begin > opens else opens, end if end < closes else closes
            if first < last:
                yield first, last
            if end <= closes:
                break
            there += 1
        if there == len(other):
            return
