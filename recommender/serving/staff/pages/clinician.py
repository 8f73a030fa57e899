"""The page of one clinician: facts, hours, places, and how often and why they were shown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.rated_pairings import Exposure, exposures
from recommender.journal.recent_responses import on_roster_since, recent_responses
from recommender.monitoring.clinician_records import DAYS
from recommender.monitoring.left_out import RequestsOfClinician, requests_of_clinician
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.idempotency import has_store, read
from recommender.serving.staff import wording
from recommender.serving.staff.page import CLINICIANS, page
from recommender.serving.staff.views.clinician_view import ClinicianView
from recommender.serving.stored_recommendation import current_content
from recommender.store.database import Connection
from recommender.tables.roster import Roster
from recommender.values.ids import ID_PATTERN

CLINICIAN = f"{CLINICIANS}/{{clinician_id}}"
MAX_RESPONSES = 200
"""Latest requests whose reasons are counted: each response is decrypted and read."""
ClinicianId = Annotated[str, Path(pattern=ID_PATTERN)]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Lately:
    """What the journal has of one clinician in the last days."""

    counts: Exposure
    responses: tuple[bytes, ...]


@router.get(CLINICIAN)
async def get_clinician_page(request: Request, clinician_id: ClinicianId) -> Response:
    """One clinician of the roster; the record of ratings is a page of its own."""
    state, now = current_snapshot(request.app), datetime.now(UTC)
    roster = state.encoding.roster
    require_on_roster(roster, clinician_id)
    lately: Lately | None = None
    since = now - timedelta(days=DAYS)
    if has_store(request):
        lately = await read(request, partial(_lately, clinician_id=clinician_id, since=since))

    def values() -> dict[str, Any]:
        view = ClinicianView(state.practice, roster, clinician_id)
        return {
            "view": view,
            "next_times": view.next_times(now),
            "counts": lately and lately.counts,
            "requests": lately and _requests(clinician_id, lately),
        }

    shown = await run_in_pool(request.app, values)
    return page(
        request,
        "clinician.html",
        shown["view"].name,
        days=DAYS,
        since=wording.local_day(since, ZoneInfo(state.practice.timezone)),
        most=MAX_RESPONSES,
        now=now,
        clinician_id=clinician_id,
        may_change_all=has_store(request) and caller(request).may(Scope.ROSTER_WRITE),
        may_edit=has_store(request) and caller(request).may(Scope.AVAILABILITY_WRITE),
        today=state.practice.day_at(now),
        zone=ZoneInfo(state.practice.timezone),
        as_of=roster.taken_at,
        **shown,
    )


def require_on_roster(roster: Roster, clinician_id: str) -> None:
    """Refuses (404) a clinician who is not on a roster."""
    if clinician_id not in roster.ids:
        raise NotFoundError("clinician_id", "is not on the roster", "choose another clinician")


def _lately(connection: Connection, *, clinician_id: str, since: datetime) -> Lately:
    counts = exposures(connection, since=since).get(clinician_id, Exposure())
    first = on_roster_since(connection, clinician_id)
    begun = since if first is None else max(since, first)
    return Lately(counts, recent_responses(connection, since=begun, limit=MAX_RESPONSES))


def _requests(clinician_id: str, lately: Lately) -> RequestsOfClinician:
    responses = (current_content(each) for each in lately.responses)
    return requests_of_clinician(clinician_id, responses)
