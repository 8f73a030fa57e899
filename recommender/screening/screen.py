"""Screens clinicians for a client: every constraint on every clinician, with every reason.

Constraints apply before scores: no predicted alliance compensates for a hard constraint.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.catalogue import FIRST_SESSION, ON_HOURS, RULES
from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import Constraint, Mode, judge
from recommender.practice.rules.first_session import earliest_day, first_sessions
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.codes import (
    FAILED,
    MET,
    MOVES,
    UNKNOWN,
    Codes,
    JudgedConstraint,
    VerdictCodes,
    codes_of,
    judged_constraint,
    lift_by_other_modes,
    with_moves,
)
from recommender.screening.meeting_ways import (
    Array,
    Flags,
    HoursVerdict,
    Modes,
    far_km,
    hours_verdict,
    open_rooms,
    times_moved,
    with_ways,
)
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

DECLARED_MODES: Modes = MappingProxyType({})
"""Every constraint in the mode that the definition declares."""
NO_HOURS: Mapping[str, HoursVerdict] = MappingProxyType({})


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
    eligible : (n,)
        Whether no constraint excludes each clinician.
    context
        The request, with the ways of meeting where open hours depend on them.
    first_sessions
        The first possible session with each clinician, (n,), in days from 1970-01-01.
    judged
        The constraints that do not depend on the way of meeting, before far rooms count.
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
    eligible: Flags
    context: RequestContext
    first_sessions: Array
    judged: Mapping[str, JudgedConstraint]
    hours: Mapping[str, HoursVerdict]
    moved: Mapping[str, Mapping[int, MovedTime]]
    far: Mapping[str, Array]
    rooms: Mapping[str, Flags]

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
        """Counts of each constraint that excludes somebody, in the order of the definition."""
        places, rows = np.nonzero(self.excluding)
        is_alone = np.bincount(rows)[rows] == 1
        removed = np.bincount(places, minlength=len(self.constraints))
        alone = np.bincount(places[is_alone], minlength=len(removed)).tolist()
        return tuple(
            [
                ConstraintCount(self.constraints[place].name, int(removed[place]), alone[place])
                for place in np.flatnonzero(removed).tolist()
            ]
        )

    def cautions_of(self, place: int) -> tuple[Reason, ...]:
        """The reservations about the clinician at one place of the roster."""
        return self._reasons(self.cautioning[:, place].tobytes(), place, {})

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
        stated: dict[tuple[int, int, date | None], Reason] = {}
        group_of = []
        for place, row in enumerate(rows.tolist()):
            key = content[place * width : (place + 1) * width]
            if key not in groups:
                groups[key] = len(reasons)
                reasons.append(self._reasons(key[: len(codes)], row, stated))
            group_of.append(groups[key])
        return GroupedReasons(tuple(rows.tolist()), tuple(group_of), tuple(reasons))

    def _later_day(self, row: int) -> date | None:
        """The day of the first possible session, where it is not the day asked."""
        day = min(int(self.first_sessions[row]) + EPOCH, date.max.toordinal())
        return None if day <= self.context.day.toordinal() else date.fromordinal(day)

    def _text(self, constraint: Constraint, code: int, row: int) -> str:
        if code == MOVES:
            return self.moved[constraint.name][row].text
        km = self.far[constraint.name][row] if constraint.name in self.far else np.nan
        if code != FAILED or np.isnan(km):
            return constraint.say
        if constraint.rule == "within_km":
            return f"has times in common only in rooms about {math.ceil(km)} km away"
        return f"{constraint.say} within reach: rooms with a time are about {math.ceil(km)} km away"

    def _reasons(
        self, codes: bytes, row: int, stated: dict[tuple[int, int, date | None], Reason]
    ) -> tuple[Reason, ...]:
        """The reasons of one clinician, by the code of each constraint.

        `stated` has the reasons that several clinicians share, and is added to.
        """
        later = self._later_day(row)
        reasons = []
        for place, code in enumerate(codes):
            if code != MET:
                reason = stated.get((place, code, later))
                if reason is None:
                    reason = self._reason(self.constraints[place], code, row, later)
                    if self.constraints[place].name not in self.far and code != MOVES:
                        stated[place, code, later] = reason
                reasons.append(reason)
        return tuple(reasons)

    def _reason(self, constraint: Constraint, code: int, row: int, later: date | None) -> Reason:
        text = self._text(constraint, code, row)
        judged_on = later if RULES[constraint.rule].day == FIRST_SESSION else None
        return Reason(constraint.name, constraint.family, text, code == UNKNOWN, judged_on)


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
    known: Mapping[str, JudgedConstraint],
    known_hours: Mapping[str, HoursVerdict] = NO_HOURS,
    *,
    in_detail: bool = True,
) -> Screening:
    """`screen` on columns of clinicians, reusing the verdicts that are known.

    Without `in_detail` it finds who is eligible, but not every reservation about far rooms and
    changes of clocks. The ways of meeting of a context that has them hold for the client.
    """
    counts = {name: modes.get(name, c.mode) for name, c in practice.constraints.items()}
    constraints = tuple(c for n, c in practice.constraints.items() if counts[n] != "off")
    context = context if context.ways else with_ways(practice, client, columns, context, modes)
    hours: dict[str, HoursVerdict] = {}
    judged: dict[str, JudgedConstraint] = {}
    for each in constraints:
        if each.rule in ON_HOURS and context.ways:
            by_way = known_hours.get(each.name) or hours_verdict(each, client, columns, context)
            if by_way is not None:
                hours[each.name] = by_way
                continue
        found, mode = known.get(each.name), counts[each.name]
        if found is None or found.mode != mode:
            verdict = judge(each, client, columns, context) if found is None else found.verdict
            found = judged_constraint(each, mode, verdict, context.first_session)
        judged[each.name] = found
    rooms = _open_rooms(constraints, hours, client, columns, context) if in_detail else {}
    far = _far_rooms(constraints, counts, client, columns, context, rooms)
    verdicts = {name: each.verdict for name, each in judged.items()}
    verdicts |= {name: each.together for name, each in hours.items()}
    for name, km in far.items():
        if counts[name] == "soft" and name not in hours:
            verdicts[name] = np.where((verdicts[name] == 1) & ~np.isnan(km), 0.0, verdicts[name])
    excluding = np.zeros((len(constraints), columns.size), dtype=np.int8)
    cautioning = np.zeros_like(excluding)
    by_ways: dict[int, Mapping[str, VerdictCodes | None]] = {}
    moved: dict[str, dict[int, MovedTime]] = {}
    for place, each in enumerate(constraints):
        name, mode = each.name, counts[each.name]
        rows: dict[int, MovedTime] = {}
        if each.ways and name in hours:
            by_ways[place], rows = _codes_by_way(
                each, mode, hours[name], client, columns, context, in_detail=in_detail
            )
            codes = None
        elif name in hours or name in far:
            codes = codes_of(each, mode, verdicts[name])
        else:
            codes = judged[name].codes
        if in_detail and each.rule in ON_HOURS and place not in by_ways:
            rows = times_moved(each, client, columns, context, verdicts[name])
            codes = with_moves(codes, rows, columns.size)
        if rows:
            moved[name] = rows
        if codes is not None:
            excluding[place], cautioning[place] = codes.excluding, codes.cautioning
    lift_by_other_modes(practice, client, columns, constraints, by_ways, excluding, cautioning)
    earliest = earliest_day(context.first_session, client, context.day)
    return Screening(
        context.clinician_ids,
        constraints,
        counts,
        verdicts,
        excluding,
        cautioning,
        np.asarray(np.bitwise_or.reduce(excluding, axis=0, initial=0) == 0),
        context,
        first_sessions(context.first_session, columns, earliest),
        judged,
        hours,
        moved,
        far,
        rooms,
    )


def _codes_by_way(
    constraint: Constraint,
    mode: Mode,
    hours: HoursVerdict,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    *,
    in_detail: bool,
) -> tuple[dict[str, VerdictCodes | None], dict[int, MovedTime]]:
    """The codes of a constraint on open hours by way of meeting, and the times that move, by row.

    Ways with one verdict have the same codes.
    """
    moved: dict[int, MovedTime] = {}
    codes_by_verdict: dict[int, VerdictCodes | None] = {}
    by_way: dict[str, VerdictCodes | None] = {}
    for way, verdict in hours.by_way.items():
        if id(verdict) not in codes_by_verdict:
            codes_by_verdict[id(verdict)] = codes_of(constraint, mode, verdict)
        by_way[way] = codes_by_verdict[id(verdict)]
        if in_detail:
            rows = times_moved(constraint, client, columns, context, verdict, way)
            by_way[way] = with_moves(by_way[way], rows, columns.size)
            moved |= rows
    return by_way, moved


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
