"""Searches the smallest changes of a client's answers that admit excluded clinicians.

Only constraints that the definition declares relaxable are changed; whether a change is worth
offering is decided in `recommendation.relaxation_offers`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.rules.constraint import (
    client_fields,
)
from recommender.screening.change_search import ChangeSearch, meeting_mode_constraint
from recommender.screening.changes import Change, Relaxation, ScreenedRequest
from recommender.screening.known_verdicts import known_of
from recommender.screening.meeting_ways import fields_of_ways
from recommender.screening.screen import NO_HOURS, screen_columns
from recommender.screening.screening import Screening
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

    Only constraints that read a changed answer are judged again.
    """
    screening, fields = request.screening, relaxation.fields
    judged = {
        name: each for name, each in screening.judged.items() if each.reads.isdisjoint(fields)
    }
    known = known_of(screening.layout, judged, request.roster.size)
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
