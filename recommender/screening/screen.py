"""Screens clinicians for a client: every constraint on every clinician, with every reason.

Constraints apply before scores: no predicted alliance compensates for a hard constraint.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.catalogue import FIRST_SESSION, RULES
from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import Constraint, judge
from recommender.practice.rules.first_session import earliest_day, first_sessions
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.meeting_ways import (
    Array,
    Flags,
    HoursVerdict,
    Modes,
    far_km,
    hours_verdict,
    open_rooms,
    shared_modes,
    times_moved,
    with_ways,
)
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

Codes = NDArray[np.int8]

DECLARED_MODES: Modes = MappingProxyType({})
"""Every constraint in the mode that the definition declares."""
FAILED = 1
"""Code of a constraint that a clinician is known not to meet."""
_MET, _UNKNOWN, _MOVES = 0, 2, 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One constraint that a clinician does not meet, or is not known to meet.

    `text` continues a sentence that begins with the clinician's name; with `unknown` it is a
    question, not a fact. `judged_on` is the day of the first possible session, where the constraint
    was judged for that day and it is not the day asked.
    """

    constraint: str
    family: str
    text: str
    unknown: bool
    judged_on: date | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An excluded clinician, with every reason in the order of the definition."""

    clinician_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """A clinician with reservations, in the order of the definition.

    They are soft constraints failed or unknown, and hard ones that pass although unknown.
    """

    clinician_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ConstraintCount:
    """Numbers of clinicians that a hard constraint excludes, and that only it excludes."""

    constraint: str
    removed: int
    removed_only_by_it: int


@dataclass(frozen=True, slots=True)
class GroupedReasons:
    """The reasons of several clinicians, among whom few combinations of reasons repeat.

    Attributes
    ----------
    rows
        Places on the roster of the clinicians with reasons, ascending.
    group_of
        For each of them, the place of their reasons among `reasons`.
    reasons
        Each combination of reasons once, in the order of the definition.
    """

    rows: tuple[int, ...]
    group_of: tuple[int, ...]
    reasons: tuple[tuple[Reason, ...], ...]

    def by_row(self) -> Iterator[tuple[int, tuple[Reason, ...]]]:
        """Each clinician's place on the roster and reasons."""
        for row, group in zip(self.rows, self.group_of, strict=True):
            yield row, self.reasons[group]


_reason = lru_cache(maxsize=4096)(Reason)
"""Reasons, of which requests repeat few."""


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """The verdicts of k constraints on n clinicians for one client.

    Attributes
    ----------
    ids
        The clinicians, in the order of the roster.
    constraints, modes
        The constraints judged, in the order of the definition, and the mode of each.
    verdicts
        By constraint, (n,): 1 pass, 0 fail, NaN unknown.
    excluding, cautioning : (k, n) int
        Where a constraint excludes, and where it is a reservation: 1 failed, 2 unknown, 3 met
        until a change of clocks.
    context
        The request, with the ways of meeting where open hours depend on them.
    first_sessions
        The first possible session with each clinician, (n,), in days from 1970-01-01.
    hours
        The verdicts on open hours by way of meeting, by constraint, where the way matters.
    moved
        By constraint, the times in common that a change of clocks ends or moves, by row.
    far
        By constraint, kilometres to the nearest room with a time in common where that room is out
        of reach, (n,); NaN elsewhere.
    rooms
        By constraint on hours, the rooms in which it is met, (n, rooms), however far they are; only
        where a constraint on distance is about them.
    """

    ids: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    modes: Modes
    verdicts: Mapping[str, Array]
    excluding: Codes
    cautioning: Codes
    context: RequestContext
    first_sessions: Array
    hours: Mapping[str, HoursVerdict]
    moved: Mapping[str, Mapping[int, MovedTime]]
    far: Mapping[str, Array]
    rooms: Mapping[str, Flags]

    @property
    def eligible(self) -> Flags:
        """Whether no constraint excludes each clinician, (n,)."""
        return np.asarray(np.bitwise_or.reduce(self.excluding, axis=0, initial=0) == 0)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every excluded clinician, in the order of the roster."""
        return tuple(Exclusion(self.ids[row], why) for row, why in self.exclusion_reasons.by_row())

    @property
    def exclusion_reasons(self) -> GroupedReasons:
        """Why each excluded clinician is excluded."""
        return self._grouped(self.excluding)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Every clinician with reservations, eligible or not, in the order of the roster."""
        return tuple(
            Caution(self.ids[row], why) for row, why in self._grouped(self.cautioning).by_row()
        )

    @property
    def constraint_counts(self) -> tuple[ConstraintCount, ...]:
        """Counts of each hard constraint, in the order of the definition."""
        places, rows = np.nonzero(self.excluding)
        is_alone = np.bincount(rows, minlength=len(self.ids))[rows] == 1
        removed = np.bincount(places, minlength=len(self.constraints))
        alone = np.bincount(places[is_alone], minlength=len(self.constraints))
        return tuple(
            ConstraintCount(constraint.name, many, only)
            for constraint, many, only in zip(
                self.constraints, removed.tolist(), alone.tolist(), strict=True
            )
            if self.modes[constraint.name] == "hard"
        )

    def cautions_of(self, place: int) -> tuple[Reason, ...]:
        """The reservations about the clinician at one place of the roster."""
        return self._reasons(self.cautioning[:, place], place)

    def failed_for(self, names: Collection[str]) -> Flags:
        """Whether a clinician is excluded as known not to meet one of some constraints, (n,)."""
        places = [place for place, each in enumerate(self.constraints) if each.name in names]
        return np.asarray((self.excluding[places] == FAILED).any(axis=0))

    def _grouped(self, codes: Codes) -> GroupedReasons:
        """Each clinician with reasons, by what their reasons depend on."""
        rows = np.flatnonzero(codes.any(axis=0))
        is_later = self.first_sessions > self.context.day.toordinal() - EPOCH
        depend_on = [np.where(is_later, self.first_sessions, 0.0), *map(np.ceil, self.far.values())]
        moved: dict[MovedTime | None, float] = {}
        for by_row in self.moved.values():
            numbers = np.zeros(len(self.ids))
            for row, time in by_row.items():
                numbers[row] = moved.setdefault(time, len(moved) + 1.0)
            depend_on.append(numbers)
        as_bytes = [each[rows].reshape(-1, 1).view(np.int8) for each in depend_on]
        by_person = np.concatenate([codes[:, rows].T, *as_bytes], axis=1)
        content, width = by_person.tobytes(), by_person.shape[1]
        groups: dict[bytes, int] = {}
        reasons: list[tuple[Reason, ...]] = []
        group_of = []
        for place, row in enumerate(rows.tolist()):
            key = content[place * width : (place + 1) * width]
            if key not in groups:
                groups[key] = len(reasons)
                reasons.append(self._reasons(codes[:, row], row))
            group_of.append(groups[key])
        return GroupedReasons(tuple(rows.tolist()), tuple(group_of), tuple(reasons))

    def _later_day(self, row: int) -> date | None:
        """The day of the first possible session, where it is not the day asked."""
        day = min(int(self.first_sessions[row]) + EPOCH, date.max.toordinal())
        return None if day <= self.context.day.toordinal() else date.fromordinal(day)

    def _text(self, constraint: Constraint, code: int, row: int) -> str:
        if code == _MOVES:
            return self.moved[constraint.name][row].text
        km = self.far[constraint.name][row] if constraint.name in self.far else np.nan
        if code != FAILED or np.isnan(km):
            return constraint.say
        if constraint.rule == "within_km":
            return f"has times in common only in rooms about {math.ceil(km)} km away"
        return f"{constraint.say} within reach: rooms with a time are about {math.ceil(km)} km away"

    def _reasons(self, codes: Codes, row: int) -> tuple[Reason, ...]:
        later = self._later_day(row)
        return tuple(
            self._reason(place, row, codes, later) for place in np.flatnonzero(codes).tolist()
        )

    def _reason(self, place: int, row: int, codes: Codes, later: date | None) -> Reason:
        constraint, code = self.constraints[place], int(codes[place])
        text = self._text(constraint, code, row)
        judged_on = later if RULES[constraint.rule].day == FIRST_SESSION else None
        return _reason(constraint.name, constraint.family, text, code == _UNKNOWN, judged_on)


def screen(
    practice: Practice,
    client: Columns,
    client_id: str | None,
    roster: Roster,
    day: date,
    modes: Modes = DECLARED_MODES,
) -> Screening:
    """Which clinicians of the roster are eligible for a client, and why the others are not.

    Parameters
    ----------
    practice
        The definition, which declares the constraints.
    client
        The client's fields, one row.
    client_id
        Pseudonym, which do-not-match lists refer to; None for a client without one.
    roster
        The clinicians.
    day
        The day of the request, on the practice's calendar.
    modes
        Constraints in another mode than declared; see `check_modes`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from recommender.practice.columns import read_rows
    >>> from recommender.practice.definition import shipped_practice
    >>> from recommender.tables.roster import snapshot
    >>> practice = shipped_practice()
    >>> client = read_rows(practice.fields("client", "score", "filter"), [{"age_years": 15}])
    >>> clinicians = read_rows(practice.clinician, [{"min_age": 18, "max_age": 65}])
    >>> roster = snapshot(("k1",), (None,), clinicians, datetime.now(UTC))
    >>> screening = screen(practice, client, None, roster, date(2026, 11, 28))
    >>> screening.eligible.tolist()
    [False]
    >>> [reason.text for reason in screening.exclusions[0].reasons if reason.constraint == "age"]
    ['does not see clients of this age']
    """
    context = request_context_of(practice, client_id, roster.ids, day)
    return screen_columns(practice, client, roster.columns, context, modes, {})


def check_modes(practice: Practice, modes: Modes) -> None:
    """Checks the modes that a request chooses.

    Raises
    ------
    IntakeError
        With every constraint that does not exist, or that may not be in the mode.
    """
    faults = []
    for name, mode in modes.items():
        constraint = practice.constraints.get(name)
        if constraint is None:
            choices = ", ".join(sorted(n for n, c in practice.constraints.items() if c.may_be))
            problem = "names a constraint that this practice does not have"
            faults.append(Fault("modes", problem, f"choose from {choices or 'none'}"))
        elif mode not in (constraint.mode, *constraint.may_be):
            allowed = ", ".join(dict.fromkeys((constraint.mode, *constraint.may_be)))
            faults.append(Fault(f"modes.{name}", "is not allowed", f"it may be {allowed}"))
    if faults:
        raise IntakeError(faults)


def request_context_of(
    practice: Practice, client_id: str | None, clinician_ids: tuple[str, ...], day: date
) -> RequestContext:
    """What rules read besides the fields of client and clinician."""
    return RequestContext(
        day,
        client_id,
        clinician_ids,
        practice.timezone,
        practice.funding,
        practice.client,
        practice.clinician,
        practice.first_session,
    )


def screen_columns(
    practice: Practice,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    modes: Modes,
    known: Mapping[str, Array],
    *,
    in_detail: bool = True,
) -> Screening:
    """`screen` on columns of clinicians, reusing the verdicts that are known.

    Without `in_detail` it finds who is eligible, but not every reservation about far rooms and
    changes of clocks.
    """
    counts = {name: modes.get(name, c.mode) for name, c in practice.constraints.items()}
    constraints = tuple(c for n, c in practice.constraints.items() if counts[n] != "off")
    context = with_ways(practice, client, columns, context, modes)
    hours: dict[str, HoursVerdict] = {}
    verdicts: dict[str, Array] = {}
    for each in constraints:
        by_way = hours_verdict(each, client, columns, context)
        if by_way is not None:
            hours[each.name], verdicts[each.name] = by_way, by_way.together
        elif each.name in known:
            verdicts[each.name] = known[each.name]
        else:
            verdicts[each.name] = judge(each, client, columns, context)
    rooms = _open_rooms(constraints, hours, client, columns, context) if in_detail else {}
    far = _far_rooms(constraints, counts, client, columns, context, rooms)
    for name, km in far.items():
        if counts[name] == "soft" and name not in hours:
            verdicts[name] = np.where((verdicts[name] == 1) & ~np.isnan(km), 0.0, verdicts[name])
    moved: dict[str, dict[int, MovedTime]] = {}
    excluding = np.zeros((len(constraints), columns.size), dtype=np.int8)
    cautioning = np.zeros_like(excluding)
    by_ways: dict[int, Mapping[str, tuple[Codes, Codes]]] = {}
    for place, constraint in enumerate(constraints):
        mode = counts[constraint.name]
        if constraint.ways and constraint.name in hours:
            codes_of: dict[str, tuple[Codes, Codes]] = {}
            by_ways[place] = codes_of
            for way, verdict in hours[constraint.name].by_way.items():
                codes = _codes(constraint, mode, verdict)
                rows: dict[int, MovedTime] = {}
                if in_detail:
                    rows = times_moved(constraint, client, columns, context, verdict, way)
                codes[1][list(rows)] = _MOVES
                codes_of[way] = codes
                moved.setdefault(constraint.name, {}).update(rows)
        else:
            # Most constraints are met by every clinician, or the client has no wish about them.
            verdict = verdicts[constraint.name]
            if verdict.size and verdict.min() != 1:
                excluding[place], cautioning[place] = _codes(constraint, mode, verdict)
            ahead = times_moved(constraint, client, columns, context, verdict) if in_detail else {}
            if ahead:
                cautioning[place][list(ahead)] = _MOVES
                moved[constraint.name] = ahead
    _lift_by_other_modes(
        practice, client, columns, context, constraints, by_ways, excluding, cautioning
    )
    earliest = earliest_day(context.first_session, client, context.day)
    return Screening(
        context.clinician_ids,
        constraints,
        counts,
        verdicts,
        excluding,
        cautioning,
        context,
        first_sessions(context.first_session, columns, earliest),
        hours,
        moved,
        far,
        rooms,
    )


def _open_rooms(
    constraints: Sequence[Constraint],
    hours: Mapping[str, HoursVerdict],
    client: Columns,
    columns: Columns,
    context: RequestContext,
) -> dict[str, Flags]:
    """By constraint on hours, the rooms in which it is met, (n, rooms), however far they are."""
    distances = [each for each in constraints if each.rule == "within_km"] if hours else []
    rooms = {
        each.name: open_rooms(each, distances, client, columns, context)
        for each in constraints
        if distances and each.name in hours
    }
    return {name: each for name, each in rooms.items() if each is not None}


def _far_rooms(
    constraints: Sequence[Constraint],
    modes: Modes,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    rooms: Mapping[str, Flags],
) -> dict[str, Array]:
    """By constraint, kilometres to the nearest room with a time where it is out of reach, (n,).

    A hard distance decides in which rooms hours count; a soft one is judged on the rooms in which
    there is a time.
    """
    far: dict[str, Array | None] = {}
    hard = [each for each in rooms if modes[each] == "hard"]
    for distance in constraints if rooms else ():
        if distance.rule != "within_km":
            continue
        if modes[distance.name] == "hard":
            for name, there in rooms.items():
                far[name] = far_km(distance, there, client, columns, context)
        elif hard:
            there = np.logical_and.reduce([rooms[name] for name in hard])
            far[distance.name] = far_km(distance, there, client, columns, context)
    return {name: km for name, km in far.items() if km is not None}


def _codes(constraint: Constraint, mode: str, verdict: Array) -> tuple[Codes, Codes]:
    """Where a constraint excludes, and where it is a reservation: 1 failed, 2 unknown."""
    excluding, cautioning = np.zeros((2, len(verdict)), dtype=np.int8)
    failed = verdict == 0
    unknown = None if constraint.unknown == "met" else np.isnan(verdict)
    if mode != "hard":
        _write(cautioning, failed, unknown)
    elif constraint.unknown == "fail":
        _write(excluding, failed, unknown)
    else:
        _write(excluding, failed, None)
        _write(cautioning, None, unknown)
    return excluding, cautioning


def _write(codes: Codes, failed: Flags | None, unknown: Flags | None) -> None:
    if failed is not None:
        np.multiply(failed, np.int8(FAILED), out=codes)
    if unknown is not None:
        codes += np.multiply(unknown, np.int8(_UNKNOWN))


def _lift_by_other_modes(
    practice: Practice,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    constraints: Sequence[Constraint],
    by_ways: Mapping[int, Mapping[str, tuple[Codes, Codes]]],
    excluding: Codes,
    cautioning: Codes,
) -> None:
    """Lifts, in place, constraints on modes of meeting that the two need not use.

    A client who wants to meet in person or by video is not kept from a clinician by the distance,
    as long as no constraint excludes meeting this clinician by video. `by_ways` has the codes of
    constraints on open hours by way of meeting, by their place.
    """
    some = [
        place
        for place, constraint in enumerate(constraints)
        if constraint.ways
        and (place in by_ways or excluding[place].any() or cautioning[place].any())
    ]
    if practice.ways is None or not some:
        return
    shared = shared_modes(practice, client, columns)
    open_ways = {way: offers.copy() for way, offers in shared.items()}
    for place in some:
        for way in constraints[place].ways:
            if way in open_ways:
                codes = by_ways[place][way][0] if place in by_ways else excluding[place]
                open_ways[way] &= codes == _MET
    for place, codes_of in by_ways.items():
        excluding[place], cautioning[place] = _over_ways(codes_of, shared, open_ways, columns.size)
    meets = _any_of(open_ways.values(), columns.size)
    for about in {constraints[place].ways for place in some}:
        concerned = _any_of([shared[way] for way in about if way in shared], columns.size)
        otherwise = [offers for way, offers in open_ways.items() if way not in about]
        remaining = (concerned & ~meets).view(np.int8)
        mentioned = (concerned & ~_any_of(otherwise, columns.size)).view(np.int8)
        for place in some:
            if constraints[place].ways == about:
                excluding[place] *= remaining
                cautioning[place] *= mentioned


def _over_ways(
    by_way: Mapping[str, tuple[Codes, Codes]],
    shared: Mapping[str, Flags],
    open_ways: Mapping[str, Flags],
    size: int,
) -> tuple[Codes, Codes]:
    """The codes of one constraint over several ways of meeting.

    It excludes where it does so in any shared way. It is a reservation where it is one in every
    open way, or in every shared way where none is open.
    """
    barred = [codes * shared[way] for way, (codes, _) in by_way.items()]
    some_open = _any_of([open_ways[way] for way in by_way], size)
    spared = np.zeros(size, dtype=np.bool_)
    mentions = []
    for way, (_, codes) in by_way.items():
        counts = np.where(some_open, open_ways[way], shared[way])
        spared |= counts & (codes == _MET)
        mentions.append(codes * counts)
    return _worst(barred, size), _worst(mentions, size) * ~spared


def _worst(codes: Sequence[Codes], size: int) -> Codes:
    """1 where any code is 1, else 2 where any is, else 3 where any is, else 0."""
    result = np.zeros(size, dtype=np.int8)
    for code in (_MOVES, _UNKNOWN, FAILED):
        result[_any_of([each == code for each in codes], size)] = code
    return result


def _any_of(flags: Iterable[Flags], size: int) -> Flags:
    result = np.zeros(size, dtype=np.bool_)
    for each in flags:
        result |= each
    return result
