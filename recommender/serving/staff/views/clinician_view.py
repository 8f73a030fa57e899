"""One clinician as the roster has them: facts, hours, absences, places and next times, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property

import numpy as np

from recommender.practice.columns import RowReader
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.row_checks import rooms_of
from recommender.recommendation.clinician_facts import place_names
from recommender.recommendation.fact_text import values_text
from recommender.recommendation.open_intervals import MAX_TIMES, OpenInterval, SharedHours
from recommender.recommendation.openings import MeetingOption, OpeningTimes
from recommender.screening.layout import layout_for
from recommender.screening.screen import request_context_of, screen_columns
from recommender.serving.staff import wording
from recommender.tables.roster import Roster
from recommender.values.kinds import DAY_NAMES, EPOCH

WEEKDAYS = tuple(DAY_NAMES.values())
IN_PARTS = ("availability", "weekly_hours", "date_ranges", "place")
"""Kinds that have a part of their own on the page."""


@dataclass(frozen=True, slots=True)
class LabelledFact:
    """A fact in words, with the heading the practice gave it."""

    heading: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Open hours on one day of the week, the room and the ways they are for, and how often."""

    weekday: str
    hours: str
    room: str
    ways: str
    weeks: str


@dataclass(frozen=True, slots=True)
class Absence:
    """First and last day away."""

    first: date
    last: date


class ClinicianView:
    """One clinician of a roster; a row of its columns.

    Facts of kind `ids` name clients and are left out, and so are those for fairness reports alone.
    """

    def __init__(self, practice: Practice, roster: Roster, clinician_id: str) -> None:
        self.practice, self.clinician_id = practice, clinician_id
        place = roster.ids.index(clinician_id)
        self.name = roster.name_of(place)
        self.row = roster.columns.take(np.array([place], dtype=np.intp))

    @cached_property
    def facts(self) -> tuple[LabelledFact, ...]:
        """Known facts that a card may show."""
        return tuple(self._facts(in_cards=True))

    @cached_property
    def further_facts(self) -> tuple[LabelledFact, ...]:
        """Known facts that no card shows."""
        return tuple(self._facts(in_cards=False))

    @property
    def places(self) -> tuple[LabelledFact, ...]:
        """Open places, and everything else that rules on capacity read, known or not."""
        names = self._capacity
        return tuple(
            LabelledFact(field.heading, self._values(field) or ("Not recorded",))
            for name, field in self.practice.clinician.items()
            if name in names
        )

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms in the order of the roster: place or postcode, else the number."""
        return tuple(
            self._room(name, number, in_full=True)
            for name, field in self.practice.clinician.items()
            if field.kind == "place"
            for number in range(1, 1 + self._rooms_in(name))
        )

    @cached_property
    def hours(self) -> tuple[OpenHours, ...]:
        """Open hours by weekday, on the clinician's own clock."""
        rows = [
            (window, self._open_hours(field, window))
            for field in self.practice.clinician.values()
            if field.kind in ("availability", "weekly_hours")
            for window in self._windows(field)
        ]
        return tuple(shown for _, shown in sorted(rows, key=lambda each: each[0]))

    @property
    def absences(self) -> tuple[Absence, ...]:
        """Days away, the first first."""
        name = self.practice.first_session.absences
        if name is None:
            return ()
        ranges = self.row[name][0]
        known = ranges[~np.isnan(ranges).any(axis=1)].astype(int) + EPOCH
        return tuple(
            Absence(date.fromordinal(first), date.fromordinal(after - 1))
            for first, after in sorted(known.tolist())
            if first < after
        )

    def next_times(self, now: datetime) -> tuple[str, ...]:
        """The next open hours from the first free day on, on the practice's clock.

        They are those of a client who gave no answer: nothing a client can or wishes limits them.
        """
        practice = self.practice
        client = RowReader.of(practice.client).encoded({})
        day = practice.day_at(now)
        context = request_context_of(practice, None, (self.clinician_id,), day)
        screening = screen_columns(layout_for(practice, self.row), client, self.row, context)
        openings = OpeningTimes(practice, client, self.row, screening, now)
        found: dict[tuple[datetime, datetime], list[str]] = {}
        for option in openings.meeting_options(0):
            for interval in openings.next_intervals(0, option, SharedHours(())):
                times = interval.local(practice.timezone)
                found.setdefault(times, []).append(self._meeting(option, interval))
        soonest = sorted(found.items())[:MAX_TIMES]
        return tuple(self._time(*times, tuple(dict.fromkeys(ways))) for times, ways in soonest)

    def _facts(self, *, in_cards: bool) -> Iterator[LabelledFact]:
        for name, field in self.practice.clinician.items():
            apart = field.kind in IN_PARTS or name in self._capacity
            if apart or field.use == "audit" or (field.shown_to != "nobody") != in_cards:
                continue
            if values := self._values(field):
                yield LabelledFact(field.heading, values)

    def _values(self, field: Field) -> tuple[str, ...]:
        encoded = self.row[field.name][0]
        if field.kind == "flag" and encoded == 0:
            return (wording.NO,)
        return values_text(self.practice, field, encoded)

    @property
    def _capacity(self) -> frozenset[str]:
        read = (
            name
            for rule in self.practice.constraints.values()
            if rule.family == "capacity"
            for name in rule.clinician
        )
        return frozenset({*read, *filter(None, [self.practice.places])})

    def _windows(self, field: Field) -> list[list[int]]:
        windows = self.row[field.name]
        if field.kind == "availability" and field.rooms is not None:
            windows = windows.copy()
            windows[..., 3] = rooms_of(windows, self.row[field.rooms], field)
        known = windows[0][~np.isnan(windows[0]).any(axis=1)]
        return [window for window in known.astype(int).tolist() if window[2]]

    def _open_hours(self, field: Field, window: Sequence[int]) -> OpenHours:
        weekday, start, end, *terms = window
        room, ways, every, anchor = terms or (0, 0, 0, 0)
        weeks = "Every week"
        if every > 1:
            weeks = f"Every {every} weeks, one being that of {_day(anchor)}"
        return OpenHours(
            WEEKDAYS[weekday],
            f"{_clock(start)} to {_clock(end)}",
            self._room(field.rooms, room) if field.rooms and room > 0 else "Any room",
            self._ways(field, ways),
            weeks,
        )

    def _ways(self, field: Field, ways: int) -> str:
        named = [level for place, level in enumerate(field.levels) if ways >> place & 1]
        if not named or self.practice.ways is None:
            return "Any way"
        offered = self.practice.clinician[self.practice.ways.clinician]
        return ", ".join(offered.label_of(each) for each in named)

    def _meeting(self, option: MeetingOption, interval: OpenInterval) -> str:
        """The ways of an option, and the room where one is known."""
        ways = ""
        if self.practice.ways is not None:
            field = self.practice.clinician[self.practice.ways.clinician]
            ways = " or ".join(field.label_of(each).lower() for each in option.ways)
        in_room = option.rooms is not None and interval.room > 0
        room = self._room(str(option.rooms), interval.room) if in_room else ""
        return " in ".join(filter(None, (ways, room)))

    def _time(self, begin: datetime, end: datetime, meetings: tuple[str, ...]) -> str:
        day = f"{begin:%A} {begin.day} {begin:%B}"
        hours = f"{day}, {wording.clock(begin)} to {wording.clock(end)}"
        return ": ".join(filter(None, (hours, "; ".join(filter(None, meetings)))))

    def _rooms_in(self, name: str) -> int:
        return int((~np.isnan(self.row[name][0][:, 0])).sum())

    def _room(self, name: str, number: int, *, in_full: bool = False) -> str:
        latitude, longitude = self.row[name][0][number - 1].tolist()
        place, address = place_names(self.practice, (latitude, longitude))
        return ", ".join(filter(None, (place, address if in_full else None))) or f"room {number}"


def _clock(minutes: int) -> str:
    """Minutes of a day on a 12-hour clock; 24:00 is midnight at its end."""
    return wording.clock(time(minutes // 60 % 24, minutes % 60))


def _day(days: int) -> str:
    return wording.day(date.fromordinal(days + EPOCH))
