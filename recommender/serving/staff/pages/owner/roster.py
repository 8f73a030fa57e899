"""Import of a roster file: what it changes is shown before it is applied."""

from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import FaultsError, StaleError
from recommender.journal.roster_versions import Cells, RosterVersion, replace_roster
from recommender.practice.definition import Practice
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import require_store
from recommender.serving.snapshot.snapshot import ServingSnapshot, roster_version_of, rows_of
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import PRACTICE, page
from recommender.serving.staff.views.roster_changes import RosterChanges, roster_changes
from recommender.store.database import Transaction
from recommender.tables.loader import roster_of_csv

ROSTER = f"{PRACTICE}/roster"
ROSTER_APPLIED = f"{ROSTER}/application"
CHANGED_MEANWHILE = (
    "Someone else changed the roster meanwhile, and nothing was applied. What the file would "
    "change now is below: look at it again."
)
MAX_FAULTS = 100
"""Faults that are named; a file with more has one mistake in many rows."""

router = APIRouter(include_in_schema=False)


@router.get(ROSTER)
async def get_roster_page(request: Request) -> Response:
    """The form for a file."""
    require_store(request)
    return _page(request, FormData({}))


@router.post(ROSTER)
async def post_roster(request: Request) -> Response:
    """What a file would change; nothing is changed."""
    return await _preview(request, await read_form(request))


@router.post(ROSTER_APPLIED)
async def post_application(request: Request) -> Response:
    """Replaces the roster by the file, if it is still the one the preview was made for."""
    sent, context = await read_form(request), app_state(request.app)
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        rows = _rows(context.snapshots.require(), sent)
        return replace_roster(transaction, practice, rows, seen=sent.text("seen"), actor=actor)

    before = await context.queues.lookups.run(context.rosters.newest)
    try:
        after, _ = await context.queues.lookups.run(context.rosters.change, write)
    except StaleError:
        return await _preview(request, sent, CHANGED_MEANWHILE, 409)
    except FaultsError as error:
        return _page(request, sent, faults=_texts(error), status=422)
    changes = roster_changes(after.practice, _present(before), _present(after))
    return _page(request, FormData({}), applied=changes)


async def _preview(
    request: Request, sent: FormData, stale: str = "", status: int = 200
) -> Response:
    require_store(request)
    context = app_state(request.app)
    state = await context.queues.lookups.run(context.rosters.newest)
    try:
        after = await context.queues.lookups.run(_rows, state, sent)
    except FaultsError as error:
        return _page(request, sent, faults=_texts(error), status=422)
    changes = roster_changes(state.practice, _present(state), after)
    return page(
        request,
        "owner_roster_preview.html",
        "What the file changes",
        status=status,
        changes=changes,
        table=sent.untrimmed("table"),
        seen=roster_version_of(state).etag,
        stale=stale,
    )


def _rows(state: ServingSnapshot, sent: FormData) -> dict[str, Cells]:
    content = sent.untrimmed("table").encode()
    roster = roster_of_csv(content, state.practice, datetime.now(UTC))
    return dict(rows_of(roster, state.practice))


def _present(state: ServingSnapshot) -> dict[str, Cells]:
    return dict(rows_of(state.encoding.roster, state.practice))


def _texts(error: FaultsError) -> list[str]:
    return [str(each) for each in error.faults[:MAX_FAULTS]]


def _page(
    request: Request,
    sent: FormData,
    *,
    faults: Sequence[str] = (),
    status: int = 200,
    applied: RosterChanges | None = None,
) -> Response:
    return page(
        request,
        "owner_roster.html",
        "Import a roster file",
        status=status,
        table=sent.untrimmed("table"),
        faults=faults,
        applied=applied,
    )
