"""The list of requests people work from. Imported by `staff.router`."""

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.pairings import outcomes_of
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
    items = work_list(connection, limit=MOST, sought=sought)
    begun = [each for item in items if item.state == BEGUN for each in item.pairing_ids]
    outcomes = outcomes_of(connection, begun)
    due = {each for each, outcome in outcomes.items() if is_due(outcome, (), practice)}
    return tuple(
        item if due.isdisjoint(item.pairing_ids) else replace(item, state=DUE) for item in items
    )
