"""What the section Decide of a request shows: its decisions, pairings and forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.journal.recommendations import RecordedDecision, decisions_of
from recommender.journal.work_list import begun_from
from recommender.security.accounts import account_names
from recommender.serving.staff.views.request_view import RequestView
from recommender.store.database import Connection


@dataclass(frozen=True, slots=True)
class RequestProgress:
    """Decisions on a request and pairings begun from it, oldest first; names of accounts by id."""

    decisions: tuple[RecordedDecision, ...] = ()
    pairings: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedDecision:
    """Why the form that was sent could not be stored; without faults nothing was sent."""

    faults: tuple[str, ...] = ()
    status: int = 200


def request_progress(connection: Connection, recommendation_id: str) -> RequestProgress:
    """What became of a request."""
    return RequestProgress(
        decisions_of(connection, recommendation_id),
        begun_from(connection, recommendation_id),
        account_names(connection),
    )


def decision_values(
    view: RequestView, progress: RequestProgress, refused: RefusedDecision
) -> dict[str, Any]:
    """Values of `decide.html`, by the names it uses."""
    response = view.response
    excluded = {each.clinician_id for each in response.excluded}
    by_name = sorted(view.names.items(), key=lambda each: each[1])
    return {
        "faults": refused.faults,
        "decisions": progress.decisions,
        "pairings": progress.pairings,
        "accounts": progress.accounts,
        "names": view.names,
        "shown": tuple((each.clinician_id, each.name) for each in response.shortlist),
        "excluded": [each for each in by_name if each[0] in excluded],
        "eligible": [each for each in by_name if each[0] not in excluded],
    }
