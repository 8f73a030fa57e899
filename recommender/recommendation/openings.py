"""When clinicians are free for one client: open hours from the first possible session on.

The roster has a first free day, open hours and absences, and no calendar: times are open hours from
that day on, in rooms within the client's reach. Weekly hours are local; what they share is computed
in UTC, so that daylight saving counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.row_checks import ROOM, rooms_of
from recommender.practice.rules.constraint import Constraint, session_minutes
from recommender.practice.rules.first_session import first_sessions
from recommender.practice.rules.time_rules import late_windows, windows_of
from recommender.practice.week_calendar import WEEK, Windows, spans_of, week_number, week_of
from recommender.screening.meeting_ways import is_barred, shared_modes
from recommender.screening.screen import Screening
from recommender.values.kinds import EPOCH

HOURS, LATE = "shares_hours", "after_hours"
MAX_TIMES = 3
WEEKS_AHEAD = (1, 5, 26)
"""One week is usually enough; alternate weeks and absences may need more."""
MAX_DAYS_AHEAD = 365
QUARTER = timedelta(minutes=15)
"""Times start on a quarter of an hour."""

Spans = tuple[tuple[float, float], ...]
"""Begins and ends in minutes."""


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

    def opens(self, day: date) -> bool:
        """Whether the windows may be open on a day."""
        ordinal = day.toordinal()
        in_turn = (week_number(ordinal) - week_number(self.anchor)) % self.every == 0
        return in_turn and not any(first <= ordinal < after for first, after in self.away)


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """An interval in UTC, and the number of the room it is in, as in `WeeklyHours`."""

    begin: datetime
    end: datetime
    room: int = 0

    def local(self, zone: str) -> tuple[datetime, datetime]:
        """Begin and end on the clock of a zone."""
        return self.begin.astimezone(ZoneInfo(zone)), self.end.astimezone(ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class MeetingOption:
    """Ways of meeting on the same clocks, and the session's length in minutes.

    `ways` is empty where the practice has none; `client_zone` is None in the rooms; `hours` are
    the clinician's, by room and weeks, and `rooms` the field that lists these rooms; `wishes` are
    the client's, and after-hours where they need them.
    """

    ways: tuple[str, ...]
    client_zone: str | None
    hours: tuple[WeeklyHours, ...]
    wishes: tuple[WeeklyHours, ...]
    minutes: float
    rooms: str | None = None


class OpeningTimes:
    """One client beside clinicians, a row each; a row is a place in the columns.

    Parameters
    ----------
    screening
        The screening of this client and these clinicians, whose modes count.
    now
        The moment from which on times are looked for.
    """

    def __init__(
        self,
        practice: Practice,
        client: Columns,
        columns: Columns,
        screening: Screening,
        now: datetime,
    ) -> None:
        self.practice, self.client, self.columns = practice, client, columns
        self.screening, self.now = screening, now
        self._rules: dict[str, list[Constraint]] = {}
        for each in practice.constraints.values():
            self._rules.setdefault(each.rule, []).append(each)

    @property
    def free_day(self) -> str | None:
        """The clinician field of a first free day; None where the practice has none."""
        return self.practice.first_session.clinician

    def rules(self, name: str) -> Sequence[Constraint]:
        """The constraints of a rule, in the order of the definition."""
        return self._rules.get(name, ())

    def next_intervals(
        self, row: int, option: MeetingOption, wishes: tuple[WeeklyHours, ...]
    ) -> tuple[OpenInterval, ...]:
        """The first intervals of one clinician and option, at most three, in order."""
        ordinal = int(self.screening.first_sessions[row]) + EPOCH
        if ordinal > self.now.date().toordinal() + MAX_DAYS_AHEAD:
            # A time is said without its year, and nobody knows hours that far ahead.
            return ()
        day = date.fromordinal(ordinal)
        zone = option.hours[0].zone
        there = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        over = (self.now - datetime.min.replace(tzinfo=UTC)) % QUARTER
        quarter = self.now.astimezone(UTC) + (QUARTER - over if over else timedelta())
        since = max(quarter, there.astimezone(UTC))
        intervals = (
            interval
            for hours in option.hours
            for interval in next_open_intervals((hours, *wishes), since, option.minutes)
        )
        return tuple(sorted(intervals, key=lambda each: (each.begin, each.end))[:MAX_TIMES])

    def first_day(self, row: int) -> int | None:
        """The first free day on which the clinician is not away, as an ordinal, if recorded."""
        day = first_sessions(self.practice.first_session, self.columns, -np.inf)[row]
        return None if np.isinf(day) else min(int(day) + EPOCH, date.max.toordinal())

    def hours_in_any_way(self, row: int) -> tuple[WeeklyHours, ...]:
        """One clinician's open hours, however and wherever they meet; none if not recorded."""
        return tuple(
            hours
            for rule in self.rules(HOURS)
            if not np.isnan(self.columns[rule.clinician[0]][row]).all()
            for hours in self._open_hours(rule, row, self._hours_zone(rule, row), None)
        )

    def wished_hours(self) -> tuple[tuple[WeeklyHours, ...], ...]:
        """By rule on hours, those the client named, and those after hours where they need them.

        One rule is for each way of meeting, with clocks of its own.
        """
        there = self.practice.timezone
        return tuple(tuple(self._wishes(rule, there)) for rule in self.rules(HOURS))

    def shortest_session(self) -> float:
        """Minutes of a session by the rules on hours; 0 where no rule says it."""
        minutes = [session_minutes(each.settings, self.client) for each in self.rules(HOURS)]
        return min((each for each in minutes if not np.isnan(each)), default=0.0)

    def is_away(self, row: int, day: date) -> bool:
        """Whether a day is within a recorded absence of one clinician."""
        return any(first <= day.toordinal() < after for first, after in self._away(row))

    def meeting_options(self, row: int) -> Iterator[MeetingOption]:
        """Ways in which the client and one clinician can meet; none where no hours are recorded."""
        for rule in self.rules(HOURS):
            ways = tuple(
                way for way in rule.ways if way in self.open_ways and self.open_ways[way][row]
            )
            hours = self.columns[rule.clinician[0]][row]
            if np.isnan(hours).all() or (self.open_ways and rule.ways and not ways):
                continue
            minutes = session_minutes(rule.settings, self.client)
            there = self._hours_zone(rule, row)
            same: dict[tuple[WeeklyHours, ...], list[str]] = {}
            for way in ways or (None,):
                same.setdefault(tuple(self._open_hours(rule, row, there, way)), []).append(
                    way or ""
                )
            for open_hours, those in same.items():
                if open_hours:
                    yield MeetingOption(
                        tuple(filter(None, those)),
                        self._client_zone(rule),
                        open_hours,
                        tuple(self._wishes(rule, there)),
                        0.0 if np.isnan(minutes) else minutes,
                        self.practice.clinician[rule.clinician[0]].rooms,
                    )

    def _open_hours(
        self, rule: Constraint, row: int, zone: str, way: str | None
    ) -> Iterator[WeeklyHours]:
        """One clinician's open hours in a way of meeting, in rooms within reach, by terms."""
        field = self.practice.clinician[rule.clinician[0]]
        away = self._away(row)
        if field.kind != "availability":
            yield WeeklyHours(zone, windows_of(self.columns[field.name][row : row + 1]), away=away)
            return
        reach = self._reach(field, row, way)
        near = [number for number, counts in reach.items() if counts]
        by_terms: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        for weekday, start, end, room, ways, every, anchor in self._windows(field, row):
            if _is_for(field, ways, way) and reach.get(room, True):
                terms = room, max(every, 1), anchor + EPOCH if every > 1 else 0
                by_terms.setdefault(terms, []).append((weekday, start, end))
        for (room, every, anchor), own in by_terms.items():
            only = near[0] if room == 0 and len(near) == 1 else 0
            number = room if room in reach else only
            yield WeeklyHours(zone, tuple(own), every, anchor, away, number)

    def _windows(self, field: Field, row: int) -> list[list[int]]:
        """The open windows of one clinician as encoded, with the number of the room in its place.

        They depend on the roster alone, so that requests share them.
        """
        by_row: dict[int, list[list[int]]] = self.columns.view(("open windows", field.name), dict)
        if row not in by_row:
            windows = self.columns[field.name][row : row + 1].copy()
            windows[..., ROOM] = 0
            if field.rooms is not None:
                places = self.columns[field.rooms][row : row + 1]
                windows[..., ROOM] = rooms_of(
                    self.columns[field.name][row : row + 1], places, field
                )
            known = ~np.isnan(windows[0]).any(axis=1)
            by_row[row] = windows[0][known].astype(int).tolist()
        return by_row[row]

    def _away(self, row: int) -> tuple[tuple[int, int], ...]:
        name = self.practice.first_session.absences
        if name is None:
            return ()
        ranges = self.columns[name][row]
        known = ranges[~np.isnan(ranges[:, 0])].astype(int) + EPOCH
        return tuple((first, after) for first, after in known.tolist())

    def _reach(self, field: Field, row: int, way: str | None) -> dict[int, bool]:
        """Whether hours count by the number of the room; empty where no distance matters."""
        ways = self.screening.context.ways
        distances = [
            each
            for each in self.rules("within_km")
            if each.clinician == (field.rooms,) and (not each.ways or way in each.ways)
        ]
        if field.rooms is None or not distances:
            return {}
        places = self.columns[field.rooms][row]
        numbers = range(1, 1 + int((~np.isnan(places[:, 0])).sum()))
        reach = ways[way or ""].reach.get(field.rooms) if (way or "") in ways else None
        return {room: bool(reach is None or reach[row, room]) for room in numbers}

    def _wishes(self, rule: Constraint, there: str) -> Iterator[WeeklyHours]:
        """Hours the client named, in their zone or there."""
        if self._is_on(rule) and not np.isnan(self.client[rule.client[0]][0]).all():
            windows = windows_of(self.client[rule.client[0]])
            yield WeeklyHours(self._client_zone(rule) or there, tuple(windows))
        for late in self.rules(LATE):
            if late.ways == rule.ways and self._is_on(late) and self.client[late.client[0]][0] > 0:
                windows = late_windows(late.settings)
                yield WeeklyHours(self._client_zone(late) or there, tuple(windows))

    def _client_zone(self, rule: Constraint) -> str | None:
        name = rule.settings.get("client_zone")
        return name and self._zone(name, self.client, 0, self.practice.client)

    def _hours_zone(self, rule: Constraint, row: int) -> str:
        """The zone of one clinician's hours."""
        name = rule.settings.get("clinician_zone")
        return self._zone(name, self.columns, row, self.practice.clinician)

    def _zone(self, name: str | None, side: Columns, row: int, fields: Mapping[str, Any]) -> str:
        """The zone a field names, that of the practice where it names none."""
        if name is None or np.isnan(side[name][row]):
            return self.practice.timezone
        return str(fields[name].levels[int(side[name][row])])

    def _is_on(self, rule: Constraint) -> bool:
        return self.screening.modes[rule.name] != "off"

    @cached_property
    def open_ways(self) -> Mapping[str, NDArray[np.bool_]]:
        """For each way of meeting, who can meet so by every rule but those on hours, (n,)."""
        practice, screened = self.practice, self.screening
        if practice.ways is None:
            return {}
        open_ways = shared_modes(practice, self.client, self.columns)
        for rule in screened.constraints:
            if screened.modes[rule.name] != "hard" or rule.rule in (HOURS, LATE):
                continue
            verdict = screened.verdicts[rule.name]
            for way in rule.ways:
                if way in open_ways:
                    open_ways[way] = open_ways[way] & ~is_barred(rule, verdict)
        return open_ways


def _is_for(field: Field, ways: int, way: str | None) -> bool:
    """Whether hours for some ways of meeting, as in `values.kinds`, are for one of them."""
    if not ways or way is None or way not in field.levels:
        return True
    return bool(ways >> field.levels.index(way) & 1)


@lru_cache(maxsize=1024)
def next_open_intervals(
    weeks: tuple[WeeklyHours, ...], since: datetime, minutes: float
) -> tuple[OpenInterval, ...]:
    """The first intervals of at least `minutes` after a moment that lie in every week.

    The first of the weeks is the clinician's, whose room they are in.
    """
    origin = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    shared: Spans = ()
    for ahead in WEEKS_AHEAD:
        shared = (((since - origin) / timedelta(minutes=1), float(ahead * WEEK)),)
        for weekly in weeks:
            both = _intersection(shared, _spans(weekly, origin, ahead))
            shared = tuple((begin, end) for begin, end in both if end - begin >= minutes)
        if len(shared) > MAX_TIMES:
            break
    return tuple(
        OpenInterval(
            origin + timedelta(minutes=begin), origin + timedelta(minutes=end), weeks[0].room
        )
        for begin, end in shared[:MAX_TIMES]
    )


def _intersection(one: Spans, other: Spans) -> Iterator[tuple[float, float]]:
    """What two sequences of spans share, in order; the spans of each are in order and apart."""
    here = there = 0
    while here < len(one) and there < len(other):
        (begin, end), (opens, closes) = one[here], other[there]
        if (first := max(begin, opens)) < (last := min(end, closes)):
            yield first, last
        if end <= closes:
            here += 1
        else:
            there += 1


@lru_cache(maxsize=1024)
def _spans(weekly: WeeklyHours, origin: datetime, ahead: int) -> Spans:
    """Windows of the weeks ahead in minutes from the origin; those that touch are one."""
    first = origin.date()
    week = week_of(weekly.zone, first, ahead)
    spans = spans_of(weekly.windows, week, first, weekly.opens)
    return tuple((begin, end) for begin, end in spans.tolist())
