"""The list of requests to work on."""

from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.near_ids import near_clients
from recommender.journal.pairings import outcomes_of
from recommender.journal.wishes import spoken
from recommender.journal.work_list import BEGUN, WorkItem, open_wishes, work_list
from recommender.practice.definition import Practice
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.idempotency import has_store, read
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import HOME, page
from recommender.serving.staff.views.rating_form import is_rating_due
from recommender.store.database import Connection
from recommender.values.ids import did_you_mean

MAX_REQUESTS = 50
DUE = "due"
"""A state beside those of the journal, which does not know the practice definition."""

router = APIRouter(include_in_schema=False)


@router.get(HOME)
async def get_work_list_page(request: Request) -> Response:
    """The newest requests; an account that may not see clients gets a page without any."""
    if not caller(request).may(Scope.EXPLAIN_READ):
        return page(request, "welcome.html", "Welcome")
    return await _page(request, "")


@router.post(f"{HOME}/search")
async def post_search(request: Request) -> Response:
    """Requests of one client, id or reference; a form, so that no client code is in an address."""
    return await _page(request, (await read_form(request)).text("sought"))


async def _page(request: Request, sought: str) -> Response:
    items: tuple[WorkItem, ...] = ()
    wished: tuple[WorkItem, ...] = ()
    near: tuple[str, ...] = ()
    state = current_snapshot(request.app)
    stored = has_store(request)
    if stored:
        items = await read(request, partial(_items, sought=sought, practice=state.practice))
        if not sought:
            wished = await read(request, partial(open_wishes, limit=MAX_REQUESTS))
        if sought and not items:
            found = await read(request, partial(near_clients, client_ids=[sought]))
            near = found.get(sought, ())
    return page(
        request,
        "work_list.html",
        "Requests",
        items=items,
        wished=wished,
        spoken=spoken,
        zone=ZoneInfo(state.practice.timezone),
        recent=() if stored else app_state(request.app).recent.newest(),
        sought=sought,
        question=did_you_mean(near),
        names=state.encoding.roster.called,
    )


def _items(connection: Connection, sought: str, practice: Practice) -> tuple[WorkItem, ...]:
    """The newest requests, marked where the early rating of a pairing is due."""
    items = work_list(connection, limit=MAX_REQUESTS, sought=sought)
    begun = [each for item in items if item.state == BEGUN for each in item.pairing_ids]
    outcomes = outcomes_of(connection, begun)
    due = {each for each, outcome in outcomes.items() if is_rating_due(outcome, (), practice)}
    return tuple(
        item if due.isdisjoint(item.pairing_ids) else replace(item, state=DUE) for item in items
    )
