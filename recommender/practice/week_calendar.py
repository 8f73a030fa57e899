"""A week on a wall clock, on the one clock that all zones share.

Weekly hours are local: they are compared over seven real days, so that daylight saving counts.
A local time that a change of the clock leaves out is moved to the moment of the change; one that it
repeats means the first of the two. Imported by `times`.
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

DAY = 1440
"""Minutes of a day without a change of the clock."""
DAYS = 7
WEEK = DAYS * DAY
MARGIN = 1
"""Days on either side of the week: a day there may be a day of the week elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """The days of one zone from the day before a first day to the day after its week.

    All (days,), by day; minutes count from midnight UTC of the first day.

    Attributes
    ----------
    midnight
        Where the day's midnight would fall if the zone were UTC.
    before, after
        What the zone is ahead of UTC just before the day begins, and at its end.
    change
        Minute of the local day at which the clock is changed, by the clock as it was; infinite
        on a day without a change.
    moment
        The minute of the change; minus infinity on a day without one.
    """

    midnight: Array
    before: Array
    after: Array
    change: Array
    moment: Array

    @property
    def changes(self) -> bool:
        """Whether the clock is changed on any of its days."""
        return bool(np.isfinite(self.change).any())

    def minutes(self, day: NDArray[np.intp], minute: Array | NDArray[np.intp]) -> Array:
        """Minutes of local times on the shared clock.

        Parameters
        ----------
        day
            Place of the day among the week's, 0 being the day before the first.
        minute
            Minute of the local day, 0 to 1440.
        """
        early = minute < self.change[day]
        late = np.maximum(minute - self.after[day], self.moment[day] - self.midnight[day])
        return np.asarray(self.midnight[day] + np.where(early, minute - self.before[day], late))


@lru_cache(maxsize=512)
def week_of(zone: str, first: date) -> Week:
    """The week of a zone that begins on a day."""
    days = [first + timedelta(days=place) for place in range(-MARGIN, DAYS + MARGIN)]
    origin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    rows = [_day_of(ZoneInfo(zone), day, origin) for day in days]
    return Week(*(np.array(column) for column in zip(*rows, strict=True)))


def _day_of(zone: ZoneInfo, day: date, origin: datetime) -> tuple[float, ...]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    apart = (midnight - origin).total_seconds() / 60
    starts, ends = (_moment(zone, day + timedelta(days=step)) for step in (0, 1))
    # Some zones change at midnight: the first hour of that day is not there either.
    starts -= timedelta(minutes=1)
    before, after = (_ahead(zone, moment) for moment in (starts, ends))
    if before == after:
        return apart, before, after, np.inf, -np.inf
    moment = _changed(zone, starts, ends)
    since = (moment - origin).total_seconds() / 60
    return apart, before, after, since - apart + before, since


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
    """Weekly windows of n people, laid out window by window so that a pass reads them in a row.

    Attributes
    ----------
    weekday, start, end : (windows, n)
        0 is Monday; a window that is not there starts after everything and ends before it.
    days
        By weekday, its windows as pairs of (n,) begins and ends in minutes since Monday began, in
        numbers so short that one instruction handles many; an absent window ends before it starts.
    known : (n,)
        Who said anything at all.
    overnight
        Whether a window of anybody's may go on in one of the next day.
    """

    weekday: NDArray[np.intp]
    start: Array
    end: Array
    days: tuple[tuple[Pair, ...], ...]
    known: NDArray[np.bool_]
    overnight: bool

    def of(self, rows: NDArray[np.intp]) -> "Openings":
        """Those of some people."""
        return _laid_out(
            self.weekday[:, rows], self.start[:, rows], self.end[:, rows], self.known[rows]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """The people of one zone: which rows they are, and their windows."""

    zone: str
    rows: NDArray[np.intp] | slice
    openings: Openings


def openings_of(windows: Array) -> Openings:
    """Windows as columns hold them, (n, windows, 3), laid out."""
    weekday, start, end = (part.T for part in np.moveaxis(windows, -1, 0))
    absent = np.isnan(start)
    return _laid_out(
        np.where(absent, 0, weekday).astype(np.intp),
        np.where(absent, np.inf, start),
        np.where(absent, -np.inf, end),
        np.asarray(~absent.all(axis=0)),
    )


def _laid_out(
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
    """Everyone's first windows of a day, then everyone's second, until nobody has another."""
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

    A window that goes on where another begins, as at midnight or over an hour that the clock leaves
    out, ends where the other does.
    """
    day = (openings.weekday - first.weekday()) % DAYS + MARGIN
    begins, ends = week.minutes(day, openings.start), week.minutes(day, openings.end)
    order = np.argsort(begins, axis=0, kind="stable")
    begins, ends = (np.take_along_axis(part, order, axis=0) for part in (begins, ends))
    for window in reversed(range(len(ends) - 1)):
        goes_on = ends[window] == begins[window + 1]
        ends[window] = np.where(goes_on, ends[window + 1], ends[window])
    return begins, ends


def in_local_week(spans: Array, week: Week, first: date) -> Array:
    """Spans of the shared clock as minutes since Monday began, (spans, 2), each once.

    For a week without a change of the clock, in which a span meets the same hours of the week
    whatever its date. One over the end of Sunday is cut there, where no window passes either.
    """
    monday = week.midnight[MARGIN] - week.before[MARGIN] - first.weekday() * DAY
    # A person has a handful of spans: an array of them costs more than it saves.
    found = set[tuple[float, float]]()
    for begin, end in (spans - monday).tolist():
        turn = begin // WEEK * WEEK
        found.add((begin - turn, min(end - turn, WEEK)))
        if end - turn > WEEK:
            found.add((0.0, end - turn - WEEK))
    return np.array(sorted(found), dtype=np.float64).reshape(-1, 2)


def spans_of(windows: Iterable[tuple[int, int, int]], week: Week, first: date) -> Array:
    """Weekly windows of one person as spans of the shared clock, (spans, 2), margins included.

    A window of a day in the margin is there because elsewhere that day may be one of the week.
    Spans that touch are one, so that midnight here does not part a session of the day elsewhere.
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
    """Spans in order; those that touch or overlap are one.

    >>> joined([(5, 8), (1, 3), (3, 4)])
    [[1, 4], [5, 8]]
    """
    found: list[list[float]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([begin, end])
    return found


def longest_in_common(spans: Array, begins: Array, ends: Array) -> Array:
    """Minutes of the longest stretch any span shares with any window of each person, (n,).

    Parameters
    ----------
    spans : (spans, 2)
    begins, ends : (windows, n)
    """
    longest = np.zeros(begins.shape[1])
    for begin, end in spans.tolist():
        shared = np.minimum(ends, end) - np.maximum(begins, begin)
        np.maximum(longest, shared.max(axis=0), out=longest)
    return longest


def longest_in_week(spans: Array, openings: Openings) -> NDArray[np.int16]:
    """The same over one week like any other, where a span only meets windows of its own days."""
    longest = np.zeros(len(openings.known), dtype=np.int16)
    shared, begun = np.empty_like(longest), np.empty_like(longest)
    for begin, end in spans.astype(int).tolist():
        for day in range(begin // DAY, math.ceil(end / DAY)):
            for opens, closes in openings.days[day]:
                np.minimum(closes, end, out=shared)
                np.maximum(opens, begin, out=begun)
                shared -= begun
                np.maximum(longest, shared, out=longest)
    return longest


@dataclass(frozen=True, slots=True)
class Zones:
    """Where people are: the column of zones with its levels, and the zone of whoever named none."""

    column: str | None
    levels: tuple[str, ...]
    otherwise: str

    @property
    def named(self) -> tuple[str, ...]:
        """Every zone there can be, by code; the last is that of whoever named none."""
        return (*self.levels, self.otherwise)


@lru_cache(maxsize=64)
def alike(zones: Zones, first: date, wherever: bool) -> tuple[str, ...]:
    """For each zone of `named`, one whose clock goes the same way in the week from a day.

    Parameters
    ----------
    wherever
        Whether both are always in one zone: then every week without a change is like any other.
    """
    found: dict[object, str] = {}
    return tuple(
        found.setdefault(_way_of(week_of(zone, first), wherever), zone) for zone in zones.named
    )


def _way_of(week: Week, wherever: bool) -> object:
    if wherever and not week.changes:
        return None
    return tuple(part.tobytes() for part in (week.before, week.after, week.change))


def openings_by_zone(
    columns: Columns, hours: str, zones: Zones, standing_for: tuple[str, ...]
) -> tuple[Stay, ...]:
    """The laid-out windows of a column, zone by zone, made once for each set of columns.

    Parameters
    ----------
    columns
        Of n people.
    hours
        The column of weekly hours.
    zones
        Where they are.
    standing_for
        The zone that each of `zones.named` is taken for; see `alike`.
    """

    def lay_out() -> tuple[Stay, ...]:
        openings = openings_of(columns[hours])
        if zones.column is None or len(set(standing_for)) == 1:
            return (Stay(standing_for[-1], slice(None), openings),)
        return tuple(_stays(openings, columns[zones.column], standing_for))

    return columns.view(("openings", hours, zones, standing_for), lay_out)


def _stays(openings: Openings, codes: Array, standing_for: tuple[str, ...]) -> Iterator[Stay]:
    order = sorted(set(standing_for))
    group = np.array([order.index(zone) for zone in standing_for])
    named = group[np.where(np.isnan(codes), len(standing_for) - 1, codes).astype(int)]
    for place in np.unique(named).tolist():
        rows = np.flatnonzero(named == place)
        whole = len(rows) == len(named)
        yield Stay(order[place], slice(None) if whole else rows, openings.of(rows))
