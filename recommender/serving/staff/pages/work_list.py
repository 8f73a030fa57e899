"""The list of what is to be done: requests and pairings, by task or found by a text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.near_ids import near_clients
from recommender.journal.pairings import Pairing
from recommender.journal.rated_pairings import match_of
from recommender.journal.ratings import ratings_by_pairing
from recommender.journal.work_items import NOTHING, TALK, WorkItem
from recommender.journal.work_list import (
    TASKS,
    TaskList,
    WorkFilter,
    newest_requests,
    recently_rated,
)
from recommender.journal.work_search import search_work
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.idempotency import has_store, read
from recommender.serving.recommendation_service import today
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import HOME, page
from recommender.serving.staff.views.rating_form import low_rating_text
from recommender.serving.staff.views.work_rows import (
    SHOWN_TASKS,
    ShownPart,
    work_row,
    work_sections,
)
from recommender.store.database import Connection
from recommender.values.ids import did_you_mean

MAX_ITEMS = 50
"""Lines that are read of each list."""
WINDOW = timedelta(days=90)
"""How far back the list goes: older requests are found by search. Chosen by us."""
TALK_WINDOW = timedelta(days=30)
"""How long a low rating is listed unless the pairing ends. Chosen by us."""

router = APIRouter(include_in_schema=False)


@router.get(HOME)
async def get_work_list_page(
    request: Request, show: str = "", mine: str = "", today: str = ""
) -> Response:
    """What is to be done; an account that may not see clients gets a page without any."""
    if not caller(request).may(Scope.EXPLAIN_READ):
        return page(request, "welcome.html", "Welcome")
    shown = ShownPart(show if show in SHOWN_TASKS else "", mine == "yes", today == "yes")
    return await _page(request, shown)


@router.post(f"{HOME}/search")
async def post_search(request: Request) -> Response:
    """What a text may mean; a form, so that no client code is in an address."""
    sought = (await read_form(request)).text("sought")
    return await (_found(request, sought) if sought else _page(request, ShownPart()))


async def _page(request: Request, shown: ShownPart) -> Response:
    state = current_snapshot(request.app)
    items: Mapping[str, tuple[WorkItem, ...]] = {}
    if has_store(request):
        wanted = _filter(request, state, shown)
        tasks = (shown.show,) if shown.show else SHOWN_TASKS
        items = await read(request, partial(_items, state=state, wanted=wanted, tasks=tasks))
    names = state.encoding.roster.called
    sections = work_sections(items, names, shown, limit=MAX_ITEMS)
    return _render(request, state, sections=sections, shown=shown, days=WINDOW.days)


async def _found(request: Request, sought: str) -> Response:
    state = current_snapshot(request.app)
    names = state.encoding.roster.called
    people = [each for each, name in names.items() if sought.casefold() in name.casefold()]

    def look(connection: Connection) -> tuple[tuple[WorkItem, ...], tuple[str, ...]]:
        early = state.practice.alliance.early_sessions
        items = search_work(connection, sought, people, early, limit=MAX_ITEMS)
        near = () if items else near_clients(connection, [sought]).get(sought, ())
        return items, near

    items, near = await read(request, look)
    rows = tuple(work_row(each, names) for each in items)
    question = did_you_mean(near)
    return _render(request, state, sought=sought, rows=rows, question=question, most=MAX_ITEMS)


def _render(request: Request, state: ServingSnapshot, **values: Any) -> Response:
    recent = () if has_store(request) else app_state(request.app).recent.newest()
    defaults: dict[str, Any] = {"sought": "", "rows": (), "sections": (), "shown": ShownPart()}
    return page(
        request,
        "work_list.html",
        "Requests",
        recent=recent,
        zone=ZoneInfo(state.practice.timezone),
        zone_line=wording.zone_line(state.practice.timezone),
        now=datetime.now(UTC),
        may_ask=caller(request).may(Scope.MATCH_CREATE),
        **defaults | values,
    )


def _filter(request: Request, state: ServingSnapshot, shown: ShownPart) -> WorkFilter:
    since = datetime.now(UTC) - WINDOW
    if shown.today:
        zone = ZoneInfo(state.practice.timezone)
        since = datetime.combine(today(state.practice), time.min, zone)
    actor = caller(request).actor if shown.mine else None
    return WorkFilter(since, state.practice.alliance.early_sessions, actor)


def _items(
    connection: Connection, *, state: ServingSnapshot, wanted: WorkFilter, tasks: Sequence[str]
) -> dict[str, tuple[WorkItem, ...]]:
    """The lines of each section."""
    looks: dict[str, TaskList] = {**TASKS, TALK: partial(_low, state), NOTHING: _with_nothing_to_do}
    return {task: looks[task](connection, wanted, limit=MAX_ITEMS) for task in tasks}


def _with_nothing_to_do(
    connection: Connection, wanted: WorkFilter, *, limit: int
) -> tuple[WorkItem, ...]:
    newest = newest_requests(connection, wanted, limit=limit)
    return tuple(each for each in newest if each.task == NOTHING)


def _low(
    state: ServingSnapshot, connection: Connection, wanted: WorkFilter, *, limit: int
) -> tuple[WorkItem, ...]:
    """Pairings whose early rating is low, among those rated last."""
    since = max(wanted.since, datetime.now(UTC) - TALK_WINDOW)
    lately = WorkFilter(since, wanted.early_sessions, wanted.actor)
    items = {
        each.pairing_id or "": each for each in recently_rated(connection, lately, limit=limit)
    }
    rated = ratings_by_pairing(connection, tuple(items))
    low = []
    for name, item in items.items():
        client_id, clinician_id = item.client_id or "", item.clinician_id or ""
        pairing = Pairing(name, client_id, clinician_id, item.recommendation_id)
        theirs = rated.get(name, ())
        if low_rating_text(match_of(connection, pairing, theirs), theirs, state):
            low.append(item)
    return tuple(low)
