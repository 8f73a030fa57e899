"""What the section Decide of a request shows: its decisions, pairings and forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from recommender.journal.closings import RecordedClosing, closing_in_force
from recommender.journal.pairings import BegunPairing, is_undone, pairings_from
from recommender.journal.recommendations import RecordedDecision, decisions_of
from recommender.security.accounts import account_names
from recommender.serving.staff.form_data import TypedForm
from recommender.serving.staff.views.current_cards import current_cards
from recommender.serving.staff.views.request_view import RequestView
from recommender.store.database import Connection

BEGIN, CLOSE = "begin", "close"
"""Names of the forms that start a pairing and that close a request."""


@dataclass(frozen=True, slots=True)
class RequestProgress:
    """Decisions on a request and pairings begun from it, oldest first; names of accounts by id.

    `closing` is the row that closes it, None while it is open.
    """

    decisions: tuple[RecordedDecision, ...] = ()
    begun: tuple[BegunPairing, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    closing: RecordedClosing | None = None

    @property
    def started(self) -> bool:
        """Whether a pairing that began from it neither ended nor was undone."""
        return any(each.outcome.is_open for each in self.begun)

    @property
    def undone(self) -> bool:
        """Whether what began since the last decision was undone."""
        return bool(self.decisions) and is_undone(self.begun, self.decisions[-1].recorded_at)


def request_progress(connection: Connection, recommendation_id: str) -> RequestProgress:
    """What became of a request."""
    return RequestProgress(
        decisions_of(connection, recommendation_id),
        pairings_from(connection, [recommendation_id]).get(recommendation_id, ()),
        account_names(connection),
        closing_in_force(connection, recommendation_id),
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
        "started": progress.started,
        "undone": progress.undone,
        "closing": progress.closing,
        "next_day": _next_day(view, progress),
        "accounts": progress.accounts,
        "zone": view.zone,
        "names": view.names,
        "excluded": [each for each in by_name if each[0] in view.excluded],
        "eligible": view.fitting,
    }


def _next_day(view: RequestView, progress: RequestProgress) -> date | None:
    """The day of the next time of the clinician decided on, where there is one to be booked."""
    if not progress.decisions or progress.started or progress.closing:
        return None
    chosen = progress.decisions[-1].decision.clinician_id
    practice, roster = view.state.practice, view.state.encoding.roster
    card = current_cards(view.shown, practice, roster, (chosen,), datetime.now(UTC)).get(chosen)
    if card is None or not card.next_times:
        return None
    return card.next_times[0].starts_at.astimezone(view.zone).date()
