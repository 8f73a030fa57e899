"""The page of one request."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from recommender.serving.api.recommendations import RecommendationId
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.idempotency import has_store, read
from recommender.serving.staff.form_data import TypedForm
from recommender.serving.staff.page import page
from recommender.serving.staff.pages.new_request import REQUEST, find_shown
from recommender.serving.staff.views.decision import (
    RequestProgress,
    decision_values,
    request_progress,
)
from recommender.serving.staff.views.request_view import PageQuestions, RequestView
from recommender.serving.staff.views.versions import RequestVersions, request_versions
from recommender.store.database import Connection

router = APIRouter(include_in_schema=False)


@router.get(REQUEST)
async def get_request_page(
    request: Request,
    recommendation_id: RecommendationId,
    why_not: str = "",
    compare: Annotated[tuple[str, ...], Query()] = (),
) -> Response:
    """A request as it was shown."""
    asked = PageQuestions(why_not, compare)
    return await request_page(request, recommendation_id, asked)


async def request_page(
    request: Request,
    recommendation_id: str,
    asked: PageQuestions,
    typed: TypedForm | None = None,
) -> Response:
    """The page of a request, with a form of it that was refused, where one was."""
    shown, state = await find_shown(request, recommendation_id), current_snapshot(request.app)
    progress, versions = RequestProgress(), RequestVersions.after(shown.replaces)
    if has_store(request):
        look = partial(_recorded, recommendation_id=recommendation_id)
        progress, versions = await read(request, look)
    sent = typed or TypedForm()

    def values() -> dict[str, Any]:
        view = RequestView(shown, state)
        decided = decision_values(view, progress, sent)
        return view.values(asked, datetime.now(UTC)) | decided | versions.values()

    return page(
        request,
        "request.html",
        "Who fits",
        status=sent.status,
        **await run_in_pool(request.app, values),
    )


def _recorded(
    connection: Connection, *, recommendation_id: str
) -> tuple[RequestProgress, RequestVersions]:
    """What the journal has of a request, and of its versions."""
    return (
        request_progress(connection, recommendation_id),
        request_versions(connection, recommendation_id),
    )
