"""Routes that create and read recommendations."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from recommender.journal.idempotency import Write
from recommender.journal.recommendations import (
    RecordedRecommendation,
    find_recommendation,
    unknown_recommendation,
)
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot, run_in_pool
from recommender.serving.http.problems import BUSY, INVALID
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.openapi import JournalRoute, links, problem_responses, request_body
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.services.idempotency import (
    compute_then_write,
    has_store,
    idempotency_ticket,
    read,
    reply_response,
)
from recommender.serving.services.recommendation_service import (
    ServedRecommendation,
    recommend_request,
)
from recommender.serving.services.stored_recommendation import current_body, to_journal_row
from recommender.store.database import Connection

ADDRESS = "/v1/recommendations/{recommendation_id}"
RecommendationId = Annotated[str, Path(pattern=ID_PATTERN)]
LINKS = links(
    "recommendation_id", "getRecommendation", "listExplanations", "recordDecision", "listDecisions"
)

router = APIRouter(tags=["recommendations"], route_class=JournalRoute)


@router.post(
    "/v1/recommendations",
    operation_id="recommend",
    summary="Recommend clinicians for one client",
    response_model=RecommendationResponse,
    responses={
        201: {"model": RecommendationResponse, "links": LINKS},
        **problem_responses(INVALID, BUSY),
    },
    openapi_extra=request_body("RecommendationRequest"),
)
async def post_recommendation(
    request: Request,
    snapshot: Snapshot,
    body: Body,
    dry_run: Annotated[
        Literal["true", "false"], Query(description="Whether to compute without recording.")
    ] = "false",
) -> Response:
    """Predict the early working alliance with every eligible clinician and rank the clinicians.

    The request and the response are recorded (201), unless the server has no store or `dry_run` is
    true (200). Only staff receive the contributions for and against each clinician.
    """
    info, principal = request_info(request.scope), caller(request)
    info.model = snapshot.digest

    async def compute() -> tuple[ServedRecommendation, bytes]:
        work = partial(recommend_request, snapshot, body)
        served = await run_in_pool(request.app, work)
        info.mode = served.recommendation.mode
        return served, served.to_json(to_staff=principal.may(Scope.EXPLAIN_READ))

    async def prepare() -> Write:
        served, sent = await compute()
        return to_journal_row(served, sent, snapshot, actor=principal.actor)

    if dry_run == "true" or not has_store(request):
        idempotency_ticket(request, body)
        return Response((await compute())[1], media_type=JSON)
    return reply_response(await compute_then_write(request, body, prepare))


@router.get(
    ADDRESS,
    operation_id="getRecommendation",
    summary="Read a recommendation",
    response_model=RecommendationResponse,
)
async def get_recommendation(request: Request, recommendation_id: RecommendationId) -> Response:
    """The response as it was sent, in the field names of the present contract version."""
    recorded = await recorded_for(request, recommendation_id)
    return Response(current_body(recorded.shown.response), media_type=JSON)


async def recorded_for(request: Request, recommendation_id: str) -> RecordedRecommendation:
    """A recommendation the caller may read; others are not found (404)."""
    return await read(request, partial(seen_by, request, recommendation_id))


def seen_by(
    request: Request, recommendation_id: str, connection: Connection
) -> RecordedRecommendation:
    """A recommendation the caller may read, within a transaction; raises `NotFoundError`."""
    recorded = find_recommendation(connection, recommendation_id)
    if not caller(request).sees(recorded.actor):
        raise unknown_recommendation()
    return recorded
