"""Searches the smallest changes of a client's answers that admit excluded clinicians.

Only constraints that the definition declares relaxable are changed; whether a change is worth
offering is decided in `recommendation.relaxation_offers`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import (
    Constraint,
    client_fields,
    eased_field,
    rule_input_of,
)
from recommender.practice.rules.minimal_changes import (
    MinimalChange,
    open_km,
    stepwise,
    the_same_for_all,
)
from recommender.practice.rules.rule_input import RequestContext, RuleInput
from recommender.screening.codes import group_of
from recommender.screening.meeting_ways import fields_of_ways
from recommender.screening.screen import NO_HOURS, screen_columns
from recommender.screening.screening import Screening
from recommender.values.kinds import KINDS, RawValue

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

MAX_CHANGES = 2
"""Changes made together while any clinician is eligible: more would be another request."""
_NOT_EXCLUDED = -2


@dataclass(frozen=True, slots=True)
class Change:
    """One changed answer.

    Attributes
    ----------
    constraint
        The constraint that the change relaxes.
    field, answer
        The client's field and its new answer, as a cell; None to leave it empty.
    ask
        Whether staff may only ask the client if the wish matters.
    step
        Position among answers to this field, from the smallest change to the largest; None where
        the answers are alternatives.
    """

    constraint: str
    field: str
    answer: RawValue
    ask: bool = False
    step: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Changes that together admit at least one clinician.

    Attributes
    ----------
    changes
        One change or more, each of another field.
    admits
        Places on the roster of the clinicians for whom no smaller change of these answers suffices.
    """

    changes: tuple[Change, ...]
    admits: Places

    @property
    def fields(self) -> frozenset[str]:
        """The changed fields."""
        return frozenset(change.field for change in self.changes)


@dataclass(frozen=True, slots=True, eq=False)
class ScreenedRequest:
    """One request and its screening of the roster."""

    practice: Practice
    client: Columns
    context: RequestContext
    roster: Columns
    screening: Screening


def max_changes(screening: Screening) -> int:
    """How many answers may change together: any number where no clinician is eligible."""
    return MAX_CHANGES if screening.eligible.any() else len(screening.constraints)


def relaxable_places(request: ScreenedRequest, max_count: int = MAX_CHANGES) -> Places:
    """Places of the excluded clinicians whom a relaxation may admit.

    Every constraint that excludes them can be relaxed; whether changes suffice is not known yet.
    """
    constraints, excluding = request.screening.constraints, request.screening.excluding > 0
    relaxable = np.array([c.relaxable != "no" for c in constraints], dtype=np.bool_)
    fixed = np.asarray(excluding & ~relaxable[:, None])
    if _meeting_mode_constraint(request) is None:
        open_, changes = ~fixed.any(axis=0), excluding.sum(axis=0)
    else:
        # A constraint on one mode of meeting is also satisfied by meeting in another.
        elsewhere = np.array([not c.ways for c in constraints], dtype=np.bool_)[:, None]
        open_ = ~(fixed & elsewhere).any(axis=0)
        changes = np.minimum(excluding.sum(axis=0), (excluding & elsewhere).sum(axis=0) + 1)
    return np.flatnonzero(open_ & excluding.any(axis=0) & (changes <= max_count))


def relaxations(
    request: ScreenedRequest, max_count: int = MAX_CHANGES, among: Places | None = None
) -> tuple[Relaxation, ...]:
    """Every smallest change, or set of changes, that admits an excluded clinician.

    For each excluded clinician, every constraint that excludes must be relaxable, and each change
    is the smallest of its answer that suffices. Clinicians with equal changes share a relaxation.
    `admitted` judges whether all other constraints still hold after the changes.

    Parameters
    ----------
    request
        The screened request.
    max_count
        How many answers may change together.
    among
        The clinicians looked at, of `relaxable_places`; all of these where left out.
    """
    candidates = relaxable_places(request, max_count) if among is None else among
    if not len(candidates):
        return ()
    search = _ChangeSearch(request, candidates)
    groups: dict[tuple[Change, ...], list[int]] = {}
    for places, change_sets in search.groups():
        for changes in change_sets:
            if _is_valid(changes, max_count):
                groups.setdefault(changes, []).extend(places)
    return tuple(
        Relaxation(changes, np.array(sorted(places), dtype=np.intp))
        for changes, places in groups.items()
    )


def admitted(request: ScreenedRequest, relaxation: Relaxation) -> Places:
    """Places of excluded clinicians that are eligible after the changes.

    Only constraints that read a changed answer are judged again.
    """
    screening, fields = request.screening, relaxation.fields
    judged = {
        name: each for name, each in screening.judged.items() if each.reads.isdisjoint(fields)
    }
    known = group_of(screening.layout, judged, request.roster.size)
    context, hours = request.context, NO_HOURS
    if fields.isdisjoint(fields_of_ways(request.practice)):
        context = screening.context
        hours = {
            each.name: screening.hours[each.name]
            for each in screening.constraints
            if each.name in screening.hours
            and client_fields(each, context.first_session).isdisjoint(fields)
        }
    after = screen_columns(
        screening.layout,
        changed(request, relaxation.changes),
        request.roster,
        context,
        [known],
        hours,
        in_detail=False,
    )
    return np.flatnonzero(after.eligible & ~screening.eligible)


def changed(request: ScreenedRequest, changes: Sequence[Change]) -> Columns:
    """The client's row with the changed answers."""
    values = dict(request.client.values)
    for change in changes:
        field = request.practice.client[change.field]
        behaviour = KINDS[field.kind]
        parsed = None if change.answer is None else behaviour.parse(field, change.answer)
        values[change.field] = behaviour.encode(field, [parsed])
    return Columns(1, values)


def _is_valid(changes: Sequence[Change], max_count: int) -> bool:
    """Few enough changes, one per field, and a question to the client only by itself."""
    alone = len(changes) == 1 or not any(change.ask for change in changes)
    return alone and len({change.field for change in changes}) == len(changes) <= max_count


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


class _ChangeSearch:
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
        other_mode = _meeting_mode_constraint(request) if self._on_modes.any() else None
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


def _meeting_mode_constraint(request: ScreenedRequest) -> Constraint | None:
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
