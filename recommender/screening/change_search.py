"""The smallest change of an answer that meets a constraint, for each clinician it excludes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute

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
    """The smallest change that satisfies one constraint, for each of n clinicians.

    `found` are those put together so far, by their number: many clinicians have the same.
    """

    constraint: Constraint
    field: str
    easing: MinimalChange
    found: dict[int, Change] = attribute(default_factory=dict)

    def change(self, number: int) -> Change:
        """The change of a number, which is not negative."""
        change = self.found.get(number)
        if change is None:
            ask = self.constraint.relaxable == "ask"
            answer = None if ask else _plain(self.easing.answer_at(number))
            step = number if self.easing.ordered else None
            change = Change(self.constraint.name, self.field, answer, ask, step)
            self.found[number] = change
        return change


class ChangeSearch:
    """The smallest changes for each constraint and excluded clinician of one request."""

    def __init__(self, request: ScreenedRequest, candidates: Places) -> None:
        self._request, self._candidates = request, candidates
        excluding = np.asarray(request.screening.excluding.take(candidates, axis=1) > 0)
        rows = np.flatnonzero(excluding.any(axis=1))
        constraints = [request.screening.constraints[row] for row in rows.tolist()]
        self._excluding = excluding[rows]
        self._on_modes = np.array([bool(c.ways) for c in constraints])
        self._on_hours = np.array([c.name in request.screening.hours for c in constraints])
        self._open_rooms = self._rooms_with_all_hours()
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
        content, width = patterns.tobytes(), patterns.shape[1] * patterns.itemsize
        groups: dict[bytes, list[int]] = {}
        for member in np.flatnonzero(direct | by_mode | by_trip).tolist():
            groups.setdefault(content[width * member : width * (member + 1)], []).append(member)
        on_modes, on_hours = self._on_modes.tolist(), self._on_hours.tolist()
        for members in groups.values():
            first = members[0]
            *pattern, in_mode, trip = patterns[first].tolist()
            own = [(row, each) for row, each in enumerate(pattern) if each != _NOT_EXCLUDED]
            sets = [self._changes(own)] if direct[first] else []
            if by_mode[first] and self._other_mode is not None:
                rest = self._changes([each for each in own if not on_modes[each[0]]])
                sets.append([*rest, self._other_mode.change(in_mode)])
            if by_trip[first] and self._to_open_rooms is not None:
                rest = self._changes([each for each in own if not on_hours[each[0]]])
                sets.append([*rest, self._to_open_rooms.change(trip)])
            places = self._candidates[members].tolist()
            yield places, [_distinct(changes) for changes in sets]

    def _numbers(self, smallest: _SmallestChanges | None) -> Places:
        """The number of the smallest change for each candidate; -1 where none suffices."""
        if smallest is None:
            return np.full(len(self._candidates), -1)
        return smallest.easing.smallest[self._candidates]

    def _changes(self, numbers: Sequence[tuple[int, int]]) -> list[Change]:
        """The changes of some constraints, by their row and the number of the change."""
        smallest = ((self._smallest[row], number) for row, number in numbers)
        return [each.change(number) for each, number in smallest if each is not None]

    def _instead_of(self, about: Flags, lacking: Flags, numbers: Places) -> Flags:
        """Whether one change in place of those for some constraints suffices, by candidate."""
        concerned = self._excluding[about].any(axis=0)
        return np.asarray(concerned & ~lacking[~about].any(axis=0) & (numbers >= 0))

    def _relaxable_distance(self) -> Constraint | None:
        """The relaxable hard constraint on distance that decides in which rooms hours count."""
        screening = self._request.screening
        for constraint in screening.layout.distances if self._open_rooms is not None else ():
            if screening.modes[constraint.name] == "hard" and constraint.relaxable == "yes":
                return constraint
        return None

    def _rooms_with_all_hours(self) -> Flags | None:
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
        return replace(inputs, open_rooms=self._open_rooms)

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


def _distinct(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Changes without repetition: one answer may fail several constraints."""
    if len(changes) == 1:
        return tuple(changes)
    by_answer = {(c.field, c.answer): c for c in reversed(changes)}
    return tuple(sorted(by_answer.values(), key=lambda c: (c.constraint, str(c.answer))))
