"""The page of one request. Imported by `staff.router`."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.serving.recommendations import RecommendationId
from recommender.serving.staff import words
from recommender.serving.staff.asking import REQUEST
from recommender.serving.staff.page import page
from recommender.serving.staff.sheet import Questions, Sheet
from recommender.serving.staff.shown import shown_for
from recommender.serving.turns import computed, current

router = APIRouter(include_in_schema=False)


@router.get(REQUEST)
async def get_request_page(
    request: Request,
    recommendation_id: RecommendationId,
    why_not: str = "",
    one: str = "",
    other: str = "",
) -> Response:
    """As it was shown, whatever has changed since."""
    shown, state = await shown_for(request, recommendation_id), current(request.app)
    asked = Questions(why_not, one, other)

    def told() -> dict[str, Any]:
        return Sheet(shown, state).told(asked, datetime.now(UTC))

    return page(request, "request.html", words.REQUEST, **await computed(request.app, told))
