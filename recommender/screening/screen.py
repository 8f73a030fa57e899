"""Screens clinicians for a client: every constraint on every clinician, with every reason.

Constraints apply before scores: no predicted alliance compensates for a hard constraint.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import judge, rule_input_of
from recommender.practice.rules.first_session import earliest_day, first_sessions
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.codes import MET, Codes, codes_of, with_moves
from recommender.screening.known_verdicts import (
    JudgedConstraint,
    KnownVerdicts,
    judged_constraint,
    known_of,
    write_codes,
)
from recommender.screening.layout import DECLARED_MODES, Layout, Modes, layout_for
from recommender.screening.meeting_ways import (
    Array,
    HoursVerdict,
    hours_verdict,
    shared_ways,
    times_moved,
    with_ways,
)
from recommender.screening.room_times import RoomsWithTimes
from recommender.screening.screening import Screening
from recommender.screening.way_codes import WayCodes, codes_by_way, lift_by_other_modes
from recommender.tables.roster import Roster


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
    known: KnownVerdicts | None = None,
) -> Screening:
    """`screen` on columns of clinicians, reusing the verdicts that are known."""
    shared = None
    if layout.practice.ways is not None:
        shared = shared_ways(layout.practice, client, columns)
    context = with_ways(layout, client, columns, context, shared)
    known = known or known_of(layout, {}, columns.size)
    codes = known.written_codes()
    judged: dict[str, JudgedConstraint] = {}
    for rule in known.unknown:
        verdict, mode = judge(rule, client, columns, context), layout.modes[rule.name]
        judged[rule.name] = own = judged_constraint(rule, mode, verdict)
        write_codes(codes, layout.places[rule.name], own.codes)
    hours = {rule.name: hours_verdict(rule, client, columns, context) for rule in layout.by_way}
    rooms = RoomsWithTimes(layout.distances, layout.modes, hours, client, columns, context)
    by_ways, moved = _write_hours(layout, hours, codes)
    far: dict[str, Array] = {}
    if layout.soft_distances or layout.moving:
        every = known.judged() | judged
        read = (*layout.soft_distances, *layout.moving)
        verdicts = {rule.name: every[rule.name].verdict for rule in read}
        far = _write_far_rooms(layout, verdicts, rooms, codes)
        moved |= _write_moves(layout, verdicts, rooms, codes)
    if shared is not None:
        lift_by_other_modes(layout, shared.bits, by_ways, codes)
    earliest = earliest_day(context.first_session, client, context.day)
    return Screening(
        context.clinician_ids,
        layout,
        codes[0],
        codes[1],
        np.asarray(np.bitwise_or.reduce(codes[0], axis=0) == MET),
        context,
        first_sessions(context.first_session, columns, earliest),
        known,
        judged,
        far,
        hours,
        moved,
        rooms,
    )


def _write_hours(
    layout: Layout, hours: Mapping[str, HoursVerdict], codes: Codes
) -> tuple[dict[int, tuple[WayCodes, ...]], dict[str, Mapping[int, MovedTime]]]:
    """The codes of constraints on open hours by place and way of meeting, and the times that move.

    Those with one verdict, and those about all ways, are written to their places.
    """
    by_ways: dict[int, tuple[WayCodes, ...]] = {}
    moved: dict[str, Mapping[int, MovedTime]] = {}
    for rule in layout.by_way:
        verdict, mode, place = hours[rule.name], layout.modes[rule.name], layout.places[rule.name]
        if verdict.inputs is None:
            continue
        if rule.ways:
            found, rows = codes_by_way(layout, verdict, mode)
            if len(found) == 1:
                write_codes(codes, place, found[0].codes)
            elif any(each.codes is not None for each in found):
                by_ways[place] = found
        else:
            rows = verdict.times_moved(verdict.together)
            own = with_moves(codes_of(rule, mode, verdict.together), rows, verdict.columns.size)
            write_codes(codes, place, own)
        if rows:
            moved[rule.name] = rows
    return by_ways, moved


def _write_far_rooms(
    layout: Layout, verdicts: Mapping[str, Array], rooms: RoomsWithTimes, codes: Codes
) -> dict[str, Array]:
    """The verdicts of soft distances, by name, where rooms in reach have no time."""
    far: dict[str, Array] = {}
    for rule in layout.soft_distances:
        if rule.name in rooms.far:
            is_far = (verdicts[rule.name] == 1) & ~np.isnan(rooms.far[rule.name])
            far[rule.name] = np.where(is_far, 0.0, verdicts[rule.name])
            write_codes(codes, layout.places[rule.name], codes_of(rule, "soft", far[rule.name]))
    return far


def _write_moves(
    layout: Layout, verdicts: Mapping[str, Array], request: RoomsWithTimes, codes: Codes
) -> dict[str, Mapping[int, MovedTime]]:
    """The times that move of constraints on hours that do not depend on the way of meeting."""
    moved: dict[str, Mapping[int, MovedTime]] = {}
    for rule in layout.moving:
        verdict = verdicts[rule.name]
        inputs = rule_input_of(rule, request.client, request.columns, request.context)
        rows = times_moved(rule, inputs, verdict)
        if rows:
            own = codes_of(rule, layout.modes[rule.name], verdict)
            own = with_moves(own, rows, request.columns.size)
            write_codes(codes, layout.places[rule.name], own)
            moved[rule.name] = rows
    return moved
