"""Ways in which a client and a clinician can meet, and where: the nearest room in reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import answered_in
from recommender.practice.rules.constraint import Constraint, rule_input_of
from recommender.practice.rules.functions import room_km_of
from recommender.recommendation.card_parts import Meeting
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.openings import (
    HOURS,
    LATE,
    OpeningTimes,
    bits_of,
    ways_of,
    without_barred,
)

Meetings = tuple[Meeting, ...]


class MeetingPlaces:
    """Ways and places of meeting for one client and some rows of the roster.

    Parameters
    ----------
    openings
        The client beside the whole roster.
    rows
        The rows that are asked for, as places in the roster, (k,).
    facts
        The facts about the roster.
    """

    def __init__(
        self, openings: OpeningTimes, rows: NDArray[np.intp], facts: ClinicianFacts
    ) -> None:
        self.openings, self.practice, self._facts = openings, openings.practice, facts
        self._rows = rows

    def ways(self) -> list[int]:
        """The ways that client and clinician share and no hard constraint excludes, of each row.

        They are bits of the levels of the client's field. A clinician whose ways are not recorded
        has none: what may be offered is not offered.
        """
        if self.practice.ways is None:
            return [0] * len(self._rows)
        rows, offered = self._rows, self._facts.offered_ways
        usable = [
            ways & offered[row]
            for ways, row in zip(self.openings.open_ways(rows), rows.tolist(), strict=True)
        ]
        for rule, ways, verdict in self._on_hours(self.openings.levels):
            without_barred(usable, rule, ways, verdict.take(rows))
        return usable

    def meetings(self, usable: Sequence[int]) -> Sequence[Meetings]:
        """How each row can be met in usable ways, in the order of the client's field."""
        rows = self._rows.tolist()
        if self.practice.ways is None:
            places = self._places_by(None)
            return [self._meetings_by(None, places, each) for each in enumerate(rows)]
        by_way: dict[str, _Places | None] = {}
        found: list[Meetings] = []
        for each, bits in zip(enumerate(rows), usable, strict=True):
            meetings: Meetings = ()
            for way in ways_of(self.openings.levels, bits):
                if way not in by_way:
                    by_way[way] = self._places_by(way)
                meetings += self._meetings_by(way, by_way[way], each)
            found.append(meetings)
        return found

    def _on_hours(
        self, levels: tuple[str, ...]
    ) -> Iterator[tuple[Constraint, int, NDArray[np.float64]]]:
        """The hard rules on hours but those that everybody passes: ways, as bits, and verdicts."""
        screening = self.openings.screening
        for rule in (*self.openings.rules(HOURS), *self.openings.rules(LATE)):
            if screening.modes[rule.name] == "hard":
                hours = screening.hours.get(rule.name)
                if hours is None:
                    about = bits_of(levels, rule.ways or levels)
                    yield rule, about, screening.verdict_of(rule.name)
                elif hours.inputs is not None:
                    for verdict, some in hours.verdicts:
                        yield rule, bits_of(levels, some), verdict

    def _meetings_by(
        self, way: str | None, places: "_Places | None", each: tuple[int, int]
    ) -> Meetings:
        """How a row meets in one way, by its number among those asked for and in the roster.

        The nearest room alone where the client's place is known. Where hours decide, they are rooms
        in which there is a time for the client.
        """
        if places is None:
            return self._facts.anywhere(way)
        number, row = each
        rooms = places.within[number]
        if places.km is None:
            return self._facts.rooms_of(places.name, row, way, rooms)
        apart = places.km[number]
        if not rooms or isnan(apart[rooms[0]]):
            return self._facts.rooms_of(places.name, row, way, rooms)
        km, nearest = min([(apart[room], room) for room in rooms])
        named = self._facts.room_names(places.name, row)[nearest]
        return (Meeting(way, self._facts.way_label(way), *named, round(km, 1)),)

    def _places_by(self, way: str | None) -> "_Places | None":
        """The rooms within reach for a way of meeting, of each row; None for one without rooms."""
        rules = self.openings.rules("within_km")
        distance = next((each for each in rules if _is_about(each, way)), None)
        if distance is None:
            return None
        name = distance.clinician[0]
        return _Places(name, self._rooms_within(name, way), self._km_by(distance))

    def _rooms_within(self, name: str, way: str | None) -> list[tuple[int, ...]]:
        """The rooms of each row that count for a way of meeting; every room if none does."""
        screening, rows = self.openings.screening, self._rows.tolist()
        counts = [len(self._facts.room_names(name, row)) for row in rows]
        within = every = [tuple(range(count)) for count in counts]
        context_way = screening.context.ways.get(way or "")
        if context_way is not None and name in context_way.reach:
            reach = context_way.reach[name][self._rows, 1:-1].tolist()
            within = [
                tuple([room for room in rooms if near[room]])
                for rooms, near in zip(every, reach, strict=True)
            ]
        if any(len(rooms) > 1 for rooms in within):
            for rule, hours in screening.hours.items():
                # Where every clinician has times in common, all rooms stay.
                decides = hours.inputs is not None and _is_about(hours.constraint, way)
                open_rooms = screening.rooms_with_times.of(rule) if decides else None
                if open_rooms is not None:
                    within = [
                        tuple([room for room in rooms if open_rooms.item(row, room)]) or rooms
                        for rooms, row in zip(within, rows, strict=True)
                    ]
        return [rooms or of_row for rooms, of_row in zip(within, every, strict=True)]

    def _km_by(self, distance: Constraint) -> list[list[float]] | None:
        """Kilometres by road to each room of each row; None where the client's place is unknown."""
        client, columns = self.openings.client, self.openings.columns
        if distance.client[0] not in answered_in(client):
            return None
        inputs = rule_input_of(distance, client, columns, self.openings.screening.context)
        km: list[list[float]] = room_km_of(inputs, self._rows).tolist()
        return km


@dataclass(frozen=True, slots=True)
class _Places:
    """Where some clinicians meet in one way: the field of their rooms, and by clinician which.

    `km` are those to each room; None where the client's place is not known.
    """

    name: str
    within: list[tuple[int, ...]]
    km: list[list[float]] | None


def _is_about(rule: Constraint, way: str | None) -> bool:
    return not rule.ways or way in rule.ways
