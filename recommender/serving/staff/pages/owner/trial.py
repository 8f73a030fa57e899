"""The page of a trial of the order: how far it is, and no result before it has ended."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.trials import StoredTrial, TrialClient, newest_trial, trial_clients
from recommender.monitoring.trial_clients import clients_of_trial
from recommender.serving.dependencies import current_snapshot
from recommender.serving.idempotency import has_store, read
from recommender.serving.staff.page import PRACTICE, page
from recommender.store.database import Connection
from recommender.trial.protocol import TrialProtocol

TRIAL = f"{PRACTICE}/trial"

router = APIRouter(include_in_schema=False)


@router.get(TRIAL)
async def get_trial_page(request: Request) -> Response:
    """The newest trial: counts over both arms together, and when the next look is due."""
    found = await read(request, _newest) if has_store(request) else None
    if found is None:
        return page(request, "owner_trial.html", "Trial of the order", trial=None)
    stored, clients = found
    protocol = TrialProtocol.from_json(stored.trial.protocol)
    progress = clients_of_trial(clients, current_snapshot(request.app).practice).progress()
    return page(
        request,
        "owner_trial.html",
        "Trial of the order",
        trial=stored,
        protocol=protocol,
        progress=progress,
        share=min(progress["rated"] / protocol.rated, 1.0),
        due=protocol.next_due([each.rated for each in stored.looks]),
    )


def _newest(connection: Connection) -> tuple[StoredTrial, tuple[TrialClient, ...]] | None:
    try:
        stored = newest_trial(connection)
    except NotFoundError:
        return None
    return stored, trial_clients(connection, stored.trial.trial_id)
