"""The list of requests people work from. Imported by `staff.router`."""

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.pairings import events_of, pairing_outcome
from recommender.journal.work_list import BEGUN, WorkItem, work_list
from recommender.practice.definition import Practice
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.services.idempotency import has_store, read
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import HOME, page
from recommender.serving.staff.request_source import recent_recommendations
from recommender.serving.staff.views.rating_due import is_due
from recommender.store.database import Connection

MOST = 50
DUE = "due"
"""A state beside those of the journal, which knows no practice definition."""

router = APIRouter(include_in_schema=False)


@router.get(HOME)
async def get_queue(request: Request) -> Response:
    """The newest requests; whoever may not see clients gets a page with what they may open."""
    if not caller(request).may(Scope.EXPLAIN_READ):
        return page(request, "welcome.html", wording.WELCOME)
    return await _listed(request, "")


@router.post(f"{HOME}/search")
async def post_search(request: Request) -> Response:
    """Requests of one client; sought by a form, so that no pseudonym stands in an address."""
    return await _listed(request, (await read_form(request)).text("sought"))


async def _listed(request: Request, sought: str) -> Response:
    told: dict[str, Any] = {"waiting": (), "tried": (), "sought": sought, "names": {}}
    if not has_store(request):
        told["tried"] = recent_recommendations(request.app).newest()
        return page(request, "queue.html", wording.QUEUE, **told)
    state = current_snapshot(request.app)
    roster = state.encoding.roster
    told["names"] = roster.called
    told["waiting"] = await read(request, partial(_waiting, sought=sought, practice=state.practice))
    return page(request, "queue.html", wording.QUEUE, **told)


def _waiting(connection: Connection, sought: str, practice: Practice) -> tuple[WorkItem, ...]:
    """The newest requests; one whose pairing lacks its early rating says that it is due."""
    found = work_list(connection, most=MOST, sought=sought)
    return tuple(
        replace(each, state=DUE)
        if each.state == BEGUN and _is_due(connection, each.pairing_ids, practice)
        else each
        for each in found
    )


def _is_due(connection: Connection, pairing_ids: tuple[str, ...], practice: Practice) -> bool:
    courses = (pairing_outcome(events_of(connection, each)) for each in pairing_ids)
    return any(is_due(course, (), practice) for course in courses)
