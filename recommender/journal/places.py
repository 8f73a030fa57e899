"""The open place a recommendation holds, and counting it when that changes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection

from recommender.errors import NotFoundError
from recommender.journal.pairings import pairings_from
from recommender.journal.recommendations import decisions_of, find_recommendation
from recommender.journal.roster_versions import current_roster, give_place, take_place
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint


def place_held(connection: Connection, recommendation_id: str) -> str | None:
    """The clinician of whom a recommendation holds a place; None while it holds none.

    A decision holds a place with its clinician until a later one replaces it, or until the pairing
    begun after it is withdrawn; a pairing begun again holds it again.
    """
    decisions = decisions_of(connection, recommendation_id)
    if not decisions:
        return None
    begun = pairings_from(connection, [recommendation_id]).get(recommendation_id, ())
    since = [each for each in begun if each.recorded_at >= decisions[-1].recorded_at]
    if since and all(each.outcome.withdrawn for each in since):
        return None
    return decisions[-1].decision.clinician_id


@contextmanager
def counting_places(
    connection: Connection, practice: Practice, recommendation_id: str | None, *, actor: str
) -> Iterator[None]:
    """Counts the place that a recommendation holds after what is written within, if it changed.

    Does nothing when the practice does not count places, the journal has no roster, the client
    agreed to wait for a place, or the recommendation's content is no longer stored.

    Raises
    ------
    ConflictError
        When no place is open.
    """
    capacity = practice.capacity
    if recommendation_id is None or capacity is None or not current_roster(connection).number:
        yield
        return
    before = place_held(connection, recommendation_id)
    yield
    after = place_held(connection, recommendation_id)
    if before == after:
        return
    try:
        answers = find_recommendation(connection, recommendation_id).shown.answers
    except NotFoundError:
        return
    if _waits(capacity, answers):
        return
    for clinician_id, count in ((before, give_place), (after, take_place)):
        # A clinician who left the roster has no places; what was written stays.
        with suppress(NotFoundError):
            if clinician_id is not None:
                count(connection, practice, clinician_id, capacity.clinician[0], actor=actor)


def _waits(capacity: Constraint, answers: Mapping[str, Any]) -> bool:
    return capacity.unless is not None and answers.get(capacity.unless.client) is True
