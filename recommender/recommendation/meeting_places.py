"""Ways in which a client and a clinician can meet, and where: the nearest room in reach."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import answered_in
from recommender.practice.rules.constraint import Constraint, rule_input_of
from recommender.practice.rules.functions import room_km
from recommender.recommendation.card_parts import Meeting
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.openings import HOURS, LATE, OpeningTimes
from recommender.screening.meeting_ways import is_barred

MAX_PLACES = 3
"""Places listed of a way of meeting while the client's place is not known."""


@dataclass(frozen=True, slots=True)
class Room:
    """One room in reach: its number in the clinician's list, its name, and km by road."""

    number: int
    place: str | None
    address: str | None
    km: float | None


class MeetingPlaces:
    """Ways and places of meeting for one client and some rows of the roster.

    Parameters
    ----------
    openings
        The client beside the whole roster.
    rows
        The rows that are asked for, as places in the roster; `taken` are their columns.
    facts
        The facts about the roster.
    """

    def __init__(
        self, openings: OpeningTimes, rows: NDArray[np.intp], facts: ClinicianFacts
    ) -> None:
        self.openings, self.practice, self._facts = openings, openings.practice, facts
        self._places = rows
        self._rows = {int(row): place for place, row in enumerate(rows.tolist())}
        self.taken = openings.columns.only(facts.computed_with).take(rows)
        self._km: dict[str, NDArray[np.float64]] = {}

    def meetings(self, row: int) -> tuple[Meeting, ...]:
        """The ways that client and clinician share and that no hard constraint excludes.

        A clinician whose ways are not recorded has none: what may be offered is not offered.
        """
        ways: Iterable[str | None] = self.usable_ways(row)
        if self.practice.ways is None:
            ways = (None,)
        return tuple(meeting for way in ways for meeting in self._meetings_by(row, way))

    def usable_ways(self, row: int) -> tuple[str, ...]:
        """Levels of the ways in which the two can meet, in the order of the client's field."""
        place = self._rows[row]
        return tuple(way for way, is_usable in self._usable.items() if is_usable[place])

    @cached_property
    def _usable(self) -> Mapping[str, list[bool]]:
        """For each way of meeting, whether it can be used with each of the rows asked for."""
        ways, screening = self.practice.ways, self.openings.screening
        if ways is None:
            return {}
        place_of = self.practice.clinician[ways.clinician].levels.index
        offered = self.taken[ways.clinician]
        on_hours = [
            rule
            for rule in screening.constraints
            if rule.rule in (HOURS, LATE) and screening.modes[rule.name] == "hard"
        ]
        usable = {}
        for way, is_open in self.openings.open_ways.items():
            is_usable = is_open[self._places] & (offered[:, place_of(way)] == 1)
            for rule in on_hours:
                if not rule.ways or way in rule.ways:
                    hours, verdict = screening.hours.get(rule.name), screening.verdicts[rule.name]
                    verdict = verdict if hours is None else hours.by_way.get(way, verdict)
                    is_usable &= ~is_barred(rule, verdict[self._places])
            usable[way] = is_usable.tolist()
        return usable

    def rooms(self, row: int, way: str | None) -> tuple[Room, ...]:
        """Rooms for a way of meeting within reach, the nearest first; none where it needs none.

        Where hours decide, they are rooms in which there is a time for the client.
        """
        distance = self._distance(way)
        if distance is None:
            return ()
        name, screening = distance.clinician[0], self.openings.screening
        names = self._facts.room_names(name, row)
        within = known = np.ones(len(names), dtype=np.bool_)
        context_way = screening.context.ways.get(way or "")
        if context_way is not None and name in context_way.reach:
            within = context_way.reach[name][row, 1 : len(names) + 1]
        for rule in screening.constraints if screening.rooms else ():
            if rule.name in screening.rooms and (not rule.ways or way in rule.ways):
                with_hours = within & screening.rooms[rule.name][row, : len(names)]
                within = with_hours if with_hours.any() else within
        km = self._km_of(distance)[self._rows[row]].tolist()
        numbers = np.flatnonzero(within if within.any() else known).tolist()
        if not isnan(km[0]):
            numbers.sort(key=lambda place: (km[place], place))
        return tuple(
            Room(place + 1, *names[place], None if isnan(km[place]) else round(km[place], 1))
            for place in numbers
        )

    def _meetings_by(self, row: int, way: str | None) -> tuple[Meeting, ...]:
        label = None
        if way is not None and self.practice.ways is not None:
            label = self.practice.clinician[self.practice.ways.clinician].label_of(way)
        rooms = self.rooms(row, way)
        if rooms and rooms[0].km is not None:
            rooms = rooms[:1]
        meetings = dict.fromkeys(
            Meeting(way, label, room.place, room.address, room.km)
            for room in rooms
            if room.place is not None or room.km is not None
        )
        return tuple(meetings)[:MAX_PLACES] or (Meeting(way, label),)

    def _distance(self, way: str | None) -> Constraint | None:
        """The constraint on the distance to rooms for a way; None where it needs no room."""
        rules = self.openings.rules("within_km")
        return next((each for each in rules if not each.ways or way in each.ways), None)

    def _km_of(self, distance: Constraint) -> NDArray[np.float64]:
        """Kilometres by road to each room of the rows asked for, (rows, rooms)."""
        if distance.name not in self._km:
            context = self.openings.screening.context
            client = self.openings.client
            places = self.taken[distance.clinician[0]].shape[:2]
            km = np.full(places, np.nan)
            if distance.client[0] in answered_in(client):
                inputs = rule_input_of(distance, client, self.openings.columns, context)
                km = room_km(inputs)[self._places]
            self._km[distance.name] = km
        return self._km[distance.name]
