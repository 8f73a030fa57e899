"""The page on which one clinician's places, hours and absences are changed."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import FaultsError, StaleError
from recommender.journal.roster_versions import RosterVersion, patch_clinician
from recommender.practice.definition import Practice
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state
from recommender.serving.http.submitted_form import FormData
from recommender.serving.snapshot.snapshot import roster_version_of, rows_of
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import page, redirect
from recommender.serving.staff.pages.clinician import CLINICIAN, ClinicianId, require_on_roster
from recommender.serving.staff.views.clinician_view import ClinicianView
from recommender.serving.staff.views.roster_form import availability_cells, roster_entries
from recommender.store.database import Transaction

AVAILABILITY = f"{CLINICIAN}/availability"
CHANGED_MEANWHILE = (
    "Someone else changed this clinician meanwhile. The form shows what you typed: look at the "
    "clinician's page for what they entered, then save again."
)

router = APIRouter(include_in_schema=False)


@router.get(AVAILABILITY)
async def get_availability_page(request: Request, clinician_id: ClinicianId) -> Response:
    """The form with what the roster has."""
    return await _page(request, clinician_id)


@router.post(AVAILABILITY)
async def post_availability(request: Request, clinician_id: ClinicianId) -> Response:
    """Changes the availability, if nobody else changed the clinician since the form was opened."""
    sent, context = await read_form(request), app_state(request.app)
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        state = context.snapshots.require()
        before = rows_of(state.encoding.roster, practice)[clinician_id]
        cells = availability_cells(practice, state.clinicians.availability, before, sent)
        seen = sent.text("seen")
        return patch_clinician(transaction, practice, clinician_id, cells, seen=seen, actor=actor)

    newest = await context.queues.lookups.run(context.rosters.newest)
    require_on_roster(newest.encoding.roster, clinician_id)
    try:
        await context.queues.lookups.run(context.rosters.change, write)
    except FaultsError as error:
        faults = {each.where: _sentence(each.problem, each.remedy) for each in error.faults}
        return await _page(request, clinician_id, sent, faults, 422)
    except StaleError:
        return await _page(request, clinician_id, sent, {"": CHANGED_MEANWHILE}, 409)
    return redirect(CLINICIAN.format(clinician_id=clinician_id))


async def _page(
    request: Request,
    clinician_id: str,
    sent: FormData | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    context = app_state(request.app)
    state = await context.queues.lookups.run(context.rosters.newest)
    roster, practice = state.encoding.roster, state.practice
    require_on_roster(roster, clinician_id)
    view = ClinicianView(practice, roster, clinician_id)
    cells = rows_of(roster, practice)[clinician_id]
    names = state.clinicians.availability
    return page(
        request,
        "availability.html",
        f"Places, hours and absences of {view.name}",
        status=status,
        clinician_id=clinician_id,
        view=view,
        fields=roster_entries(practice, names, cells, sent),
        ways=ways_of(practice),
        seen=roster_version_of(state).etag_of(clinician_id),
        faults=faults or {},
    )


def ways_of(practice: Practice) -> tuple[str, ...]:
    """The ways of meeting, as a roster writes them; none where the practice has none."""
    return () if practice.ways is None else practice.clinician[practice.ways.clinician].levels


def _sentence(problem: str, remedy: str) -> str:
    return wording.sentence(f"{problem}: {remedy}.")
