"""When clinicians of a shortlist are next free, and which of their open hours suit the client.

The roster has a first free day, open hours and absences, and no calendar: times are open hours from
that day on, in rooms within the client's reach. Weekly hours are local; what they share is computed
in UTC, so that daylight saving counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.row_checks import rooms_of
from recommender.practice.rules.constraint import Constraint, session_minutes
from recommender.practice.rules.first_session import first_sessions
from recommender.practice.rules.time_rules import late_windows, windows_of
from recommender.practice.week_calendar import WEEK, Windows, spans_of, week_number, week_of
from recommender.recommendation.recommend import read_intake
from recommender.screening.meeting_ways import is_barred, shared_modes
from recommender.screening.screen import request_context_of, screen_columns
from recommender.serving.staff import wording
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

HOURS, LATE = "shares_hours", "after_hours"
MAX_TIMES = 3
WEEKS_AHEAD = (1, 5, 26)
"""One week is usually enough; alternate weeks and absences may need more."""
MAX_DAYS_AHEAD = 365
QUARTER = timedelta(minutes=15)
"""Times start on a quarter of an hour."""
DAY_UNKNOWN = "Not recorded"

Spans = tuple[tuple[float, float], ...]
"""Begins and ends in minutes."""


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Windows of the week, on the clock of a zone.

    They open every `every` weeks, of which one is that of the ordinal `anchor`, but on no day of
    `away`: first days and the days after the last, as ordinals. `room` is how staff name the room,
    empty where there is nothing to tell apart.
    """

    zone: str
    windows: Windows
    every: int = 1
    anchor: int = 0
    away: tuple[tuple[int, int], ...] = ()
    room: str = ""

    def opens(self, day: date) -> bool:
        """Whether the windows may be open on a day."""
        ordinal = day.toordinal()
        in_turn = (week_number(ordinal) - week_number(self.anchor)) % self.every == 0
        return in_turn and not any(first <= ordinal < after for first, after in self.away)


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """An interval in UTC, and the room it is in; empty where there is nothing to tell apart."""

    begin: datetime
    end: datetime
    room: str = ""

    def local(self, zone: str) -> tuple[datetime, datetime]:
        """Begin and end on the clock of a zone."""
        return self.begin.astimezone(ZoneInfo(zone)), self.end.astimezone(ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class Clocks:
    """Zones a time is shown in: the first, whether it is the client's own, and others."""

    zone: str
    is_client: bool
    others: tuple[str, ...]

    def distinct(self, intervals: Sequence[OpenInterval]) -> "Clocks":
        """Without zones that show the same times as an earlier one for all the intervals."""
        seen = {_readings(intervals, self.zone)}
        others = []
        for zone in self.others:
            if (readings := _readings(intervals, zone)) not in seen:
                seen.add(readings)
                others.append(zone)
        return replace(self, others=tuple(others))

    def text(self, interval: OpenInterval) -> str:
        """An interval on the first clock, then on the others."""
        begin, end = interval.local(self.zone)
        first = _interval_text(begin, end)
        room = f", {interval.room}" if interval.room else ""
        if not self.others:
            return first + room
        rest = []
        for zone in self.others:
            there, until = interval.local(zone)
            hours = _interval_text(there, until, with_day=there.date() != begin.date())
            rest.append(f"{hours} in {_place(zone)}")
        whose = "for the client" if self.is_client else "at the rooms"
        return f"{first} {whose} in {_place(self.zone)} ({'; '.join(rest)}){room}"

    def aloud(self, interval: OpenInterval) -> str:
        """An interval as a client may be told of it, on the first clock."""
        begin, end = interval.local(self.zone)
        whose = "your time" if self.is_client else "at the rooms"
        where = f" {whose} in {_place(self.zone)}" if self.others else ""
        at = f"{begin:%A} {begin.day} {begin:%B}, from {wording.clock(begin)} to"
        room = f", {interval.room}" if interval.room else ""
        return (
            f"A first time may be free on {at} {wording.clock(end)}{where}{room}; we confirm it "
            "with them before it is booked."
        )


@dataclass(frozen=True, slots=True)
class MeetingOption:
    """Ways of meeting on the same clocks, and the session's length in minutes.

    `ways` is empty where the practice has none; `client_zone` is None in the rooms; `hours` are
    the clinician's, by room and weeks; `wishes` are the client's, and after-hours where they need
    them.
    """

    ways: tuple[str, ...]
    client_zone: str | None
    hours: tuple[WeeklyHours, ...]
    wishes: tuple[WeeklyHours, ...]
    minutes: float


@dataclass(frozen=True, slots=True)
class TimesText:
    """Next times in some ways of meeting.

    `aloud` is the first of them as it may be read to the client, empty where none suits.
    """

    heading: str
    times: tuple[str, ...]
    aloud: str


@dataclass(frozen=True, slots=True)
class NextTimes:
    """The first free day of one clinician in words, and their next times."""

    day: str
    times: tuple[TimesText, ...]

    @property
    def aloud(self) -> str:
        """The first time that suits, as it may be read to the client."""
        return next((each.aloud for each in self.times if each.aloud), "")


def next_times(
    shown: ShownRecommendation, practice: Practice, roster: Roster, now: datetime
) -> dict[str, NextTimes]:
    """When the clinicians of a shortlist are free according to the present roster, by id.

    Empty where the practice has neither free days nor hours, or its definition has changed since.
    """
    if shown.practice_digest != practice.digest:
        return {}
    openings = ShortlistOpenings(shown, practice, roster, now)
    if openings.free_day is None and not any(openings.rules(HOURS)):
        return {}
    return {each: openings.next_times(row) for row, each in enumerate(openings.ids)}


class ShortlistOpenings:
    """One request beside the clinicians of its shortlist who are on the roster, a row each."""

    def __init__(
        self, shown: ShownRecommendation, practice: Practice, roster: Roster, now: datetime
    ) -> None:
        places = {each: place for place, each in enumerate(roster.ids)}
        self.practice, self.shown, self.now = practice, shown, now
        self.ids = tuple(s.clinician_id for s in shown.shortlist if s.clinician_id in places)
        self.columns = roster.columns.take(np.array([places[e] for e in self.ids], dtype=np.intp))
        self.client: Columns = read_intake(practice, shown.answers).client
        context = request_context_of(practice, shown.client_id, self.ids, shown.asked_on)
        modes: Any = shown.modes
        self.screening = screen_columns(practice, self.client, self.columns, context, modes, {})
        self._ways = self._open_ways()

    @property
    def free_day(self) -> str | None:
        """The clinician field of a first free day; None where the practice has none."""
        return self.practice.first_session.clinician

    def rules(self, name: str) -> Iterator[Constraint]:
        """The constraints of a rule."""
        return (each for each in self.practice.constraints.values() if each.rule == name)

    def next_times(self, row: int) -> NextTimes:
        """Day and times of one clinician: those that suit, or all open hours where none do."""
        options = tuple(self._meeting_options(row))
        times = self._texts([(each, self._next(row, each, each.wishes)) for each in options], True)
        if not times:
            times = self._texts([(each, self._next(row, each, ())) for each in options], False)
        text = DAY_UNKNOWN if self.free_day else ""
        if (ordinal := self._first_day(row)) is not None:
            text = wording.day(day := date.fromordinal(ordinal))
            today = self.now.astimezone(ZoneInfo(self.practice.timezone)).date()
            if day <= today:
                # A day that has passed says since when, and not that there is a place today.
                text = "Today, as recorded" if day == today else f"Since {text}, as recorded"
        return NextTimes(text, times)

    def _next(
        self, row: int, option: MeetingOption, wishes: tuple[WeeklyHours, ...]
    ) -> tuple[OpenInterval, ...]:
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

    def _texts(
        self, options: Iterable[tuple[MeetingOption, Sequence[OpenInterval]]], suits: bool
    ) -> tuple[TimesText, ...]:
        """The times in words; ways of meeting with equal times are shown together."""
        alike: dict[tuple[tuple[str, ...], str], list[MeetingOption]] = {}
        for option, intervals in options:
            if intervals:
                there = option.hours[0].zone
                zones = (there, self.practice.timezone)
                first, is_client = option.client_zone or there, option.client_zone is not None
                clocks = Clocks(first, is_client, zones).distinct(intervals)
                times = tuple(map(clocks.text, intervals))
                aloud = clocks.aloud(intervals[0]) if suits else ""
                alike.setdefault((times, aloud), []).append(option)
        return tuple(
            TimesText(_heading(same if len(alike) > 1 else (), same[0], suits), times, aloud)
            for (times, aloud), same in alike.items()
        )

    def _first_day(self, row: int) -> int | None:
        """The first free day on which the clinician is not away, as an ordinal, if recorded."""
        day = first_sessions(self.practice.first_session, self.columns, -np.inf)[row]
        return None if np.isinf(day) else min(int(day) + EPOCH, date.max.toordinal())

    def _meeting_options(self, row: int) -> Iterator[MeetingOption]:
        """Ways in which the client and one clinician can meet; none where no hours are recorded."""
        for rule in self.rules(HOURS):
            ways = tuple(way for way in rule.ways if way in self._ways and self._ways[way][row])
            hours = self.columns[rule.clinician[0]][row]
            if np.isnan(hours).all() or (self._ways and rule.ways and not ways):
                continue
            minutes = session_minutes(rule.settings, self.client)
            name = rule.settings.get("clinician_zone")
            there = self._zone(name, self.columns, row, self.practice.clinician)
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
        windows = self.columns[field.name][row : row + 1]
        reach = self._reach(field, row, way)
        rooms = np.zeros(windows.shape[1], dtype=np.intp)
        if field.rooms is not None:
            rooms = rooms_of(windows, self.columns[field.rooms][row : row + 1], field)[0]
        by_terms: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        for window, room in zip(windows[0].tolist(), rooms.tolist(), strict=True):
            weekday, start, end, _, ways, every, anchor = window
            if np.isnan(start) or not _is_for(field, int(ways), way) or not reach.get(room, True):
                continue
            terms = room, max(int(every), 1), int(anchor) + EPOCH if every > 1 else 0
            by_terms.setdefault(terms, []).append((int(weekday), int(start), int(end)))
        for (room, every, anchor), own in by_terms.items():
            place = self._room_name(field, row, room, reach) if reach else ""
            yield WeeklyHours(zone, tuple(own), every, anchor, away, place)

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

    def _room_name(self, field: Field, row: int, room: int, reach: Mapping[int, bool]) -> str:
        """The room as staff name it; empty where the clinician has one, or any will do."""
        near = [number for number, counts in reach.items() if counts]
        number = room or (near[0] if len(near) == 1 else 0)
        if number < 1 or len(reach) < 2:
            return ""
        point = tuple(self.columns[str(field.rooms)][row][number - 1].tolist())
        codes = [code for code, each in field.postcodes.items() if each == point]
        return f"rooms in {codes[0]}" if codes else f"room {number}"

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

    def _zone(self, name: str | None, side: Columns, row: int, fields: Mapping[str, Any]) -> str:
        """The zone a field names, that of the practice where it names none."""
        if name is None or np.isnan(side[name][row]):
            return self.practice.timezone
        return str(fields[name].levels[int(side[name][row])])

    def _is_on(self, rule: Constraint) -> bool:
        return self.shown.modes.get(rule.name, rule.mode) != "off"

    def _open_ways(self) -> dict[str, Any]:
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
            both = (
                (max(one[0], other[0]), min(one[1], other[1]))
                for one in shared
                for other in _spans(weekly, origin, ahead)
            )
            shared = tuple((begin, end) for begin, end in both if end - begin >= minutes)
        if len(shared) > MAX_TIMES:
            break
    return tuple(
        OpenInterval(
            origin + timedelta(minutes=begin), origin + timedelta(minutes=end), weeks[0].room
        )
        for begin, end in shared[:MAX_TIMES]
    )


@lru_cache(maxsize=256)
def _spans(weekly: WeeklyHours, origin: datetime, ahead: int) -> Spans:
    """Windows of the weeks ahead in minutes from the origin; those that touch are one."""
    first = origin.date()
    week = week_of(weekly.zone, first, ahead)
    spans = spans_of(weekly.windows, week, first, weekly.opens)
    return tuple((begin, end) for begin, end in spans.tolist())


def _readings(intervals: Sequence[OpenInterval], zone: str) -> tuple[datetime, ...]:
    """What a clock of the zone shows at every begin and end."""
    return tuple(at.replace(tzinfo=None) for each in intervals for at in each.local(zone))


def _heading(options: Sequence[MeetingOption], first: MeetingOption, suits: bool) -> str:
    """Which hours are listed, and for which ways of meeting where several differ."""
    ways = ", ".join(wording.plain(way) for option in options for way in option.ways)
    hours = "open hours that suit" if first.wishes else "open hours"
    hours = hours if suits else "none at the client's times; open hours are"
    return wording.sentence(f"{ways}: {hours}" if ways else hours)


def _interval_text(begin: datetime, end: datetime, *, with_day: bool = True) -> str:
    """An interval in words; the day of the end is named where it is another day."""
    until = wording.clock(end)
    if (end - timedelta(minutes=1)).date() != begin.date():
        until = f"{_weekday(end)}, {until}"
    times = f"{wording.clock(begin)} to {until}"
    return f"{_weekday(begin)}, {times}" if with_day else times


def _weekday(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def _place(zone: str) -> str:
    """The place an IANA zone is named after."""
    return wording.plain(zone.rsplit("/", 1)[-1])
