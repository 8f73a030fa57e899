"""When clinicians of a shortlist are next free, and which of their open hours suit the client.

The times themselves are those of `recommendation.openings`; this module puts them into words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.recommendation.openings import HOURS, MeetingOption, OpeningTimes, OpenInterval
from recommender.recommendation.recommend import read_intake
from recommender.screening.screen import request_context_of, screen_columns
from recommender.serving.staff import wording
from recommender.tables.roster import Roster
from recommender.values.kinds import Point

DAY_UNKNOWN = "Not recorded"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Zones a time is shown in: the first, whether it is the client's own, and others.

    `rooms` are the names of rooms by number, where there are several to tell apart.
    """

    zone: str
    is_client: bool
    others: tuple[str, ...]
    rooms: Mapping[int, str] = field(default_factory=dict)

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
        room = self._room(interval)
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
        return (
            f"A first time may be free on {at} {wording.clock(end)}{where}{self._room(interval)}; "
            "we confirm it with them before it is booked."
        )

    def _room(self, interval: OpenInterval) -> str:
        name = self.rooms.get(interval.room)
        return f", {name}" if name else ""


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
    shortlist = ShortlistTimes(shown, practice, roster, now)
    if shortlist.free_day is None and not any(shortlist.openings.rules(HOURS)):
        return {}
    return {each: shortlist.next_times(row) for row, each in enumerate(shortlist.ids)}


class ShortlistTimes:
    """One request beside the clinicians of its shortlist who are on the roster, a row each."""

    def __init__(
        self, shown: ShownRecommendation, practice: Practice, roster: Roster, now: datetime
    ) -> None:
        places = {each: place for place, each in enumerate(roster.ids)}
        self.practice, self.now = practice, now
        self.ids = tuple(s.clinician_id for s in shown.shortlist if s.clinician_id in places)
        self.columns = roster.columns.take(np.array([places[e] for e in self.ids], dtype=np.intp))
        client: Columns = read_intake(practice, shown.answers).client
        context = request_context_of(practice, shown.client_id, self.ids, shown.asked_on)
        modes: Any = shown.modes
        screening = screen_columns(practice, client, self.columns, context, modes, {})
        self.openings = OpeningTimes(practice, client, self.columns, screening, now)

    @property
    def free_day(self) -> str | None:
        """The clinician field of a first free day; None where the practice has none."""
        return self.practice.first_session.clinician

    def next_times(self, row: int) -> NextTimes:
        """Day and times of one clinician: those that suit, or all open hours where none do."""
        options = tuple(self.openings.meeting_options(row))
        next_of = self.openings.next_intervals
        found = [(each, next_of(row, each, each.wishes)) for each in options]
        times = self._texts(row, found, suits=True)
        if not times:
            found = [(each, next_of(row, each, ())) for each in options]
            times = self._texts(row, found, suits=False)
        text = DAY_UNKNOWN if self.free_day else ""
        if (ordinal := self.openings.first_day(row)) is not None:
            text = wording.day(day := date.fromordinal(ordinal))
            today = self.now.astimezone(ZoneInfo(self.practice.timezone)).date()
            if day <= today:
                # A day that has passed says since when, and not that there is a place today.
                text = "Today, as recorded" if day == today else f"Since {text}, as recorded"
        return NextTimes(text, times)

    def _texts(
        self,
        row: int,
        options: Iterable[tuple[MeetingOption, Sequence[OpenInterval]]],
        *,
        suits: bool,
    ) -> tuple[TimesText, ...]:
        """The times in words; ways of meeting with equal times are shown together."""
        alike: dict[tuple[tuple[str, ...], str], list[MeetingOption]] = {}
        for option, intervals in options:
            if intervals:
                there = option.hours[0].zone
                zones = (there, self.practice.timezone)
                first, is_client = option.client_zone or there, option.client_zone is not None
                rooms = self._room_names(row, option)
                clocks = Clocks(first, is_client, zones, rooms).distinct(intervals)
                times = tuple(map(clocks.text, intervals))
                aloud = clocks.aloud(intervals[0]) if suits else ""
                alike.setdefault((times, aloud), []).append(option)
        return tuple(
            TimesText(_heading(same if len(alike) > 1 else (), same[0], suits), times, aloud)
            for (times, aloud), same in alike.items()
        )

    def _room_names(self, row: int, option: MeetingOption) -> dict[int, str]:
        """The rooms as staff name them, by number; none where the clinician has only one."""
        if option.rooms is None:
            return {}
        points = self.columns[option.rooms][row]
        names = {
            number: self._room_name(number, (float(latitude), float(longitude)))
            for number, (latitude, longitude) in enumerate(points.tolist(), start=1)
            if not np.isnan(latitude)
        }
        return names if len(names) > 1 else {}

    def _room_name(self, number: int, point: Point) -> str:
        place = self.practice.locations.place_at(point)
        name = self.practice.locations.postcode_at(point) if place is None else place.title
        return f"room {number}" if name is None else f"rooms in {name}"


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
