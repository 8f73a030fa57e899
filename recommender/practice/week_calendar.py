"""Weekly hours of local time zones, compared on one clock: minutes in UTC.

Hours are compared over real days, so that daylight saving counts. A local time that a clock change
skips means the moment of the change; a local time that it repeats means the first of the two.

A *window* is (weekday, start, end) in local minutes of the day; a *span* is (begin, end) in minutes
from midnight UTC of a first day.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns

Array = NDArray[np.float64]
Pair = tuple[NDArray[np.int16], NDArray[np.int16]]
Span = tuple[float, float]

DAY = 1440
"""Minutes of a day without a clock change."""
DAYS = 7
WEEK = DAYS * DAY
MARGIN = 1
"""Days before and after the week that may overlap a day of the week in another zone."""


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """The offsets of one zone on the days of a week, and on the day before and after it.

    All (days,); minutes count from midnight UTC of the first day.

    Attributes
    ----------
    midnight
        Midnight of the day if the zone were UTC.
    before, after
        Minutes the zone is ahead of UTC just before the day begins, and at its end.
    change
        Minute of the local day of a clock change, on the clock before it; infinite without one.
    moment
        The minute of the change; minus infinity without one.
    """

    midnight: Array
    before: Array
    after: Array
    change: Array
    moment: Array

    @property
    def changes(self) -> bool:
        """Whether the clock changes on any of its days."""
        return bool(np.isfinite(self.change).any())

    def minutes(self, day: NDArray[np.intp], minute: Array | NDArray[np.intp]) -> Array:
        """Local times in minutes from midnight UTC of the first day.

        `day` counts from the day before the first, `minute` is of the local day, 0 to 1440.
        """
        early = minute < self.change[day]
        late = np.maximum(minute - self.after[day], self.moment[day] - self.midnight[day])
        return np.asarray(self.midnight[day] + np.where(early, minute - self.before[day], late))


@lru_cache(maxsize=512)
def week_of(zone: str, first: date) -> Week:
    """The seven days of a zone from a first day, with a margin of one day on both sides."""
    days = [first + timedelta(days=place) for place in range(-MARGIN, DAYS + MARGIN)]
    origin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    rows = [_day_of(ZoneInfo(zone), day, origin) for day in days]
    return Week(*(np.array(column) for column in zip(*rows, strict=True)))


def _day_of(zone: ZoneInfo, day: date, origin: datetime) -> tuple[float, ...]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    offset = (midnight - origin).total_seconds() / 60
    starts, ends = (_moment(zone, day + timedelta(days=step)) for step in (0, 1))
    # Some zones change at midnight, so that the first hour of the day is skipped.
    starts -= timedelta(minutes=1)
    before, after = (_ahead(zone, moment) for moment in (starts, ends))
    if before == after:
        return offset, before, after, np.inf, -np.inf
    moment = _changed(zone, starts, ends)
    since = (moment - origin).total_seconds() / 60
    return offset, before, after, since - offset + before, since


def _moment(zone: ZoneInfo, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _ahead(zone: ZoneInfo, moment: datetime) -> float:
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return offset.total_seconds() / 60


def _changed(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The first minute of the later clock, by bisection."""
    target = _ahead(zone, late)
    while late - early > timedelta(minutes=1):
        middle = early + timedelta(minutes=(late - early) // timedelta(minutes=2))
        early, late = (early, middle) if _ahead(zone, middle) == target else (middle, late)
    return late


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """Weekly windows of n people, window by window, so that one pass reads memory in order.

    Attributes
    ----------
    weekday, start, end : (windows, n)
        0 is Monday; a missing window starts at infinity and ends at minus infinity.
    days
        By weekday, its windows as pairs of (n,) begins and ends in minutes of the week. They are
        int16, so that one vector instruction compares many; a missing window ends before it starts.
    known : (n,)
        Whether a person's hours are known.
    overnight
        Whether any window may continue in one of the next day.
    """

    weekday: NDArray[np.intp]
    start: Array
    end: Array
    days: tuple[tuple[Pair, ...], ...]
    known: NDArray[np.bool_]
    overnight: bool

    def of(self, rows: NDArray[np.intp]) -> "Openings":
        """The windows of some people."""
        return _by_window(
            self.weekday[:, rows], self.start[:, rows], self.end[:, rows], self.known[rows]
        )


@dataclass(frozen=True, slots=True, eq=False)
class ZoneGroup:
    """The people of one zone: their rows and their windows."""

    zone: str
    rows: NDArray[np.intp] | slice
    openings: Openings


def openings_of(windows: Array) -> Openings:
    """The encoding of a column of weekly hours, (n, windows, 3), as `Openings`."""
    weekday, start, end = (part.T for part in np.moveaxis(windows, -1, 0))
    absent = np.isnan(start)
    return _by_window(
        np.where(absent, 0, weekday).astype(np.intp),
        np.where(absent, np.inf, start),
        np.where(absent, -np.inf, end),
        np.asarray(~absent.all(axis=0)),
    )


def _by_window(
    weekday: NDArray[np.intp], start: Array, end: Array, known: NDArray[np.bool_]
) -> Openings:
    there = np.isfinite(start)
    return Openings(
        np.ascontiguousarray(weekday),
        np.ascontiguousarray(start),
        np.ascontiguousarray(end),
        tuple(_of_day(day, there & (weekday == day), start, end) for day in range(DAYS)),
        known,
        bool((end == DAY).any() and (start == 0).any()),
    )


def _of_day(day: int, there: NDArray[np.bool_], start: Array, end: Array) -> tuple[Pair, ...]:
    """Everyone's first window of a day, then everyone's second, and so on."""
    rank = np.cumsum(there, axis=0)
    pairs = []
    for number in range(1, int(rank[-1].max(initial=0)) + 1):
        chosen = there & (rank == number)
        opens = np.where(chosen, day * DAY + start, WEEK).min(axis=0)
        closes = np.where(chosen, day * DAY + end, 0).max(axis=0)
        pairs.append((opens.astype(np.int16), closes.astype(np.int16)))
    return tuple(pairs)


def on_shared_clock(openings: Openings, week: Week, first: date) -> tuple[Array, Array]:
    """Begin and end of every window in the seven days from the first, (windows, n) each.

    A window that ends where another begins, at midnight or over a skipped hour, is extended to the
    end of the other.
    """
    day = (openings.weekday - first.weekday()) % DAYS + MARGIN
    begins, ends = week.minutes(day, openings.start), week.minutes(day, openings.end)
    order = np.argsort(begins, axis=0, kind="stable")
    begins, ends = (np.take_along_axis(part, order, axis=0) for part in (begins, ends))
    for window in reversed(range(len(ends) - 1)):
        continues = ends[window] == begins[window + 1]
        ends[window] = np.where(continues, ends[window + 1], ends[window])
    return begins, ends


def in_local_week(spans: Array, week: Week, first: date) -> Array:
    """Spans as local minutes of the week, (spans, 2), without repetitions.

    For a week without a clock change, in which the date of a span does not matter. A span over the
    end of Sunday is cut there; no window passes it either.
    """
    monday = week.midnight[MARGIN] - week.before[MARGIN] - first.weekday() * DAY
    # One person has a few spans: an array of them would be slower.
    local = set[tuple[float, float]]()
    for begin, end in (spans - monday).tolist():
        turn = begin // WEEK * WEEK
        local.add((begin - turn, min(end - turn, WEEK)))
        if end - turn > WEEK:
            local.add((0.0, end - turn - WEEK))
    return np.array(sorted(local), dtype=np.float64).reshape(-1, 2)


def spans_of(windows: Iterable[tuple[int, int, int]], week: Week, first: date) -> Array:
    """Weekly windows of one person as spans, (spans, 2), including the days of the margin.

    Spans that touch are joined: midnight here may be in the middle of a day elsewhere.
    """
    spans = [
        (place, start, end)
        for weekday, start, end in windows
        for place in range(DAYS + 2 * MARGIN)
        if (first.weekday() + place - MARGIN) % DAYS == weekday
    ]
    day, *ends = np.array(spans, dtype=np.intp).reshape(-1, 3).T
    moments = np.stack([week.minutes(day, minute) for minute in ends], axis=1)
    return np.array(joined(map(tuple, moments.tolist()))).reshape(-1, 2)


def joined(spans: Iterable[tuple[float, float]]) -> list[list[float]]:
    """Spans in order; spans that touch or overlap are joined.

    >>> joined([(5, 8), (1, 3), (3, 4)])
    [[1, 4], [5, 8]]
    """
    merged: list[list[float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return merged


def spans_ahead(
    windows: Iterable[tuple[int, int, int]], zone: str, first: date, weeks: int
) -> list[Span]:
    """Spans of one person's windows in the weeks from a first day, in order.

    >>> spans_ahead([(0, 540, 600)], "UTC", date(2026, 11, 23), 2)
    [(540.0, 600.0), (10620.0, 10680.0)]
    """
    windows = tuple(windows)
    starts = [first + timedelta(days=DAYS * week) for week in range(weeks)]
    spans = joined(
        (begin + week * WEEK, end + week * WEEK)
        for week, start in enumerate(starts)
        for begin, end in spans_of(windows, week_of(zone, start), start).tolist()
    )
    end = float(weeks * WEEK)
    return [(max(a, 0.0), min(b, end)) for a, b in spans if b > 0 and a < end]


def shared_spans(spans: Iterable[Span], others: Iterable[Span], minutes: float = 0.0) -> list[Span]:
    """Spans that lie in both lists and last at least some minutes, in order.

    >>> shared_spans([(0, 60), (90, 200)], [(30, 120)], minutes=30)
    [(30, 60), (90, 120)]
    """
    others = tuple(others)
    both = ((max(a, c), min(b, d)) for a, b in spans for c, d in others)
    return [(begin, end) for begin, end in both if end - begin >= minutes and end > begin]


def longest_in_common(spans: Array, begins: Array, ends: Array) -> Array:
    """Minutes of the longest overlap of any span with any window of each person, (n,).

    Spans are (spans, 2), begins and ends (windows, n).
    """
    longest = np.zeros(begins.shape[1])
    for begin, end in spans.tolist():
        shared = np.minimum(ends, end) - np.maximum(begins, begin)
        np.maximum(longest, shared.max(axis=0), out=longest)
    return longest


def longest_in_week(spans: Array, openings: Openings) -> NDArray[np.int16]:
    """`longest_in_common` for local spans of a week without a clock change."""
    longest = np.zeros(len(openings.known), dtype=np.int16)
    shared, begins = np.empty_like(longest), np.empty_like(longest)
    for begin, end in spans.astype(int).tolist():
        for day in range(begin // DAY, math.ceil(end / DAY)):
            for opens, closes in openings.days[day]:
                np.minimum(closes, end, out=shared)
                np.maximum(opens, begin, out=begins)
                shared -= begins
                np.maximum(longest, shared, out=longest)
    return longest


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones of people: a column with its levels, and the zone of people without an answer."""

    column: str | None
    levels: tuple[str, ...]
    otherwise: str

    @property
    def named(self) -> tuple[str, ...]:
        """Every possible zone, by code; the last is that of people without an answer."""
        return (*self.levels, self.otherwise)


@lru_cache(maxsize=64)
def alike(zones: Zones, first: date, same_zone: bool) -> tuple[str, ...]:
    """For each zone of `named`, the first one with the same clock in the week from a day.

    With `same_zone` both people are in one zone: then all weeks without a clock change are alike.
    """
    first_of: dict[object, str] = {}
    representatives = []
    for zone in zones.named:
        week = week_of(zone, first)
        parts = () if same_zone and not week.changes else (week.before, week.after, week.change)
        clock = tuple(part.tobytes() for part in parts)
        representatives.append(first_of.setdefault(clock, zone))
    return tuple(representatives)


def openings_by_zone(
    columns: Columns, hours: str, zones: Zones, representatives: tuple[str, ...]
) -> tuple[ZoneGroup, ...]:
    """The windows of the column `hours`, zone by zone, computed once for each set of columns.

    `representatives` has, for each of `zones.named`, the zone whose clock is used; see `alike`.
    """

    def by_zone() -> tuple[ZoneGroup, ...]:
        openings = openings_of(columns[hours])
        if zones.column is None or len(set(representatives)) == 1:
            return (ZoneGroup(representatives[-1], slice(None), openings),)
        return tuple(_groups(openings, columns[zones.column], representatives))

    return columns.view(("openings", hours, zones, representatives), by_zone)


def _groups(
    openings: Openings, codes: Array, representatives: tuple[str, ...]
) -> Iterator[ZoneGroup]:
    order = sorted(set(representatives))
    group = np.array([order.index(zone) for zone in representatives])
    named = group[np.where(np.isnan(codes), len(representatives) - 1, codes).astype(int)]
    for place in np.unique(named).tolist():
        rows = np.flatnonzero(named == place)
        everyone = len(rows) == len(named)
        yield ZoneGroup(order[place], slice(None) if everyone else rows, openings.of(rows))
