"""Searches the smallest changes of a client's answers that admit excluded clinicians.

Only constraints that the definition declares relaxable are changed; whether a change is worth
offering is decided in `recommendation.relaxation_offers`.
"""

from collections.abc import Iterable, Iterator, Sequence
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
from recommender.practice.rules.minimal_changes import MinimalChange, open_km, stepwise
from recommender.practice.rules.rule_input import RequestContext, RuleInput
from recommender.screening.meeting_ways import Modes, fields_of_ways
from recommender.screening.screen import NO_HOURS, Screening, screen_columns
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
    modes: Modes
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
    for places in search.groups():
        for changes in search.change_sets(places[0]):
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
    known = {name: each for name, each in screening.judged.items() if each.reads.isdisjoint(fields)}
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
        request.practice,
        changed(request, relaxation.changes),
        request.roster,
        context,
        request.modes,
        known,
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
    """The smallest change that satisfies one constraint, for each of n clinicians.

    Attributes
    ----------
    changes
        From the smallest to the largest.
    answer : (n,) int
        Place of the change among `changes`; -1 where none suffices.
    """

    changes: tuple[Change, ...]
    answer: Places


def _change_of(smallest: _SmallestChanges | None, place: int) -> Change | None:
    if smallest is None or smallest.answer[place] < 0:
        return None
    return smallest.changes[int(smallest.answer[place])]


class _ChangeSearch:
    """The smallest changes for each constraint and excluded clinician of one request."""

    def __init__(self, request: ScreenedRequest, candidates: Places) -> None:
        self._request, self._candidates = request, candidates
        self._excluding = request.screening.excluding > 0
        constraints = request.screening.constraints
        self._on_modes = [bool(c.ways) for c in constraints]
        self._on_hours = [c.name in request.screening.hours for c in constraints]
        self._distance = self._relaxable_distance()
        needed = np.count_nonzero(self._excluding[:, candidates], axis=1) > 0
        self._smallest = [
            self._smallest_changes(each) if needed[row] and each.relaxable != "no" else None
            for row, each in enumerate(constraints)
        ]
        self._to_open_rooms = self._changes_to_open_rooms()
        other_mode = _meeting_mode_constraint(request)
        self._other_mode = None if other_mode is None else self._smallest_changes(other_mode)

    def groups(self) -> Iterable[list[int]]:
        """The candidates, grouped by equal changes."""
        rows = [
            np.where(self._excluding[row], -1 if each is None else each.answer, _NOT_EXCLUDED)
            for row, each in enumerate(self._smallest)
        ]
        rows += [] if self._other_mode is None else [self._other_mode.answer]
        rows += [] if self._to_open_rooms is None else [self._to_open_rooms.answer]
        patterns = np.array(rows, dtype=np.int32).T
        groups: dict[bytes, list[int]] = {}
        for place in self._candidates.tolist():
            groups.setdefault(patterns[place].tobytes(), []).append(place)
        return groups.values()

    def change_sets(self, place: int) -> Iterator[tuple[Change, ...]]:
        """Sets of changes, each of which satisfies every constraint that excludes a clinician."""
        rows = np.flatnonzero(self._excluding[:, place]).tolist()
        direct = [_change_of(self._smallest[row], place) for row in rows]
        if all(direct):
            yield _distinct(direct)
        mode = _change_of(self._other_mode, place)
        rest = [change for row, change in zip(rows, direct, strict=True) if not self._on_modes[row]]
        if mode is not None and len(rest) < len(rows) and all(rest):
            yield _distinct([*rest, mode])
        further = _change_of(self._to_open_rooms, place)
        rest = [change for row, change in zip(rows, direct, strict=True) if not self._on_hours[row]]
        if further is not None and len(rest) < len(rows) and all(rest):
            yield _distinct([*rest, further])

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
        if distance is None or not self._excluding[self._on_hours].any():
            return None
        inputs = self._rule_input(distance)
        field = inputs.client_fields[1]
        steps = stepwise(field, open_km(inputs), up=True)
        return _smallest_of(distance, field.name, steps)

    def _rule_input(self, constraint: Constraint) -> RuleInput:
        request = self._request
        context = request.screening.context
        inputs = rule_input_of(constraint, request.client, request.roster, context)
        if constraint.rule != "within_km":
            return inputs
        return replace(inputs, open_rooms=self._open_rooms())

    def _smallest_changes(self, constraint: Constraint) -> "_SmallestChanges | None":
        field, easing = self._easing(constraint)
        return _smallest_of(constraint, field, easing)

    def _easing(self, constraint: Constraint) -> tuple[str, MinimalChange]:
        request = self._request
        field = eased_field(constraint, request.practice.client)
        if field is None:
            return "", MinimalChange((), np.zeros((0, request.roster.size), dtype=np.bool_))
        rule = RULES[constraint.rule]
        if field in constraint.client and rule.ease is not None:
            return field, rule.ease(self._rule_input(constraint))
        spares = constraint.unless is not None and constraint.unless.client == field
        return field, MinimalChange((spares,), np.ones((1, request.roster.size), dtype=np.bool_))


def _meeting_mode_constraint(request: ScreenedRequest) -> Constraint | None:
    """The relaxable constraint on the modes of meeting the client accepts, if there is one."""
    ways = request.practice.ways
    for constraint in request.screening.constraints:
        about_modes = ways is not None and constraint.client == (ways.client,)
        if about_modes and constraint.rule == "has_any" and constraint.relaxable == "yes":
            return constraint
    return None


def _smallest_of(
    constraint: Constraint, field: str, easing: MinimalChange
) -> _SmallestChanges | None:
    if not easing.answers:
        return None
    enough = np.count_nonzero(easing.admits, axis=0) > 0
    ask = constraint.relaxable == "ask"
    changes = tuple(
        Change(
            constraint.name,
            field,
            None if ask else _plain(answer),
            ask,
            step if easing.ordered else None,
        )
        for step, answer in enumerate(easing.answers)
    )
    return _SmallestChanges(changes, np.where(enough, easing.admits.argmax(axis=0), -1))


def _plain(answer: RawValue) -> RawValue:
    return tuple(answer) if isinstance(answer, list) else answer


def _distinct(changes: Sequence[Change | None]) -> tuple[Change, ...]:
    """Changes without repetition: one answer may fail several constraints."""
    by_answer = {(c.field, c.answer): c for c in reversed(changes) if c is not None}
    return tuple(sorted(by_answer.values(), key=lambda c: (c.constraint, str(c.answer))))
