"""What a client could change so that more clinicians fit: the smallest changes, whom they admit.

Constraints only: what a change is worth, and whether it is offered, is decided in `offer`. Never
proposed for a family that protects somebody. Imported by `offer` and above.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
from recommender.practice.rules.minimal_changes import MinimalChange
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.screen import Modes, Screening, screen_columns
from recommender.values.kinds import KINDS, RawValue

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

MAX_CHANGES = 2
"""Changes proposed together while somebody fits: more is another request, not a small change."""
_NOT_BARRED = -2


@dataclass(frozen=True, slots=True)
class Change:
    """One answer given otherwise.

    Attributes
    ----------
    constraint
        The constraint it is about.
    field, answer
        The client's field and what it would hold, as a cell; None where it is left empty.
    ask
        Whether staff may only ask the client whether the wish matters.
    step
        How much is asked, among answers to this field of which each asks more than the one before;
        None where they are alternatives.
    """

    constraint: str
    field: str
    answer: RawValue
    ask: bool = False
    step: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Changes that together admit somebody.

    Attributes
    ----------
    changes
        At least one, each of another field.
    admits
        Places of the roster for whom no smaller change of the same answers is enough.
    """

    changes: tuple[Change, ...]
    admits: Places

    @property
    def fields(self) -> frozenset[str]:
        """The answers it changes."""
        return frozenset(change.field for change in self.changes)


@dataclass(frozen=True, slots=True, eq=False)
class ScreenedRequest:
    """One request and how the roster stands for it."""

    practice: Practice
    client: Columns
    modes: Modes
    context: RequestContext
    roster: Columns
    screening: Screening


def max_changes(screening: Screening) -> int:
    """How many answers may change at once: as many as it takes where nobody fits."""
    return MAX_CHANGES if screening.eligible.any() else len(screening.constraints)


def relaxations(asked: ScreenedRequest, most: int = MAX_CHANGES) -> tuple[Relaxation, ...]:
    """Every smallest change, or set of changes, that lets somebody through who is barred.

    Each excluded clinician is looked at: what bars them must all be open to change, and each change
    is the smallest of its answer that is enough for them. Clinicians for whom the same changes are
    enough share a relaxation. Whether all other constraints still hold then, `admitted` tells.

    Parameters
    ----------
    asked
        The request.
    most
        How many answers may change at once.
    """
    lifts = _ChangeSearch(asked, asked.screening.excluding > 0, most)
    groups: dict[tuple[Change, ...], list[int]] = {}
    for places in lifts.groups():
        for changes in lifts.change_sets(places[0]):
            if _is_offered(changes, most):
                groups.setdefault(changes, []).extend(places)
    return tuple(
        Relaxation(changes, np.array(sorted(places), dtype=np.intp))
        for changes, places in groups.items()
    )


def admitted(asked: ScreenedRequest, relaxation: Relaxation) -> Places:
    """Who is barred now and fits once the changes are made; places of the roster.

    Only what reads a changed answer is judged again.
    """
    known = {
        constraint.name: asked.screening.verdicts[constraint.name]
        for constraint in asked.screening.constraints
        if not client_fields(constraint) & relaxation.fields
    }
    client = changed(asked, relaxation.changes)
    found = screen_columns(asked.practice, client, asked.roster, asked.context, asked.modes, known)
    return np.flatnonzero(found.eligible & ~asked.screening.eligible)


def changed(asked: ScreenedRequest, changes: Sequence[Change]) -> Columns:
    """The client's row with some answers given otherwise."""
    values = dict(asked.client.values)
    for change in changes:
        field = asked.practice.client[change.field]
        behaviour = KINDS[field.kind]
        parsed = None if change.answer is None else behaviour.parse(field, change.answer)
        values[change.field] = behaviour.encode(field, [parsed])
    return Columns(1, values)


def _is_offered(changes: Sequence[Change], most: int) -> bool:
    """Few enough, one answer a field, and what may only be asked about by itself."""
    alone = len(changes) == 1 or not any(change.ask for change in changes)
    return alone and len({change.field for change in changes}) == len(changes) <= most


@dataclass(frozen=True, slots=True, eq=False)
class _SmallestChanges:
    """The smallest change of a constraint's answer that is enough, for each clinician.

    Attributes
    ----------
    changes
        From the least asked to the most.
    answer : (n,)
        Which of them; -1 where none is enough.
    """

    changes: tuple[Change, ...]
    answer: Places


def _change_of(choice: _SmallestChanges | None, place: int) -> Change | None:
    if choice is None or choice.answer[place] < 0:
        return None
    return choice.changes[int(choice.answer[place])]


class _ChangeSearch:
    """What would lift each constraint for each candidate, worked out once a request."""

    def __init__(self, asked: ScreenedRequest, barred: Flags, most: int) -> None:
        self._asked, self._barred = asked, barred
        constraints = asked.screening.constraints
        self._ways = [bool(c.ways) for c in constraints]
        lifted = np.array([c.relaxable != "no" for c in constraints], dtype=np.bool_)
        stuck = np.asarray(barred & ~lifted[:, None])
        elsewhere = _meeting_mode_constraint(asked)
        # A bar on one way of meeting is also lifted by meeting in another.
        by_way: Flags = np.array(self._ways, dtype=np.bool_)[:, None]
        open_ = ~(stuck & ~by_way).any(axis=0) if elsewhere else ~stuck.any(axis=0)
        changes = np.minimum(
            barred.sum(axis=0), (barred & ~by_way).sum(axis=0) + 1 if elsewhere else len(barred)
        )
        self.candidates = np.flatnonzero(open_ & barred.any(axis=0) & (changes <= most))
        needed = np.count_nonzero(barred[:, self.candidates], axis=1) > 0
        self._choices = [
            self._chosen(constraint) if lifted[row] and needed[row] else None
            for row, constraint in enumerate(constraints)
        ]
        self._elsewhere = self._chosen(elsewhere) if elsewhere and len(self.candidates) else None

    def groups(self) -> Iterable[list[int]]:
        """The candidates, those whom the same changes would let in together."""
        rows = [
            np.where(self._barred[row], -1 if choice is None else choice.answer, _NOT_BARRED)
            for row, choice in enumerate(self._choices)
        ]
        rows += [] if self._elsewhere is None else [self._elsewhere.answer]
        patterns = np.array(rows, dtype=np.int32).T
        groups: dict[bytes, list[int]] = {}
        for place in self.candidates.tolist():
            groups.setdefault(patterns[place].tobytes(), []).append(place)
        return groups.values()

    def change_sets(self, place: int) -> Iterator[tuple[Change, ...]]:
        """Sets of changes, each enough for one clinician as far as single bars go."""
        bars = np.flatnonzero(self._barred[:, place]).tolist()
        direct = [_change_of(self._choices[bar], place) for bar in bars]
        if all(direct):
            yield _distinct(direct)
        way = _change_of(self._elsewhere, place)
        rest = [change for bar, change in zip(bars, direct, strict=True) if not self._ways[bar]]
        if way is not None and len(rest) < len(bars) and all(rest):
            yield _distinct([*rest, way])

    def _chosen(self, constraint: Constraint) -> "_SmallestChanges | None":
        field, easing = self._easing(constraint)
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

    def _easing(self, constraint: Constraint) -> tuple[str, MinimalChange]:
        asked = self._asked
        field = eased_field(constraint, asked.practice.client)
        if field is None:
            return "", MinimalChange((), np.zeros((0, asked.roster.size), dtype=np.bool_))
        rule = RULES[constraint.rule]
        if field in constraint.client and rule.ease is not None:
            question = rule_input_of(constraint, asked.client, asked.roster, asked.context)
            return field, rule.ease(question)
        spares = constraint.unless is not None and constraint.unless.client == field
        return field, MinimalChange((spares,), np.ones((1, asked.roster.size), dtype=np.bool_))


def _meeting_mode_constraint(asked: ScreenedRequest) -> Constraint | None:
    """The constraint by which a client could be offered one more way of meeting, if there is."""
    ways = asked.practice.ways
    for constraint in asked.screening.constraints:
        asks = ways is not None and constraint.client == (ways.client,)
        if asks and constraint.rule == "has_any" and constraint.relaxable == "yes":
            return constraint
    return None


def _plain(answer: RawValue) -> RawValue:
    return tuple(answer) if isinstance(answer, list) else answer


def _distinct(changes: Sequence[Change | None]) -> tuple[Change, ...]:
    """Changes without repetition: one answer may stand in the way of several constraints."""
    by_answer = {(c.field, c.answer): c for c in reversed(changes) if c is not None}
    return tuple(sorted(by_answer.values(), key=lambda c: (c.constraint, str(c.answer))))
