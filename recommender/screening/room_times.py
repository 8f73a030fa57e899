"""The rooms in which a client and each clinician have a time, near or far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recommender.practice.columns import Columns
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.layout import Modes
from recommender.screening.meeting_ways import Array, Flags, HoursVerdict, far_km, open_rooms


@dataclass(frozen=True, eq=False)
class RoomsWithTimes:
    """The rooms of n clinicians in which constraints on hours are met.

    They are computed when they are first read: who is eligible rarely depends on them.

    Attributes
    ----------
    distances
        The constraints on distance.
    modes
        The mode of each constraint.
    hours
        The verdicts on open hours by way of meeting, by constraint, where the way matters.
    """

    distances: tuple[Constraint, ...]
    modes: Modes
    hours: Mapping[str, HoursVerdict]
    client: Columns
    columns: Columns
    context: RequestContext
    _found: dict[str, Flags | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def rooms(self) -> Mapping[str, Flags]:
        """`of` each constraint on hours, where a constraint on distance is about its rooms."""
        rooms = {name: self.of(name) for name in self.hours}
        return {name: each for name, each in rooms.items() if each is not None}

    def of(self, name: str) -> Flags | None:
        """The rooms in which a constraint on hours is met, (n, rooms), however far they are.

        None where no constraint on distance is about them.
        """
        if name not in self._found:
            hours = self.hours[name]
            rooms = open_rooms(hours, self.distances, self.context) if self.distances else None
            self._found[name] = rooms
        return self._found[name]

    @cached_property
    def far(self) -> Mapping[str, Array]:
        """By constraint, kilometres to the nearest room with a time where it is out of reach, (n,).

        NaN elsewhere. A hard distance decides in which rooms hours count; a soft one is judged on
        the rooms in which there is a time.
        """
        far: dict[str, Array | None] = {}
        hard = [each for each in self.rooms if self.modes[each] == "hard"]
        for distance in self.distances if self.rooms else ():
            if self.modes[distance.name] == "hard":
                for name, there in self.rooms.items():
                    far[name] = self._far_km(distance, there)
            elif hard:
                there = np.logical_and.reduce([self.rooms[name] for name in hard])
                far[distance.name] = self._far_km(distance, there)
        return {name: km for name, km in far.items() if km is not None}

    def _far_km(self, distance: Constraint, there: Flags) -> Array | None:
        return far_km(distance, there, self.client, self.columns, self.context)
