"""Refuses to replace a request that cannot be replaced."""

from recommender.errors import NotFoundError
from recommender.journal.closings import closing_in_force, lock_request
from recommender.journal.pairings import pairings_from
from recommender.journal.recommendations import decisions_by_recommendation, find_recommendation
from recommender.journal.request_versions import all_versions
from recommender.security.scopes import Principal
from recommender.serving.http.problems import INVALID, FieldError, ProblemError
from recommender.store.database import Connection

UNKNOWN = "is not a recorded request; check the id, or leave it out"


def refuse_unreplaceable(
    connection: Connection, recommendation_id: str, client_id: str | None, principal: Principal
) -> None:
    """Refuses a request of another client, and one that staff have finished with.

    A request without a `client_id` may be replaced by one with it.

    Raises
    ------
    ProblemError
        422 when it is unknown to the caller, another client's, decided on, started or closed.
    """
    lock_request(connection, recommendation_id)
    try:
        recorded = find_recommendation(connection, recommendation_id)
    except NotFoundError:
        raise refused("unknown_request", UNKNOWN) from None
    if not principal.sees(recorded.actor):
        raise refused("unknown_request", UNKNOWN)
    if recorded.shown.client_id not in (None, client_id):
        message = "is a request of another client; send the `client_id` it was made with"
        raise refused("other_client", message)
    versions = all_versions(connection, [recommendation_id])
    begun = pairings_from(connection, versions).values()
    started = any(not each.outcome.withdrawn for some in begun for each in some)
    if started or decisions_by_recommendation(connection, versions):
        raise refused("decided", "was decided on; leave it out and make a request of its own")
    if closing_in_force(connection, recommendation_id) is not None:
        raise refused("closed", "is closed; reopen it first, or leave it out")


def refused(code: str, message: str) -> ProblemError:
    """The problem of a request that cannot be replaced."""
    return ProblemError(INVALID, [FieldError(pointer="/replaces", code=code, message=message)])
