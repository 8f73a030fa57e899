"""Routes for probes, metrics, the OpenAPI document and descriptions of problems."""

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
    summary="Describe the active model",
    tags=["models"],
    response_model=CurrentModel,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED, NOT_READY),
)
async def get_current_model(request: Request) -> Response:
    """Identity and provenance of the model."""
    state = current_snapshot(request.app)
    told = CurrentModel.of(state.model, state.digest, state.version)
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    "/livez",
    operation_id="getLiveness",
    summary="Liveness probe",
    tags=["probes"],
    response_model=Probe,
    responses=problem_responses(BAD_REQUEST),
)
async def get_liveness() -> Response:
    """Does not access the model or the store."""
    return Response(Probe(status="alive").model_dump_json(), media_type=JSON)


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Readiness probe",
    tags=["probes"],
    response_model=Probe,
    responses=problem_responses(BAD_REQUEST, NOT_READY),
)
async def get_readiness(request: Request) -> Response:
    """Ready once a model has passed its warm-up request.

    `degraded` is ready too, but the active model is not the registry's champion; see the log.
    """
    current_snapshot(request.app)
    snapshot_holder: SnapshotHolder = request.app.state.snapshot_holder
    status = "degraded" if snapshot_holder.alert else "ready"
    return Response(Probe(status=status).model_dump_json(), media_type=JSON)


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request) -> Response:
    """The OpenAPI document, with the questions of the active practice definition."""
    state = current_snapshot(request.app)
    return Response(openapi_document(request.app, state.form, state.clinicians), media_type=JSON)


@router.get("/metrics", include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """Metrics of this process, for Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=MEDIA_TYPE)


@router.get("/problems/{slug}", include_in_schema=False)
async def get_problem(slug: str) -> Response:
    """Description of a problem type."""
    if slug not in PROBLEM_TYPES:
        raise ProblemError(NOT_FOUND)
    kind = PROBLEM_TYPES[slug]
    return Response(f"{kind.title} ({kind.status})\n\n{kind.detail}\n", media_type="text/plain")
