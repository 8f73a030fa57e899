"""The open place a recommendation holds, and counting it when that changes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection

from recommender.errors import NotFoundError
from recommender.journal.closings import CLOSED, RESUMED, closings_by_recommendation
from recommender.journal.pairings import is_undone, pairings_from
from recommender.journal.recommendations import (
    RecordedDecision,
    decisions_by_recommendation,
    find_recommendation,
)
from recommender.journal.request_versions import all_versions
from recommender.journal.roster_versions import give_place, newest_number, take_place
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint


@contextmanager
def counting_places(
    connection: Connection, practice: Practice, recommendation_id: str | None, *, actor: str
) -> Iterator[None]:
    """Counts the place that a recommendation holds after what is written within, if it changed.

    Does nothing when the practice does not count places or the journal has no roster. A decision
    counts for no place where the client agreed to wait for one, or where the content of the
    recommendation it was made on is no longer stored.

    Raises
    ------
    ConflictError
        When no place is open.
    """
    capacity = practice.capacity
    if recommendation_id is None or capacity is None or not newest_number(connection):
        yield
        return
    held = _holding(connection, recommendation_id)
    yield
    holding = _holding(connection, recommendation_id)
    if held == holding:
        return
    before, after = (_counted(connection, capacity, each) for each in (held, holding))
    if before == after:
        return
    for clinician_id, count in ((before, give_place), (after, take_place)):
        # A clinician who left the roster has no places; what was written stays.
        with suppress(NotFoundError):
            if clinician_id is not None:
                count(connection, practice, clinician_id, capacity.clinician[0], actor=actor)


def _holding(connection: Connection, recommendation_id: str) -> RecordedDecision | None:
    """The decision by which a recommendation holds a place; None while it holds none.

    A decision holds a place with its clinician until a later one replaces it, or until the pairing
    begun after it is withdrawn; a pairing begun again holds it again. Closing the request releases
    it: reopening takes it again, going on with the request only with the pairing. All versions of
    a request hold one place together: that of the newest decision on any of them.
    """
    versions = all_versions(connection, [recommendation_id])
    by_version = decisions_by_recommendation(connection, versions)
    decisions = [each for some in by_version.values() for each in some]
    if not decisions:
        return None
    newest = max(decisions, key=lambda each: (each.recorded_at, each.decision_id))
    begun = [each for some in pairings_from(connection, versions).values() for each in some]
    if any(each.recorded_at >= newest.recorded_at for each in begun):
        return None if is_undone(begun, newest.recorded_at) else newest
    rows = closings_by_recommendation(connection, versions).values()
    since = [each for some in rows for each in some if each.recorded_at >= newest.recorded_at]
    last = max(since, key=lambda each: each.recorded_at, default=None)
    released = any(each.kind == RESUMED for each in since) or (last and last.kind == CLOSED)
    return None if released else newest


def _counted(
    connection: Connection, capacity: Constraint, holding: RecordedDecision | None
) -> str | None:
    """The clinician of whom a place is counted for the decision that holds it."""
    if holding is None:
        return None
    decision = holding.decision
    try:
        answers = find_recommendation(connection, decision.recommendation_id).shown.answers
    except NotFoundError:
        return None
    return None if _waits(capacity, answers) else decision.clinician_id


def _waits(capacity: Constraint, answers: Mapping[str, Any]) -> bool:
    return capacity.unless is not None and answers.get(capacity.unless.client) is True
