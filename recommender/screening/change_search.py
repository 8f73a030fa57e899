"""The smallest change of an answer that meets a constraint, for each clinician it excludes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import Constraint, eased_field, rule_input_of
from recommender.practice.rules.minimal_changes import (
    MinimalChange,
    open_km,
    stepwise,
    the_same_for_all,
)
from recommender.practice.rules.rule_input import RuleInput
from recommender.screening.changes import Change, ScreenedRequest
from recommender.values.kinds import RawValue

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

_NOT_EXCLUDED = -2


@dataclass(frozen=True, slots=True, eq=False)
class _SmallestChanges:
    """The smallest change that satisfies one constraint, for each of n clinicians."""

    constraint: Constraint
    field: str
    easing: MinimalChange

    def change(self, place: int) -> Change | None:
        """The change for a clinician; None where none suffices."""
        number = int(self.easing.smallest[place])
        if number < 0:
            return None
        ask = self.constraint.relaxable == "ask"
        answer = None if ask else _plain(self.easing.answer_at(number))
        step = number if self.easing.ordered else None
        return Change(self.constraint.name, self.field, answer, ask, step)


class ChangeSearch:
    """The smallest changes for each constraint and excluded clinician of one request."""

    def __init__(self, request: ScreenedRequest, candidates: Places) -> None:
        self._request, self._candidates = request, candidates
        excluding = np.asarray(request.screening.excluding[:, candidates] > 0)
        rows = np.flatnonzero(excluding.any(axis=1))
        constraints = [request.screening.constraints[row] for row in rows.tolist()]
        self._excluding = excluding[rows]
        self._on_modes = np.array([bool(c.ways) for c in constraints])
        self._on_hours = np.array([c.name in request.screening.hours for c in constraints])
        self._distance = self._relaxable_distance()
        self._smallest = [
            self._smallest_changes(each) if each.relaxable != "no" else None for each in constraints
        ]
        self._to_open_rooms = self._changes_to_open_rooms() if self._on_hours.any() else None
        other_mode = meeting_mode_constraint(request) if self._on_modes.any() else None
        self._other_mode = None if other_mode is None else self._smallest_changes(other_mode)

    def groups(self) -> Iterator[tuple[list[int], list[tuple[Change, ...]]]]:
        """Candidates with equal changes, and their sets of changes.

        Each set satisfies every constraint that excludes them.
        """
        numbers = np.array([self._numbers(each) for each in self._smallest])
        mode, further = self._numbers(self._other_mode), self._numbers(self._to_open_rooms)
        lacking = self._excluding & (numbers < 0)
        by_mode = self._instead_of(self._on_modes, lacking, mode)
        by_trip = self._instead_of(self._on_hours, lacking, further)
        direct = np.asarray(~lacking.any(axis=0))
        patterns = np.vstack(
            [np.where(self._excluding, numbers, _NOT_EXCLUDED), mode, further]
        ).T.astype(np.int32)
        groups: dict[bytes, list[int]] = {}
        for place in np.flatnonzero(direct | by_mode | by_trip).tolist():
            groups.setdefault(patterns[place].tobytes(), []).append(place)
        for members in groups.values():
            first = members[0]
            place = int(self._candidates[first])
            rows = np.flatnonzero(self._excluding[:, first]).tolist()
            own = [(row, self._change(self._smallest[row], place)) for row in rows]
            sets = [[change for _, change in own]] if direct[first] else []
            if by_mode[first]:
                rest = [change for row, change in own if not self._on_modes[row]]
                sets.append([*rest, self._change(self._other_mode, place)])
            if by_trip[first]:
                rest = [change for row, change in own if not self._on_hours[row]]
                sets.append([*rest, self._change(self._to_open_rooms, place)])
            places = self._candidates[members].tolist()
            yield places, [_distinct(changes) for changes in sets]

    def _numbers(self, smallest: _SmallestChanges | None) -> Places:
        """The number of the smallest change for each candidate; -1 where none suffices."""
        if smallest is None:
            return np.full(len(self._candidates), -1)
        return smallest.easing.smallest[self._candidates]

    def _instead_of(self, about: Flags, lacking: Flags, numbers: Places) -> Flags:
        """Whether one change in place of those for some constraints suffices, by candidate."""
        concerned = self._excluding[about].any(axis=0)
        return np.asarray(concerned & ~lacking[~about].any(axis=0) & (numbers >= 0))

    @staticmethod
    def _change(smallest: _SmallestChanges | None, place: int) -> Change | None:
        return None if smallest is None else smallest.change(place)

    def _relaxable_distance(self) -> Constraint | None:
        """The relaxable hard constraint on distance that decides in which rooms hours count."""
        screening = self._request.screening
        for constraint in screening.constraints:
            hard = screening.modes[constraint.name] == "hard" and constraint.relaxable == "yes"
            if hard and constraint.rule == "within_km" and self._open_rooms() is not None:
                return constraint
        return None

    def _open_rooms(self) -> Flags | None:
        """The rooms in which every hard constraint on hours is met, (n, rooms)."""
        screening = self._request.screening
        rooms = [each for name, each in screening.rooms.items() if screening.modes[name] == "hard"]
        return np.logical_and.reduce(rooms) if rooms else None

    def _changes_to_open_rooms(self) -> "_SmallestChanges | None":
        """Trips to the nearest room with a time, for clinicians with times in far rooms only."""
        distance = self._distance
        if distance is None:
            return None
        inputs = self._rule_input(distance)
        field = inputs.client_fields[1]
        return _SmallestChanges(distance, field.name, stepwise(field, open_km(inputs), up=True))

    def _rule_input(self, constraint: Constraint) -> RuleInput:
        request = self._request
        context = request.screening.context
        inputs = rule_input_of(constraint, request.client, request.roster, context)
        if constraint.rule != "within_km":
            return inputs
        return replace(inputs, open_rooms=self._open_rooms())

    def _smallest_changes(self, constraint: Constraint) -> "_SmallestChanges | None":
        field = eased_field(constraint, self._request.practice.client)
        if field is None:
            return None
        rule = RULES[constraint.rule]
        if field in constraint.client and rule.ease is not None:
            easing = rule.ease(self._rule_input(constraint))
        else:
            spares = constraint.unless is not None and constraint.unless.client == field
            easing = the_same_for_all(spares, self._request.roster.size)
        return _SmallestChanges(constraint, field, easing)


def meeting_mode_constraint(request: ScreenedRequest) -> Constraint | None:
    """The relaxable constraint on the modes of meeting the client accepts, if there is one."""
    ways = request.practice.ways
    for constraint in request.screening.constraints:
        about_modes = ways is not None and constraint.client == (ways.client,)
        if about_modes and constraint.rule == "has_any" and constraint.relaxable == "yes":
            return constraint
    return None


def _plain(answer: RawValue) -> RawValue:
    return tuple(answer) if isinstance(answer, list) else answer


def _distinct(changes: Sequence[Change | None]) -> tuple[Change, ...]:
    """Changes without repetition: one answer may fail several constraints."""
    by_answer = {(c.field, c.answer): c for c in reversed(changes) if c is not None}
    return tuple(sorted(by_answer.values(), key=lambda c: (c.constraint, str(c.answer))))
