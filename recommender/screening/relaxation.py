"""Searches the smallest changes of a client's answers that admit excluded clinicians.

Only constraints that the definition declares relaxable are changed; whether a change is worth
offering is decided in `recommendation.relaxation_offers`.
"""

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.rules.constraint import Constraint, judge
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.change_search import ChangeSearch, meeting_mode_constraint
from recommender.screening.changes import Change, Relaxation, ScreenedRequest
from recommender.screening.layout import way_bits
from recommender.screening.meeting_ways import (
    fields_of_ways,
    hours_verdict,
    is_barred,
    shared_ways,
    with_ways,
)
from recommender.screening.screening import Screening
from recommender.screening.way_codes import without_ways
from recommender.values.kinds import KINDS

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

MAX_CHANGES = 2
"""Changes made together while any clinician is eligible: more would be another request."""


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
    if meeting_mode_constraint(request) is None:
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
    search = ChangeSearch(request, candidates)
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

    Only constraints that depend on a changed answer are judged again, and only for whom they
    exclude: a clinician whom another constraint excludes remains excluded.
    """
    screening, fields, practice = request.screening, relaxation.fields, request.practice
    layout = screening.layout
    ways_change = not fields.isdisjoint(fields_of_ways(practice))
    again = {name for name, read in layout.reads.items() if not read.isdisjoint(fields)}
    if ways_change:
        again |= {each.name for each in layout.by_way}
    hard = [each for each in layout.constraints if layout.modes[each.name] == "hard"]
    # Constraints about some ways of meeting exclude together.
    about = [each for each in hard if each.ways] if practice.ways is not None else []
    if not (ways_change or any(each.name in again for each in about)):
        about = []
    together = {each.name for each in about}
    single = [each for each in hard if each.name in again and each.name not in together]
    remain = np.ones(len(layout.constraints), dtype=np.bool_)
    remain[[layout.places[each.name] for each in (*about, *single)]] = False
    open_ = ~screening.eligible & ~screening.excluding[remain].any(axis=0)
    if not open_.any():
        return np.flatnonzero(open_)
    client = changed(request, relaxation.changes)
    context = screening.context
    if ways_change:
        shared = None if practice.ways is None else shared_ways(practice, client, request.roster)
        context = with_ways(layout, client, request.roster, request.context, shared)
    for each in single:
        if each.name in screening.hours:
            verdict = hours_verdict(each, client, request.roster, context).together
        else:
            verdict = judge(each, client, request.roster, context)
        open_ &= ~is_barred(each, verdict)
    if about:
        open_ &= ~_barred_in_all_ways(request, client, context, about, again)
    return np.flatnonzero(open_)


def _barred_in_all_ways(
    request: ScreenedRequest,
    client: Columns,
    context: RequestContext,
    about: Sequence[Constraint],
    again: Set[str],
) -> Flags:
    """Whether constraints about ways of meeting exclude each way that is shared, (n,).

    Those of `again` are judged again.
    """
    screening, roster = request.screening, request.roster
    levels = screening.layout.ways
    shared = shared_ways(request.practice, client, roster).bits
    open_ways = shared
    for each in about:
        if each.name in screening.hours:
            hours = screening.hours[each.name]
            if each.name in again:
                hours = hours_verdict(each, client, roster, context)
            verdicts = hours.verdicts
        elif each.name in again:
            verdicts = ((judge(each, client, roster, context), each.ways),)
        else:
            verdicts = ((screening.judged[each.name].verdict, each.ways),)
        for verdict, ways in verdicts:
            open_ways = without_ways(open_ways, way_bits(levels, ways), is_barred(each, verdict))
    return np.asarray((shared != 0) & (open_ways == 0))


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
    if len(changes) == 1:
        return max_count > 0
    alone = len(changes) == 1 or not any(change.ask for change in changes)
    return alone and len({change.field for change in changes}) == len(changes) <= max_count
