"""The page of one request. Imported by `staff.router`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from recommender.journal.decisions import RecordedDecision, decisions_of
from recommender.journal.work_list import begun_from
from recommender.serving.api.recommendations import RecommendationId
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.services.idempotency import has_store, read
from recommender.serving.staff import wording
from recommender.serving.staff.actor_names import names_of_actors
from recommender.serving.staff.page import page
from recommender.serving.staff.pages.new_request import REQUEST
from recommender.serving.staff.request_source import find_shown
from recommender.serving.staff.views.request_view import PageQuestions, RequestView
from recommender.store.database import Connection

router = APIRouter(include_in_schema=False)


@router.get(REQUEST)
async def get_request_page(
    request: Request,
    recommendation_id: RecommendationId,
    why_not: str = "",
    one: str = "",
    other: str = "",
    before: Annotated[str, Query(pattern=f"({ID_PATTERN})|^$")] = "",
) -> Response:
    """As it was shown, whatever has changed since; `before` is the request it is a change of."""
    asked = PageQuestions(why_not, one, other, before)
    return await told_page(request, recommendation_id, asked)


async def told_page(
    request: Request,
    recommendation_id: str,
    asked: PageQuestions,
    *,
    trouble: tuple[str, ...] = (),
    status: int = 200,
) -> Response:
    """The page of a request, with what could not be kept where something was sent to it."""
    shown, state = await find_shown(request, recommendation_id), current_snapshot(request.app)
    decided, begun, actors = await _after(request, recommendation_id)

    def told() -> dict[str, Any]:
        return RequestView(shown, state).render(asked, datetime.now(UTC))

    return page(
        request,
        "request.html",
        wording.REQUEST,
        status=status,
        trouble=trouble,
        decided=decided,
        begun=begun,
        actors=actors,
        client_id=shown.client_id,
        **await run_in_pool(request.app, told),
    )


async def _after(
    request: Request, recommendation_id: str
) -> tuple[tuple[RecordedDecision, ...], tuple[str, ...], Mapping[str, str]]:
    """Decisions on a request, pairings that began from it, and what those who acted are called."""
    if not has_store(request):
        return (), (), {}

    def look(
        connection: Connection,
    ) -> tuple[tuple[RecordedDecision, ...], tuple[str, ...], Mapping[str, str]]:
        return (
            decisions_of(connection, recommendation_id),
            begun_from(connection, recommendation_id),
            names_of_actors(connection),
        )

    return await read(request, look)
