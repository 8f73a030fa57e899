"""Routes that create and read recommendations."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.idempotency import Write
from recommender.journal.recommendations import RecordedRecommendation, find_recommendation
from recommender.security.scopes import Scope
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.http.problems import BUSY, INVALID
from recommender.serving.http.strict_json import JSON, check_headers
from recommender.serving.openapi import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    created,
    json_body,
    problem_responses,
)
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.services.idempotency import (
    compute_then_write,
    idempotency_ticket,
    journal_writer,
    read,
    reply_response,
)
from recommender.serving.services.recommendation_service import (
    ServedRecommendation,
    recommend_request,
)
from recommender.serving.services.stored_recommendation import current_body, to_journal_row
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection

ADDRESS = "/v1/recommendations/{recommendation_id}"
RecommendationId = Annotated[str, Path(pattern=ID_PATTERN)]
_ITS_ID = {"parameters": {"recommendation_id": "$response.body#/recommendation_id"}}
LINKS = {
    operation: {"operationId": operation, **_ITS_ID}
    for operation in ("getRecommendation", "listExplanations", "recordDecision", "listDecisions")
}

router = APIRouter(tags=["recommendations"])


@router.post(
    "/v1/recommendations",
    operation_id="recommend",
    summary="Recommend clinicians for one client",
    response_model=RecommendationResponse,
    responses={
        201: created(RecommendationResponse, LINKS),
        **problem_responses(*WRITE_PROBLEMS, INVALID, BUSY),
    },
    openapi_extra=json_body("RecommendationRequest"),
)
async def post_recommendation(
    request: Request,
    dry_run: Annotated[
        Literal["true", "false"], Query(description="Whether to compute without recording.")
    ] = "false",
) -> Response:
    """Predict the early working alliance with every eligible clinician and rank the clinicians.

    The request and the response are recorded (201), unless the server has no store or `dry_run` is
    true (200). Only staff receive the contributions for and against each clinician.
    """
    state = current_snapshot(request.app)
    check_headers(request.headers)
    body = await request.body()
    request.state.model = state.digest
    if dry_run == "true" or journal_writer(request.app) is None:
        idempotency_ticket(request, body)
        return Response(_sent(request, await _made(request, state, body)), media_type=JSON)

    async def prepare() -> Write:
        told = await _made(request, state, body)
        return to_journal_row(told, _sent(request, told), state, actor=caller(request).actor)

    return reply_response(await compute_then_write(request, body, prepare), ADDRESS)


@router.get(
    ADDRESS,
    operation_id="getRecommendation",
    summary="Read a recommendation",
    response_model=RecommendationResponse,
    responses=problem_responses(*READ_PROBLEMS),
)
async def get_recommendation(request: Request, recommendation_id: RecommendationId) -> Response:
    """The response as it was sent, in the field names of the present contract version."""
    recorded = await recorded_for(request, recommendation_id)
    return Response(current_body(recorded.shown.response), media_type=JSON)


async def recorded_for(request: Request, recommendation_id: str) -> RecordedRecommendation:
    """A recommendation, if whoever asks may see it; else none is there (404)."""
    return await read(request, partial(seen_by, request, recommendation_id))


def seen_by(
    request: Request, recommendation_id: str, connection: Connection
) -> RecordedRecommendation:
    """The same within a transaction."""
    recorded = find_recommendation(connection, recommendation_id)
    if not caller(request).sees(recorded.actor):
        raise NotFoundError("recommendation_id", "is not kept here", "check it, or ask anew")
    return recorded


async def _made(request: Request, state: ServingSnapshot, body: bytes) -> ServedRecommendation:
    found = await run_in_pool(request.app, partial(recommend_request, state, body))
    request.state.mode = found.recommendation.mode
    return found


def _sent(request: Request, told: ServedRecommendation) -> bytes:
    return told.to_json(to_staff=caller(request).may(Scope.EXPLAIN_READ))
