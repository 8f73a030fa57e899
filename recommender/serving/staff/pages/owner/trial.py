"""The page of a trial of the order: how far it is, and no result before it has ended."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import ConflictError, NotFoundError
from recommender.journal.trial_arms import trials_of_harm
from recommender.journal.trials import StoredTrial, TrialClient, newest_trial, trial_clients
from recommender.monitoring.trial_clients import clients_of_trial
from recommender.serving.dependencies import current_snapshot
from recommender.serving.idempotency import has_store, read
from recommender.serving.staff.page import PRACTICE, page
from recommender.store.database import Connection
from recommender.trial.looks import CONTINUE, TrialLook
from recommender.trial.protocol import TrialClients, TrialProtocol
from recommender.trial.report import report_of

TRIAL = f"{PRACTICE}/trial"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class FoundTrial:
    """The newest trial with its clients, and whether the model's order is withdrawn after harm."""

    stored: StoredTrial
    clients: tuple[TrialClient, ...]
    withdrawn: bool


@router.get(TRIAL)
async def get_trial_page(request: Request) -> Response:
    """The newest trial: counts over both arms together, its looks, and what it found at its end."""
    found = await read(request, _newest) if has_store(request) else None
    if found is None:
        return page(request, "owner_trial.html", "Trial of the order", trial=None)
    stored, practice = found.stored, current_snapshot(request.app).practice
    protocol = TrialProtocol.from_json(stored.trial.protocol)
    clients = clients_of_trial(found.clients, practice)
    progress = clients.progress()
    return page(
        request,
        "owner_trial.html",
        "Trial of the order",
        trial=stored,
        protocol=protocol,
        progress=progress,
        due=protocol.next_due([each.rated for each in stored.looks]),
        looked_last=_looked_last(stored),
        withdrawn=found.withdrawn,
        sentence=_sentence(stored, protocol, clients),
        zone=ZoneInfo(practice.timezone),
    )


def _sentence(stored: StoredTrial, protocol: TrialProtocol, clients: TrialClients) -> str:
    """What may be claimed after the last look; empty before, and where it cannot be said."""
    if not _looked_last(stored):
        return ""
    try:
        protocol.refuse_other_analysis()
    except ConflictError:
        return ""
    look = TrialLook.from_result(stored.looks[-1].result)
    return report_of(clients, protocol, look).sentence


def _looked_last(stored: StoredTrial) -> bool:
    return bool(stored.looks) and stored.looks[-1].decision != CONTINUE


def _newest(connection: Connection) -> FoundTrial | None:
    try:
        stored = newest_trial(connection)
    except NotFoundError:
        return None
    withdrawn = stored.ended is not None and bool(trials_of_harm(connection))
    return FoundTrial(stored, trial_clients(connection, stored.trial.trial_id), withdrawn)
