"""Screens clinicians for a client: every constraint on every clinician, with every reason.

Constraints apply before scores: no predicted alliance compensates for a hard constraint.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

import numpy as np

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import Constraint, Mode, judge
from recommender.practice.rules.first_session import earliest_day, first_sessions
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.codes import (
    JudgedConstraint,
    JudgedGroup,
    VerdictCodes,
    codes_of,
    group_of,
    judged_constraint,
    lift_by_other_modes,
    with_moves,
)
from recommender.screening.layout import DECLARED_MODES, Layout, Modes, layout_for
from recommender.screening.meeting_ways import (
    HoursVerdict,
    hours_verdict,
    times_moved,
    with_ways,
)
from recommender.screening.room_times import RoomsWithTimes
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster

NO_HOURS: Mapping[str, HoursVerdict] = MappingProxyType({})


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
    layout = layout_for(practice, roster.columns, modes)
    return screen_columns(layout, client, roster.columns, context)


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
    layout: Layout,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    known: Iterable[JudgedGroup] = (),
    known_hours: Mapping[str, HoursVerdict] = NO_HOURS,
    *,
    in_detail: bool = True,
) -> Screening:
    """`screen` on columns of clinicians, reusing the verdicts that are known.

    Without `in_detail` it finds who is eligible, but not every reservation about far rooms and
    changes of clocks. The ways of meeting of a context that has them hold for the client.
    """
    context = context if context.ways else with_ways(layout, client, columns, context)
    excluding, cautioning = np.zeros((2, len(layout.constraints), columns.size), dtype=np.int8)
    judged: dict[str, JudgedConstraint] = {}
    for each in known:
        group = each if each.layout is layout else group_of(layout, each.judged, columns.size)
        judged.update(group.judged)
        if len(group.places):
            excluding[group.places], cautioning[group.places] = group.excluding, group.cautioning

    def place_codes(name: str, codes: VerdictCodes | None) -> None:
        if codes is not None:
            place = layout.places[name]
            excluding[place], cautioning[place] = codes.excluding, codes.cautioning

    for rule in layout.direct:
        if rule.name not in judged:
            verdict = judge(rule, client, columns, context)
            mode = layout.modes[rule.name]
            judged[rule.name] = judged_constraint(rule, mode, verdict, context.first_session)
            place_codes(rule.name, judged[rule.name].codes)
    hours = {
        rule.name: known_hours.get(rule.name) or hours_verdict(rule, client, columns, context)
        for rule in layout.by_way
    }
    verdicts = {name: found.verdict for name, found in judged.items()}
    verdicts |= {name: found.together for name, found in hours.items()}
    rooms = RoomsWithTimes(
        layout.distances, layout.modes, hours, layout.by_way, client, columns, context
    )
    for rule in layout.distances if in_detail else ():
        if layout.modes[rule.name] == "soft" and rule.name in rooms.far:
            is_far = (verdicts[rule.name] == 1) & ~np.isnan(rooms.far[rule.name])
            verdicts[rule.name] = np.where(is_far, 0.0, verdicts[rule.name])
            place_codes(rule.name, codes_of(rule, "soft", verdicts[rule.name]))
    by_ways: dict[int, Mapping[str, VerdictCodes | None]] = {}
    moved: dict[str, Mapping[int, MovedTime]] = {}
    for rule in (*layout.moving, *layout.by_way):
        mode = layout.modes[rule.name]
        rows: dict[int, MovedTime] = {}
        if rule.ways and rule.name in hours:
            by_ways[layout.places[rule.name]], rows = _codes_by_way(
                rule,
                mode,
                hours[rule.name],
                client,
                columns,
                context,
                in_detail=in_detail,
            )
        else:
            codes = codes_of(rule, mode, verdicts[rule.name])
            if in_detail:
                rows = times_moved(rule, client, columns, context, verdicts[rule.name])
            place_codes(rule.name, with_moves(codes, rows, columns.size))
        if rows:
            moved[rule.name] = rows
    lift_by_other_modes(layout, client, columns, by_ways, excluding, cautioning)
    earliest = earliest_day(context.first_session, client, context.day)
    return Screening(
        context.clinician_ids,
        layout,
        verdicts,
        excluding,
        cautioning,
        np.asarray(np.bitwise_or.reduce(excluding, axis=0, initial=0) == 0),
        context,
        first_sessions(context.first_session, columns, earliest),
        judged,
        hours,
        moved,
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
