"""Weekly hours of local time zones, compared on one clock: minutes in UTC.

Hours are compared over real days, so that daylight saving counts. A local time that a clock change
skips means the moment of the change; a local time that it repeats means the first of the two.

A *window* is (weekday, start, end) in local minutes of the day; a *span* is (begin, end) in minutes
from midnight UTC of a first day.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.values.kinds import EPOCH

Array = NDArray[np.float64]
Day = TypeVar("Day", int, NDArray[np.intp])
Rows = NDArray[np.intp] | slice
Windows = tuple[tuple[int, int, int], ...]
Span = tuple[float, float]
"""Begin and end in minutes."""

DAY = 1440
"""Minutes of a day without a clock change."""
DAYS = 7
WEEK = DAYS * DAY
MARGIN = 1
"""Days before and after the week that may overlap a day of the week in another zone."""


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """The offsets of one zone on the days of one or more weeks, and on the day before and after it.

    By day; minutes count from midnight UTC of the first day.

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
    begins
        The minute at which the day begins; None for a day on which the clock changes.
    ahead
        Minutes the zone is ahead of UTC, where the clock changes on none of the days; else None.
    """

    midnight: Array
    before: Array
    after: Array
    change: Array
    moment: Array
    begins: tuple[float | None, ...]
    ahead: float | None

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


@lru_cache(maxsize=2048)
def week_of(zone: str, first: date, weeks: int = 1) -> Week:
    """The days of some weeks of a zone from a first day, with a margin of one day on both sides."""
    start, count = first.toordinal() - MARGIN, DAYS * weeks + 2 * MARGIN
    changing = set(clock_changes(zone, start, start + count - 1).tolist())
    clock, origin = ZoneInfo(zone), datetime(first.year, first.month, first.day, tzinfo=UTC)
    rows: list[tuple[float, ...]] = []
    for place in range(count):
        if rows and start + place not in changing:
            # The clock is that of the end of the day before.
            ahead = rows[-1][2]
            rows.append((float((place - MARGIN) * DAY), ahead, ahead, np.inf, -np.inf))
        else:
            rows.append(_day_of(clock, date.fromordinal(start + place), origin))
    columns = (np.array(column) for column in zip(*rows, strict=True))
    begins = tuple(None if row[3] < np.inf else row[0] - row[1] for row in rows)
    midnight, before, after, change, moment = columns
    always = None if None in begins else rows[0][1]
    return Week(midnight, before, after, change, moment, begins, always)


def clock_changes(zone: str, first: int, last: int) -> NDArray[np.intp]:
    """Ordinals of the days from a first to a last on which the clock of a zone changes, in order.

    A change at midnight counts on both days.

    >>> [str(date.fromordinal(day)) for day in clock_changes("Australia/Sydney", 739915, 740100)]
    ['2027-04-04']
    """
    years = range(date.fromordinal(first).year, date.fromordinal(last).year + 1)
    days = np.array([day for year in years for day in _changes_in(zone, year)], dtype=np.intp)
    return days[(days >= first) & (days <= last)]


@lru_cache(maxsize=1024)
def _changes_in(zone: str, year: int) -> tuple[int, ...]:
    """Ordinals of the days of a year on which the clock of a zone changes."""
    clock = ZoneInfo(zone)

    def ahead(day: int) -> float:
        return _ahead(clock, _moment(clock, date.fromordinal(day)))

    first = date(year, 1, 1).toordinal()
    ends = [*range(first - 1, first + 366, DAYS), first + 367]
    offsets = [ahead(day) for day in ends]
    days = []
    for place, (low, high) in enumerate(pairwise(ends)):
        if offsets[place] == offsets[place + 1]:
            continue
        origin = datetime(year, 1, 1, tzinfo=UTC)
        for day in range(low - 1, high + 1):
            changed = _day_of(clock, date.fromordinal(day), origin)
            if np.isfinite(changed[-1]) and date.fromordinal(day).year == year:
                days.append(day)
    return tuple(sorted(set(days)))


def offsets_on(zone: str, days: NDArray[np.intp], changes: NDArray[np.intp]) -> Array:
    """Minutes a zone is ahead of UTC as some days begin, (n,), for ordinals between changes."""
    clock = ZoneInfo(zone)
    period = np.searchsorted(changes, days)
    _, where, inverse = np.unique(period, return_index=True, return_inverse=True)
    known = [_ahead(clock, _moment(clock, date.fromordinal(int(days[at])))) for at in where]
    return np.array(known)[inverse]


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
class WindowTerms:
    """What windows of n people are open for, (windows, n) each; see `recommender.values.kinds`.

    Attributes
    ----------
    room
        Number among the person's rooms; 0 for every room, -1 for one that the person does not have.
    ways
        Sum of powers of 2, one for each level of the ways of meeting; 0 for every way.
    every, anchor
        Weeks between openings, and the ordinal of a date in a week in which it opens.
    label
        Equal for windows of one person that may continue in each other.
    by_way
        Whether any window is for some ways only.
    """

    room: NDArray[np.intp]
    ways: NDArray[np.int64]
    every: NDArray[np.intp]
    anchor: NDArray[np.intp]
    label: NDArray[np.intp]
    by_way: bool

    def of(self, rows: NDArray[np.intp]) -> "WindowTerms":
        """The terms of some people."""
        by_window = ("room", "ways", "every", "anchor", "label")
        taken: dict[str, Any] = {name: getattr(self, name).take(rows, axis=1) for name in by_window}
        return replace(self, **taken)


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """Weekly windows of n people, (windows, n) each, in the order of the days of the week.

    A day has as many places as anybody has windows on it, so that one pass over it reads memory in
    order.

    Attributes
    ----------
    weekday, start, end
        0 is Monday; a missing window starts at infinity and ends at minus infinity.
    opens, closes
        The windows in minutes of the week. They are int16, so that one vector instruction compares
        many; a missing window ends before it starts.
    days
        By weekday, its places along the first axis.
    known : (n,)
        Whether a person's hours are known.
    overnight
        Whether any window may continue in one of the next day.
    terms
        None where every window is for every room and way and opens every week.
    """

    weekday: NDArray[np.intp]
    start: Array
    end: Array
    opens: NDArray[np.int16]
    closes: NDArray[np.int16]
    days: tuple[slice, ...]
    known: NDArray[np.bool_]
    overnight: bool
    terms: WindowTerms | None = None

    def of(self, rows: NDArray[np.intp]) -> "Openings":
        """The windows of some people."""
        by_window = ("weekday", "start", "end", "opens", "closes")
        taken: dict[str, Any] = {name: getattr(self, name).take(rows, axis=1) for name in by_window}
        terms = None if self.terms is None else self.terms.of(rows)
        return replace(self, **taken, known=self.known[rows], terms=terms)

    @property
    def weeks(self) -> int:
        """Weeks within which every window opens."""
        return 1 if self.terms is None else int(self.terms.every.max(initial=1))


def openings_of(windows: Array, rooms: NDArray[np.intp] | None = None) -> Openings:
    """The encoding of a column of open hours, (n, windows, 3 or 7), as `Openings`.

    `rooms` has the number of each window's room, (n, windows); see `row_checks.rooms_of`.
    """
    weekday, start, end, *terms = (part.T for part in np.moveaxis(windows, -1, 0))
    there = ~np.isnan(start)
    rank = np.array([np.cumsum(there & (weekday == day), axis=0) for day in range(DAYS)])
    most = rank.max(axis=(1, 2), initial=0)
    firsts = np.cumsum(most) - most
    day = weekday[there].astype(np.intp)
    person = np.broadcast_to(np.arange(start.shape[1]), start.shape)[there]
    place = firsts[day] + rank[:, there][day, np.arange(len(day))] - 1

    def placed(part: NDArray[Any], absent: float) -> NDArray[Any]:
        arranged = np.full((int(most.sum()), start.shape[1]), absent, dtype=part.dtype)
        arranged[place, person] = part[there]
        return arranged

    return Openings(
        placed(np.nan_to_num(weekday).astype(np.intp), 0),
        placed(start, np.inf),
        placed(end, -np.inf),
        placed(np.where(there, weekday * DAY + start, 0).astype(np.int16), WEEK),
        placed(np.where(there, weekday * DAY + end, 0).astype(np.int16), 0),
        tuple(slice(a, a + size) for a, size in zip(firsts.tolist(), most.tolist(), strict=True)),
        np.asarray(there.any(axis=0)),
        bool((end == DAY).any() and (start == 0).any()),
        _terms_of(terms, None if rooms is None else rooms.T, placed),
    )


def _terms_of(
    encoded: Sequence[Array],
    rooms: NDArray[np.intp] | None,
    placed: Callable[[NDArray[Any], float], NDArray[Any]],
) -> WindowTerms | None:
    if not encoded:
        return None
    named, ways, every, anchor = (np.nan_to_num(part).astype(np.int64) for part in encoded)
    if not named.any() and not ways.any() and every.max(initial=1) <= 1:
        return None
    room = np.zeros_like(named) if rooms is None else rooms
    every = np.maximum(every, 1)
    parts = np.stack([room, ways, every, np.where(every > 1, anchor + EPOCH, 0)])
    _, label = np.unique(parts.reshape(4, -1), axis=1, return_inverse=True)
    return WindowTerms(
        placed(parts[0], 0),
        placed(parts[1], 0),
        placed(parts[2], 1),
        placed(parts[3], 0),
        placed(label.reshape(named.shape), 0),
        bool(ways.any()),
    )


def on_shared_clock(openings: Openings, week: Week, first: date) -> tuple[Array, Array]:
    """Begin and end of the first opening of every window from a first day, (windows, n) each.

    A window that ends where another of the same terms begins, at midnight or over a skipped hour,
    is extended to the end of the other.
    """
    day = (openings.weekday - first.weekday()) % DAYS
    label = np.zeros_like(day)
    if openings.terms is not None:
        day = day + DAYS * weeks_until_open(openings.terms, day + first.toordinal())
        label = openings.terms.label
    begins = week.minutes(day + MARGIN, openings.start)
    ends = week.minutes(day + MARGIN, openings.end)
    order = np.lexsort((begins, label), axis=0)
    early, late = (np.take_along_axis(part, order, axis=0) for part in (begins, ends))
    same = np.take_along_axis(label, order, axis=0)
    for window in reversed(range(len(ends) - 1)):
        continues = (late[window] == early[window + 1]) & (same[window] == same[window + 1])
        late[window] = np.where(continues, late[window + 1], late[window])
    np.put_along_axis(ends, order, late, axis=0)
    return begins, ends


def weeks_until_open(terms: WindowTerms, days: NDArray[np.intp]) -> NDArray[np.intp]:
    """Weeks from some days, as ordinals, to the first week in which each window opens."""
    return np.asarray((week_number(terms.anchor) - week_number(days)) % terms.every)


def week_number(days: Day) -> Day:
    """Weeks from Monday to Sunday, counted from the first of the calendar, whose day 1 is a Monday.

    >>> week_number(date(2026, 11, 29).toordinal()) == week_number(date(2026, 11, 23).toordinal())
    True
    """
    return (days - 1) // DAYS


@lru_cache(maxsize=4096)
def in_other_week(windows: tuple[tuple[int, int, int], ...], ahead: float) -> Array:
    """Weekly windows on a clock that theirs is minutes ahead of, (spans, 2), by minute of the week.

    For weeks without a clock change, in which the date does not matter. A span over the end of
    Sunday is cut there; no window passes it either.
    """
    turns = (-WEEK, 0, WEEK) if ahead else (0,)
    spans = joined(
        (day * DAY + start + turn, day * DAY + end + turn)
        for day, start, end in windows
        for turn in turns
    )
    moved = ((max(a - ahead, 0.0), min(b - ahead, float(WEEK))) for a, b in spans)
    return np.array([span for span in moved if span[0] < span[1]]).reshape(-1, 2)


def spans_of(
    windows: Iterable[tuple[int, int, int]],
    week: Week,
    first: date,
    opens: Callable[[int], bool] | None = None,
) -> list[Span]:
    """Weekly windows of one person as spans in order, on all days of `week` that are open.

    Spans that touch are joined: midnight here may be in the middle of a day elsewhere. `opens` says
    whether the windows are open on a day, by its ordinal.
    """
    by_weekday: list[list[tuple[int, int]]] = [[] for _ in range(DAYS)]
    for weekday, begin, end in windows:
        by_weekday[weekday].append((begin, end))
    # Day 1 of the calendar is a Monday.
    ordinal = first.toordinal() - MARGIN
    in_order = [by_weekday[(ordinal + place - 1) % DAYS] for place in range(DAYS)]
    if opens is None and week.ahead is not None:
        return _every_week(in_order, week.ahead, len(week.begins))
    days = [
        (place, begins, own)
        for place, begins in enumerate(week.begins)
        if (own := in_order[place % DAYS]) and (opens is None or opens(ordinal + place))
    ]
    spans = [
        (begins + begin, begins + end)
        for _, begins, own in days
        if begins is not None
        for begin, end in own
    ]
    for place, begins, own in days:
        if begins is None:
            moments = week.minutes(np.array(place), np.array(own)).tolist()
            spans += [(begin, end) for begin, end in moments]
    return joined(spans)


def _every_week(in_order: Sequence[list[tuple[int, int]]], ahead: float, days: int) -> list[Span]:
    """Windows of seven days as spans of so many days, on a clock that is always as far ahead."""
    begins = [(place - MARGIN) * DAY - ahead for place in range(DAYS)]
    pattern = joined(
        [(day + a, day + b) for day, own in zip(begins, in_order, strict=True) for a, b in own]
    )
    weeks = range(0, days * DAY, WEEK)
    spans = [(begin + turn, end + turn) for turn in weeks for begin, end in pattern]
    last = begins[0] + days * DAY
    while spans and spans[-1][0] >= last:
        spans.pop()
    if spans and spans[-1][1] > last:
        spans[-1] = spans[-1][0], last
    is_apart = not pattern or pattern[-1][1] < pattern[0][0] + WEEK
    return spans if is_apart else joined(spans)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; spans that touch or overlap are joined.

    >>> joined([(5, 8), (1, 3), (3, 4)])
    [(1, 4), (5, 8)]
    """
    merged: list[Span] = []
    first, last = -math.inf, -math.inf
    for begin, end in sorted(spans):
        if merged and begin <= last:
            if end > last:
                last = end
                merged[-1] = first, last
        else:
            first, last = begin, end
            merged.append((begin, end))
    return merged


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

    def codes_in(self, columns: Columns) -> NDArray[np.intp]:
        """The zone of each person, as a place in `named`, (n,)."""
        unknown = len(self.levels)
        if self.column is None:
            return np.full(columns.size, unknown)
        codes = columns[self.column]
        return np.where(np.isnan(codes), unknown, codes).astype(np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class SteadyClocks:
    """People beside whose clock another has not changed before every window has opened.

    Attributes
    ----------
    rows, openings
        The people and their windows.
    ahead
        Minutes that the other clock is ahead of theirs.
    """

    rows: Rows
    openings: Openings
    ahead: float

    def minutes(self, windows: Windows) -> NDArray[Any]:
        """Minutes that windows on the other clock share with each of theirs, (windows, n).

        Of several times in common with one window, the longest counts.
        """
        opens, closes, days = self.openings.opens, self.openings.closes, self.openings.days
        longest = np.zeros(opens.shape, dtype=np.int16)
        for begin, end in in_other_week(windows, self.ahead).astype(int).tolist():
            places = slice(days[begin // DAY].start, days[math.ceil(end / DAY) - 1].stop)
            shared = np.minimum(closes[places], end)
            shared -= np.maximum(opens[places], begin)
            np.maximum(longest[places], shared, out=longest[places])
        return longest


@dataclass(frozen=True, slots=True, eq=False)
class ChangingClocks:
    """People beside whose clock another changes, or changed, near a first day of their own.

    Attributes
    ----------
    rows, openings
        The people and their windows.
    begins, ends
        (windows, n) in minutes from midnight UTC of the person's first day.
    starts
        Each zone of the other clock with each first day.
    start
        The place of each person's among them, (n,).
    weeks
        Weeks within which every window opens.
    """

    rows: Rows
    openings: Openings
    begins: Array
    ends: Array
    starts: tuple[tuple[str, date], ...]
    start: NDArray[np.intp]
    weeks: int

    def minutes(self, windows: Windows) -> NDArray[Any]:
        """Minutes that windows on the other clock share with each of theirs, (windows, n).

        Of several times in common with one window, the longest counts.
        """
        spans = [_spans_from(windows, *start, self.weeks) for start in self.starts]
        padded = np.zeros((max(map(len, spans)), len(spans), 2))
        for place, each in enumerate(spans):
            padded[: len(each), place] = each
        longest = np.zeros(self.begins.shape)
        for begin, end in np.moveaxis(padded[:, self.start], -1, 1):
            shared = np.minimum(self.ends, end) - np.maximum(self.begins, begin)
            np.maximum(longest, shared, out=longest)
        return longest


ClockGroup = SteadyClocks | ChangingClocks


@lru_cache(maxsize=4096)
def _spans_from(windows: Windows, zone: str, first: date, weeks: int) -> Array:
    return np.array(spans_of(windows, week_of(zone, first, weeks), first)).reshape(-1, 2)


def clock_groups(
    openings: Openings,
    codes: NDArray[np.intp],
    named: Sequence[str],
    other: str | None,
    firsts: NDArray[np.intp],
) -> tuple[ClockGroup, ...]:
    """People grouped by the clocks in force in the weeks in which their windows first open.

    Parameters
    ----------
    openings
        The windows of n people.
    codes, named
        The zone of each, (n,), as a place among the zones named.
    other
        The zone of the other side; None to meet in each person's own zone.
    firsts
        The first day of each person, (n,), as an ordinal.
    """
    weeks = openings.weeks
    changing = np.full(len(codes), openings.overnight)
    ahead = np.zeros(len(codes))
    for code in np.unique(codes).tolist():
        rows = np.flatnonzero(codes == code)
        days = firsts[rows]
        low, high = int(days.min()) - MARGIN, int(days.max()) + DAYS * weeks + MARGIN
        for sign, zone in ((-1, named[code]), (1, other)):
            if zone is not None:
                changes = clock_changes(zone, low, high)
                changing[rows] |= _any_within(changes, days, weeks)
                ahead[rows] += 0.0 if other is None else sign * offsets_on(zone, days, changes)
    groups: list[ClockGroup] = []
    for minutes in np.unique(ahead[~changing]).tolist():
        rows = np.flatnonzero(~changing & (ahead == minutes))
        everyone = len(rows) == len(codes)
        part = openings if everyone else openings.of(rows)
        groups.append(SteadyClocks(slice(None) if everyone else rows, part, minutes))
    if changing.any():
        rows = np.flatnonzero(changing)
        groups.append(_changing(openings.of(rows), rows, codes[rows], named, other, firsts[rows]))
    return tuple(groups)


def _any_within(changes: NDArray[np.intp], days: NDArray[np.intp], weeks: int) -> NDArray[np.bool_]:
    """Whether a clock changes on a day, in the margin before, or in the weeks after, (n,)."""
    before = np.searchsorted(changes, days - MARGIN)
    return np.asarray(before < np.searchsorted(changes, days + DAYS * weeks + MARGIN))


def _changing(
    openings: Openings,
    rows: NDArray[np.intp],
    codes: NDArray[np.intp],
    named: Sequence[str],
    other: str | None,
    firsts: NDArray[np.intp],
) -> ChangingClocks:
    pairs, place = np.unique(np.stack([codes, firsts]), axis=1, return_inverse=True)
    place = place.reshape(-1)
    begins, ends = np.empty_like(openings.start), np.empty_like(openings.end)
    starts = []
    for number, (code, day) in enumerate(pairs.T.tolist()):
        first, own = date.fromordinal(day), np.flatnonzero(place == number)
        week = week_of(named[code], first, openings.weeks)
        begins[:, own], ends[:, own] = on_shared_clock(openings.of(own), week, first)
        starts.append((other or named[code], first))
    return ChangingClocks(rows, openings, begins, ends, tuple(starts), place, openings.weeks)
