"""The list of requests people work from. Imported by `staff.router`."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.access.scope import Scope
from recommender.journal.queue import Waiting, queue
from recommender.serving.callers import caller
from recommender.serving.keeping import keeper_of, read
from recommender.serving.staff import words
from recommender.serving.staff.page import HOME, page
from recommender.serving.staff.sent import read_form
from recommender.serving.staff.shown import tried_of
from recommender.serving.turns import current

MOST = 50

router = APIRouter(include_in_schema=False)


@router.get(HOME)
async def get_queue(request: Request) -> Response:
    """The newest requests; whoever may not see clients gets a page with what they may open."""
    if not caller(request).may(Scope.EXPLAIN_READ):
        return page(request, "welcome.html", words.WELCOME)
    return await _listed(request, "")


@router.post(f"{HOME}/search")
async def post_search(request: Request) -> Response:
    """Requests of one client; sought by a form, so that no pseudonym stands in an address."""
    return await _listed(request, (await read_form(request)).text("sought"))


async def _listed(request: Request, sought: str) -> Response:
    told: dict[str, Any] = {"waiting": (), "tried": (), "sought": sought, "names": {}}
    if keeper_of(request.app) is None:
        told["tried"] = tried_of(request.app).newest()
        return page(request, "queue.html", words.QUEUE, **told)
    found: tuple[Waiting, ...] = await read(request, partial(queue, most=MOST, sought=sought))
    roster = current(request.app).standing.roster
    told["names"] = {each: roster.name_of(place) for place, each in enumerate(roster.ids)}
    return page(request, "queue.html", words.QUEUE, **told | {"waiting": found})
