"""What the section Decide of a request shows: its decisions, pairings and forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.journal.pairings import BegunPairing, pairings_from
from recommender.journal.recommendations import RecordedDecision, decisions_of
from recommender.security.accounts import account_names
from recommender.serving.staff.form_data import TypedForm
from recommender.serving.staff.views.request_view import RequestView
from recommender.store.database import Connection

BEGIN = "begin"
"""The name of the form that starts a pairing."""


@dataclass(frozen=True, slots=True)
class RequestProgress:
    """Decisions on a request and pairings begun from it, oldest first; names of accounts by id."""

    decisions: tuple[RecordedDecision, ...] = ()
    begun: tuple[BegunPairing, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)


def request_progress(connection: Connection, recommendation_id: str) -> RequestProgress:
    """What became of a request."""
    return RequestProgress(
        decisions_of(connection, recommendation_id),
        pairings_from(connection, [recommendation_id]).get(recommendation_id, ()),
        account_names(connection),
    )


def decision_values(
    view: RequestView, progress: RequestProgress, typed: TypedForm
) -> dict[str, Any]:
    """Values of `decide.html`, by the names it uses."""
    by_name = sorted(view.names.items(), key=lambda each: each[1])
    return {
        "typed": typed,
        "decisions": progress.decisions,
        "begun": progress.begun,
        "started": any(each.outcome.is_open for each in progress.begun),
        "accounts": progress.accounts,
        "zone": view.zone,
        "names": view.names,
        "excluded": [each for each in by_name if each[0] in view.excluded],
        "eligible": view.fitting,
    }
