"""Routes that close a request which leads nowhere, reopen it, and list when that was."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.closings import RecordedClosing, closings_by_recommendation, record_closing
from recommender.journal.idempotency import StoredReply
from recommender.journal.places import counting_places
from recommender.serving.api.recommendations import ADDRESS, RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.problems import NO_SUCH_RECORD, NOT_FOUND
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import created, read, reply_response, write_once
from recommender.serving.openapi import JournalRoute, problem_responses, request_body
from recommender.serving.schemas.request_bodies import ClosingReason, ClosingRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.store.database import Connection

AT = f"{ADDRESS}/closings"

router = APIRouter(tags=["decisions"], route_class=JournalRoute)


class ClosingCreated(ResponseModel):
    """A recorded closing or reopening."""

    closing_id: str
    recommendation_id: str
    kind: Annotated[
        Literal["closed", "reopened", "resumed"],
        Setting(
            description="`resumed`: a later version, a wish or a pairing opened it again by itself."
        ),
    ]
    reason: Annotated[ClosingReason | None, Setting(description="null unless `closed`.")]


class ClosingRecord(ClosingCreated):
    """A recorded closing or reopening with its actor and time (UTC)."""

    actor: str
    recorded_at: datetime

    @classmethod
    def of(cls, recorded: RecordedClosing) -> Self:
        """One row."""
        return cls.model_validate(recorded)


class ClosingHistory(ResponseModel):
    """All closings of a recommendation, oldest first; the last one is in force."""

    recommendation_id: str
    closings: tuple[ClosingRecord, ...]


@router.post(
    AT,
    operation_id="recordClosing",
    summary="Close a request that leads nowhere, or reopen it",
    status_code=201,
    response_model=ClosingCreated,
    responses=problem_responses(NOT_FOUND, NO_SUCH_RECORD),
    openapi_extra=request_body("ClosingRequest"),
)
async def post_closing(
    request: Request, recommendation_id: RecommendationId, snapshot: Snapshot, body: Body
) -> Response:
    """A closed request is in no list of tasks, takes no decision and holds no open place.

    Nobody was refused: it counts neither as shown nor as chosen for a clinician. A later wish,
    version or pairing opens it again. Refused (409) if it is closed already, not closed, replaced
    by a later version, or if a pairing that neither ended nor was withdrawn began from it.
    """
    asked, actor = body.read(ClosingRequest), caller(request).actor
    location = AT.format(recommendation_id=recommendation_id)

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        with counting_places(connection, snapshot.practice, recommendation_id, actor=actor):
            closing = record_closing(
                connection, recommendation_id, asked.kind, asked.reason, actor=actor
            )
        response = ClosingCreated.model_validate(closing).model_dump_json()
        return created(response.encode(), location, recorded.subject)

    return reply_response(await write_once(request, body, write))


@router.get(
    AT,
    operation_id="listClosings",
    summary="List the closings of a recommendation",
    response_model=ClosingHistory,
)
async def get_closings(request: Request, recommendation_id: RecommendationId) -> Response:
    """Oldest first."""

    def look(connection: Connection) -> tuple[RecordedClosing, ...]:
        seen_by(request, recommendation_id, connection)
        found = closings_by_recommendation(connection, [recommendation_id])
        return found.get(recommendation_id, ())

    records = tuple(map(ClosingRecord.of, await read(request, look)))
    history = ClosingHistory(recommendation_id=recommendation_id, closings=records)
    return Response(history.model_dump_json(), media_type=JSON)
