"""The addresses of the server: each is a few lines that hand over and send back.

Imported by `serving.app`.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.metrics import MEDIA_TYPE, Metrics
from recommender.serving.http.problems import (
    BAD_REQUEST,
    NOT_FOUND,
    NOT_READY,
    PROBLEM_TYPES,
    UNEXPECTED,
    ProblemError,
)
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import openapi_document, problem_responses
from recommender.serving.schemas.responses import CurrentModel, Probe
from recommender.serving.snapshot.holder import SnapshotHolder

router = APIRouter()


@router.get(
    "/v1/models/current",
    operation_id="getCurrentModel",
    summary="The model that answers now",
    tags=["models"],
    response_model=CurrentModel,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED, NOT_READY),
)
async def get_current_model(request: Request) -> Response:
    """What the model is and came from."""
    state = current_snapshot(request.app)
    told = CurrentModel.of(state.model, state.digest, state.version)
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    "/livez",
    operation_id="getLiveness",
    summary="Whether the server lives",
    tags=["probes"],
    response_model=Probe,
    responses=problem_responses(BAD_REQUEST),
)
async def get_liveness() -> Response:
    """Touches nothing but the server itself."""
    return Response(Probe(status="alive").model_dump_json(), media_type=JSON)


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Whether the server can answer",
    tags=["probes"],
    response_model=Probe,
    responses=problem_responses(BAD_REQUEST, NOT_READY),
)
async def get_readiness(request: Request) -> Response:
    """Ready once a model has answered an invented request.

    `degraded` is as ready, with a model that is not the registry's: the log says why.
    """
    current_snapshot(request.app)
    snapshot_holder: SnapshotHolder = request.app.state.snapshot_holder
    status = "degraded" if snapshot_holder.alert else "ready"
    return Response(Probe(status=status).model_dump_json(), media_type=JSON)


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request) -> Response:
    """The contract, with the questions of the practice definition in use."""
    state = current_snapshot(request.app)
    return Response(openapi_document(request.app, state.form, state.clinicians), media_type=JSON)


@router.get("/metrics", include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """What this server counted and timed, for Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=MEDIA_TYPE)


@router.get("/problems/{slug}", include_in_schema=False)
async def get_problem(slug: str) -> Response:
    """What a kind of problem means."""
    if slug not in PROBLEM_TYPES:
        raise ProblemError(NOT_FOUND)
    kind = PROBLEM_TYPES[slug]
    return Response(f"{kind.title} ({kind.status})\n\n{kind.detail}\n", media_type="text/plain")
