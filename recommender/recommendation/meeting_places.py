"""Ways in which a client and a clinician can meet, and where: the nearest room in reach."""

from collections.abc import Mapping, Sequence
from math import isnan, nan

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

    def meetings(self) -> Sequence[Meetings]:
        """The ways that client and clinician share and no hard constraint excludes, of each row.

        They are in the order of the client's field. A clinician whose ways are not recorded has
        none: what may be offered is not offered.
        """
        if self.practice.ways is None:
            return self._meetings_by(None)
        found: list[Meetings] = [()] * len(self._rows)
        for way, is_usable in self._usable_ways().items():
            if any(is_usable):
                for place, by_way in enumerate(self._meetings_by(way)):
                    if is_usable[place]:
                        found[place] += by_way
        return found

    def _usable_ways(self) -> Mapping[str, list[bool]]:
        """For each way of meeting, whether it can be used with each of the rows asked for."""
        ways, screening, rows = self.practice.ways, self.openings.screening, self._rows
        if ways is None:
            return {}
        place_of = self.practice.clinician[ways.clinician].levels.index
        offered = self.openings.columns[ways.clinician][rows]
        on_hours = [
            rule
            for rule in screening.constraints
            if rule.rule in (HOURS, LATE) and screening.modes[rule.name] == "hard"
        ]
        usable, passes = {}, dict[int, NDArray[np.bool_]]()
        for way, is_open in self.openings.open_ways.items():
            is_usable = is_open[rows] & (offered[:, place_of(way)] == 1)
            for rule in on_hours:
                if not rule.ways or way in rule.ways:
                    hours = screening.hours.get(rule.name)
                    verdict = (
                        screening.verdict_of(rule.name) if hours is None else hours.by_way[way]
                    )
                    # Ways without hours of their own share a verdict.
                    if id(verdict) not in passes:
                        passes[id(verdict)] = ~is_barred(rule, verdict[rows])
                    is_usable &= passes[id(verdict)]
            usable[way] = is_usable.tolist()
        return usable

    def _meetings_by(self, way: str | None) -> Sequence[Meetings]:
        """How each of the rows meets in one way, with the rooms within reach if it needs any.

        The nearest room alone where the client's place is known. Where hours decide, they are rooms
        in which there is a time for the client.
        """
        label = None
        if way is not None and self.practice.ways is not None:
            label = self.practice.clinician[self.practice.ways.clinician].label_of(way)
        anywhere = (Meeting(way, label),)
        distance = self._distance(way)
        if distance is None:
            return [anywhere] * len(self._rows)
        found: list[Meetings] = []
        within, km = self._rooms_within(distance, way), self._km_by(distance)
        for row, is_within, apart in zip(self._rows.tolist(), within, km, strict=True):
            names = self._facts.room_names(distance.clinician[0], row)
            numbers = [number for number, counts in enumerate(is_within) if counts]
            if not numbers:
                found.append(anywhere)
            elif isnan(apart[numbers[0]]):
                named = dict.fromkeys(names[number] for number in numbers)
                meetings = [Meeting(way, label, *each) for each in named if each[0] is not None]
                found.append(tuple(meetings[:MAX_PLACES]) or anywhere)
            else:
                nearest = min(zip(map(apart.__getitem__, numbers), numbers, strict=True))[1]
                at = Meeting(way, label, *names[nearest], round(apart[nearest], 1))
                found.append((at,))
        return found

    def _rooms_within(self, distance: Constraint, way: str | None) -> list[list[bool]]:
        """Which rooms of each row count for a way of meeting; every room if none does."""
        name, screening, rows = distance.clinician[0], self.openings.screening, self._rows
        within = known = ~np.isnan(self.openings.columns[name][rows][:, :, 0])
        context_way = screening.context.ways.get(way or "")
        if context_way is not None and name in context_way.reach:
            within = context_way.reach[name][rows, 1:-1] & known
        for rule_name, rooms in screening.rooms.items():
            ways = self.practice.constraints[rule_name].ways
            if not ways or way in ways:
                with_hours = within & rooms[rows]
                within = np.where(with_hours.any(axis=1)[:, None], with_hours, within)
        counting: list[list[bool]] = np.where(within.any(axis=1)[:, None], within, known).tolist()
        return counting

    def _distance(self, way: str | None) -> Constraint | None:
        """The constraint on the distance to rooms for a way; None where it needs no room."""
        rules = self.openings.rules("within_km")
        return next((each for each in rules if not each.ways or way in each.ways), None)

    def _km_by(self, distance: Constraint) -> list[list[float]]:
        """Kilometres by road to each room of each row; NaN where the client's place is unknown."""
        client, columns = self.openings.client, self.openings.columns
        if distance.client[0] in answered_in(client):
            inputs = rule_input_of(distance, client, columns, self.openings.screening.context)
            km: list[list[float]] = room_km(inputs)[self._rows].tolist()
            return km
        return [[nan] * columns[distance.clinician[0]].shape[1]] * len(self._rows)
