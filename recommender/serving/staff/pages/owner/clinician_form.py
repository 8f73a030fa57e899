"""One clinician added, changed or removed by a form; the row is read as the import reads a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import ConflictError, FaultsError, StaleError
from recommender.journal.roster_versions import (
    Cells,
    RosterVersion,
    put_clinician,
    remove_clinician,
)
from recommender.practice.definition import Practice
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import require_store
from recommender.serving.snapshot.snapshot import ServingSnapshot, roster_version_of, rows_of
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import CLINICIANS, PRACTICE, page, redirect
from recommender.serving.staff.pages.availability import CHANGED_MEANWHILE, ways_of
from recommender.serving.staff.pages.clinician import CLINICIAN, ClinicianId, require_on_roster
from recommender.serving.staff.views.clinician_view import ClinicianView
from recommender.serving.staff.views.roster_form import (
    ID_COLUMN,
    FieldEntries,
    faults_by_field,
    roster_entries,
    sent_row,
)
from recommender.store.database import Transaction
from recommender.tables.cells import NAME_COLUMN

NEW_CLINICIAN = f"{PRACTICE}/clinicians/new"
ONE = f"{PRACTICE}/clinicians/{{clinician_id}}"
TAKEN = "This is the id of a clinician on the roster: choose another one."

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was refused, and why by field; nothing where none was sent."""

    sent: FormData | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@router.get(NEW_CLINICIAN)
async def get_new_clinician_page(request: Request) -> Response:
    """An empty form."""
    return await _page(request, None)


@router.post(NEW_CLINICIAN)
async def post_new_clinician(request: Request) -> Response:
    """Adds a clinician with the id that was typed."""
    sent = await read_form(request)
    return await _put(request, sent.text(ID_COLUMN), sent, is_new=True)


@router.get(ONE)
async def get_clinician_form(request: Request, clinician_id: ClinicianId) -> Response:
    """The form with all that the roster has of a clinician."""
    return await _page(request, clinician_id)


@router.post(ONE)
async def post_clinician(request: Request, clinician_id: ClinicianId) -> Response:
    """Replaces a clinician's row, if nobody else changed it since the form was opened."""
    return await _put(request, clinician_id, await read_form(request), is_new=False)


@router.post(f"{ONE}/removal")
async def post_removal(request: Request, clinician_id: ClinicianId) -> Response:
    """Removes a clinician from the roster once the id is typed again; earlier rows stay stored."""
    sent, context, actor = await read_form(request), app_state(request.app), caller(request).actor

    def write(transaction: Transaction, _: Practice) -> RosterVersion:
        seen = sent.text("seen")
        version = remove_clinician(transaction, clinician_id, seen=seen, actor=actor)
        if not version.rows:
            raise ConflictError("again", "is the only one on the roster", "add another one first")
        return version

    if sent.text("again") != clinician_id:
        faults = {"again": f"This is not {clinician_id}: nothing was changed."}
        return await _page(request, clinician_id, RefusedRow(None, faults, 422))
    try:
        await context.queues.lookups.run(context.rosters.change, write)
    except StaleError:
        return await _page(request, clinician_id, RefusedRow(None, {"": CHANGED_MEANWHILE}, 409))
    except ConflictError as error:
        faults = {"again": f"This clinician {error.problem}: {error.remedy}."}
        return await _page(request, clinician_id, RefusedRow(None, faults, 409))
    return redirect(CLINICIANS)


async def _put(request: Request, clinician_id: str, sent: FormData, *, is_new: bool) -> Response:
    context, actor = app_state(request.app), caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        cells = sent_row(practice, clinician_id, sent, datetime.now(UTC))
        seen = None if is_new else sent.text("seen")
        return put_clinician(transaction, practice, clinician_id, cells, seen=seen, actor=actor)

    about = None if is_new else clinician_id
    try:
        await context.queues.lookups.run(context.rosters.change, write)
    except FaultsError as error:
        return await _page(request, about, RefusedRow(sent, faults_by_field(error), 422))
    except StaleError:
        faults = {ID_COLUMN: TAKEN} if is_new else {"": CHANGED_MEANWHILE}
        return await _page(request, about, RefusedRow(sent, faults, 409))
    return redirect(CLINICIAN.format(clinician_id=clinician_id))


async def _page(
    request: Request, clinician_id: str | None, refused: RefusedRow | None = None
) -> Response:
    require_store(request)
    context, refused = app_state(request.app), refused or RefusedRow()
    state = await context.queues.lookups.run(context.rosters.newest)
    practice, roster = state.practice, state.encoding.roster
    cells: Cells = {}
    rooms: Sequence[str] = ()
    seen, title = "", "Add a clinician"
    if clinician_id is not None:
        require_on_roster(roster, clinician_id)
        view = ClinicianView(practice, roster, clinician_id)
        cells, rooms = rows_of(roster, practice)[clinician_id], view.rooms
        seen, title = roster_version_of(state).etag_of(clinician_id), f"Change {view.name}"
    sent = refused.sent
    return page(
        request,
        "owner_clinician.html",
        title,
        status=refused.status,
        clinician_id=clinician_id,
        typed_id=sent.text(ID_COLUMN) if sent else "",
        name=sent.text(NAME_COLUMN) if sent else cells.get(NAME_COLUMN, ""),
        parts=tuple(_parts(state, cells, sent)),
        rooms=rooms,
        ways=ways_of(practice),
        seen=seen,
        faults=refused.faults,
    )


def _parts(
    state: ServingSnapshot, cells: Cells, sent: FormData | None
) -> Iterator[tuple[str, tuple[FieldEntries, ...]]]:
    """The fields under four headings, each once, in the order of the definition."""
    practice, shown = state.practice, ("client", "staff")
    fields = practice.clinician
    named = [
        ("Places, hours and absences", set(state.clinicians.availability)),
        ("What cards show", {name for name in fields if fields[name].shown_to in shown}),
        ("How this clinician works", {name for name in fields if fields[name].use == "score"}),
        ("What rules look at", set(fields)),
    ]
    left = set(fields)
    for heading, names in named:
        own = [name for name in fields if name in names & left]
        left -= names
        if own:
            yield heading, roster_entries(practice, own, cells, sent)
