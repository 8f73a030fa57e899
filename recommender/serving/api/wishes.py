"""Routes that record and read wishes after a recommendation; nobody is booked by one."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.idempotency import StoredReply
from recommender.journal.wishes import RecordedWish, record_wish, spoken, wishes_of
from recommender.serving.api.recommendations import ADDRESS, RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.http.problems import NO_SUCH_RECORD, NOT_FOUND
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import created, read, reply_response, write_once
from recommender.serving.openapi import JournalRoute, problem_responses, request_body
from recommender.serving.schemas.request_bodies import WishRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.store.database import Connection

AT = f"{ADDRESS}/wishes"

router = APIRouter(tags=["wishes"], route_class=JournalRoute)


class WishCreated(ResponseModel):
    """A recorded wish."""

    wish_id: str
    recommendation_id: str
    clinician_id: Annotated[
        str | None, Setting(description="null: the client asks to be helped to choose.")
    ]
    reference: Annotated[
        str,
        Setting(
            description="A short code for the client to read out; one for all wishes of a "
            "recommendation.",
            examples=["K7M-4PX"],
        ),
    ]

    @classmethod
    def of(cls, wish: RecordedWish) -> Self:
        """One wish, without who recorded it."""
        return cls(
            wish_id=wish.wish_id,
            recommendation_id=wish.recommendation_id,
            clinician_id=wish.clinician_id,
            reference=spoken(wish.reference),
        )


class WishRecord(WishCreated):
    """A recorded wish with its actor and time (UTC)."""

    actor: str
    recorded_at: datetime


class WishHistory(ResponseModel):
    """All wishes after a recommendation, oldest first; the last one is in force."""

    recommendation_id: str
    wishes: tuple[WishRecord, ...]


@router.post(
    AT,
    operation_id="recordWish",
    summary="Ask for a clinician of a shortlist",
    status_code=201,
    response_model=WishCreated,
    responses=problem_responses(NOT_FOUND, NO_SUCH_RECORD),
    openapi_extra=request_body("WishRequest"),
)
async def post_wish(request: Request, recommendation_id: RecommendationId, body: Body) -> Response:
    """Put a client's wish into the work list of staff. Nobody is booked.

    A later wish replaces an earlier one; the same wish again is recorded once. A decision of staff
    closes it.
    """
    wished, actor = body.read(WishRequest), caller(request).actor
    location = f"/v1/recommendations/{recommendation_id}/wishes"

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        wish = record_wish(connection, recorded, wished.clinician_id, actor=actor)
        response = WishCreated.of(wish).model_dump_json()
        return created(response.encode(), location, recorded.subject)

    return reply_response(await write_once(request, body, write))


@router.get(
    AT,
    operation_id="listWishes",
    summary="List the wishes after a recommendation",
    response_model=WishHistory,
)
async def get_wishes(request: Request, recommendation_id: RecommendationId) -> Response:
    """Oldest first."""

    def look(connection: Connection) -> tuple[RecordedWish, ...]:
        seen_by(request, recommendation_id, connection)
        return wishes_of(connection, recommendation_id)

    records = tuple(
        WishRecord(
            **WishCreated.of(wish).model_dump(), actor=wish.actor, recorded_at=wish.recorded_at
        )
        for wish in await read(request, look)
    )
    history = WishHistory(recommendation_id=recommendation_id, wishes=records)
    return Response(history.model_dump_json(), media_type=JSON)
