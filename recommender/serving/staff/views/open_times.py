"""When clinicians of a shortlist are next free, and which of their open hours suit the client.

The roster has a first free day and weekly hours, and no calendar: times are open hours from that
day on. Weekly hours are local; what they share is computed in UTC, so that daylight saving counts.
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
from recommender.practice.rules.constraint import Constraint, session_minutes
from recommender.practice.rules.time_rules import Window, late_windows, windows_of
from recommender.practice.week_calendar import DAY, WEEK, joined, spans_of, week_of
from recommender.recommendation.recommend import read_intake
from recommender.screening.screen import request_context_of, screen_columns, shared_modes
from recommender.serving.staff import wording
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

HOURS, LATE, FREE_DAY = "shares_hours", "after_hours", "available_within"
START = frozenset({"valid_on", "valid_between"})
MAX_TIMES = 3
WEEKS_AHEAD = (1, 5)
"""One week is usually enough; within five every weekly pattern repeats."""
QUARTER = timedelta(minutes=15)
"""Times start on a quarter of an hour."""
DAY_UNKNOWN = "Not recorded"

Spans = tuple[tuple[float, float], ...]
"""Begins and ends in minutes."""


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Windows of every week, on the clock of a zone."""

    zone: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """An interval in UTC."""

    begin: datetime
    end: datetime

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
        if not self.others:
            return first
        rest = []
        for zone in self.others:
            there, until = interval.local(zone)
            hours = _interval_text(there, until, with_day=there.date() != begin.date())
            rest.append(f"{hours} in {_place(zone)}")
        whose = "for the client" if self.is_client else "at the rooms"
        return f"{first} {whose} in {_place(self.zone)} ({'; '.join(rest)})"

    def aloud(self, interval: OpenInterval) -> str:
        """An interval as a client may be told of it, on the first clock."""
        begin, end = interval.local(self.zone)
        whose = "your time" if self.is_client else "at the rooms"
        where = f" {whose} in {_place(self.zone)}" if self.others else ""
        at = f"{begin:%A} {begin.day} {begin:%B}, from {wording.clock(begin)} to"
        return (
            f"A first time may be free on {at} {wording.clock(end)}{where}; we confirm it with "
            "them before it is booked."
        )


@dataclass(frozen=True, slots=True)
class MeetingOption:
    """Ways of meeting on the same clocks, and the session's length in minutes.

    `ways` is empty where the practice has none; `client_zone` is None in the rooms; `hours` are
    the clinician's; `wishes` are the client's, and after-hours where they need them.
    """

    ways: tuple[str, ...]
    client_zone: str | None
    hours: WeeklyHours
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
        self._ways = self._open_ways()

    @property
    def free_day(self) -> str | None:
        """The clinician field of a first free day; None where the practice has none."""
        names = [rule.clinician[0] for rule in self.rules(FREE_DAY)]
        return next((name for name in names if self.practice.clinician[name].kind == "date"), None)

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
        starts = (each for rule in START for each in self.rules(rule) if each.client)
        wished = next((_ordinal(self.client[rule.client[0]][0]) for rule in starts), None)
        days = self.shown.asked_on.toordinal(), self._first_day(row), wished
        day = date.fromordinal(max(each for each in days if each is not None))
        there = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(option.hours.zone))
        over = (self.now - datetime.min.replace(tzinfo=UTC)) % QUARTER
        quarter = self.now.astimezone(UTC) + (QUARTER - over if over else timedelta())
        since = max(quarter, there.astimezone(UTC))
        return next_open_intervals((option.hours, *wishes), since, option.minutes)

    def _texts(
        self, options: Iterable[tuple[MeetingOption, Sequence[OpenInterval]]], suits: bool
    ) -> tuple[TimesText, ...]:
        """The times in words; ways of meeting with equal times are shown together."""
        alike: dict[tuple[tuple[str, ...], str], list[MeetingOption]] = {}
        for option, intervals in options:
            if intervals:
                there = option.hours.zone
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
        """The clinician's first free day as an ordinal, where it is recorded."""
        return None if self.free_day is None else _ordinal(self.columns[self.free_day][row])

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
            yield MeetingOption(
                ways,
                self._client_zone(rule),
                WeeklyHours(there, tuple(windows_of(hours[None]))),
                tuple(self._wishes(rule, there)),
                0.0 if np.isnan(minutes) else minutes,
            )

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
        practice, shown = self.practice, self.shown
        if practice.ways is None:
            return {}
        context = request_context_of(practice, shown.client_id, self.ids, shown.asked_on)
        modes: Any = shown.modes
        screened = screen_columns(practice, self.client, self.columns, context, modes, {})
        open_ways = shared_modes(practice, self.client, self.columns)
        for rule in screened.constraints:
            if screened.modes[rule.name] != "hard" or rule.rule in (HOURS, LATE):
                continue
            verdict = screened.verdicts[rule.name]
            barred = (verdict == 0) | (np.isnan(verdict) & (rule.unknown == "fail"))
            for way in rule.ways:
                if way in open_ways:
                    open_ways[way] = open_ways[way] & ~barred
        return open_ways


@lru_cache(maxsize=1024)
def next_open_intervals(
    weeks: tuple[WeeklyHours, ...], since: datetime, minutes: float
) -> tuple[OpenInterval, ...]:
    """The first intervals of at least `minutes` after a moment that lie in every week."""
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
        OpenInterval(*(origin + timedelta(minutes=minute) for minute in span))
        for span in shared[:MAX_TIMES]
    )


@lru_cache(maxsize=256)
def _spans(weekly: WeeklyHours, origin: datetime, ahead: int) -> Spans:
    """Windows of the weeks ahead in minutes from the origin; those that touch are one."""
    spans = joined(
        (begin + week * WEEK, end + week * WEEK)
        for week in range(ahead)
        for first in [origin.date() + timedelta(days=week * WEEK // DAY)]
        for begin, end in spans_of(weekly.windows, week_of(weekly.zone, first), first).tolist()
    )
    return tuple((begin, end) for begin, end in spans)


def _readings(intervals: Sequence[OpenInterval], zone: str) -> tuple[datetime, ...]:
    """What a clock of the zone shows at every begin and end."""
    return tuple(at.replace(tzinfo=None) for each in intervals for at in each.local(zone))


def _ordinal(day: float) -> int | None:
    return None if np.isnan(day) else int(day) + EPOCH


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
