"""Routes for probes, metrics, the OpenAPI document and descriptions of problems."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.serving.dependencies import Context, Snapshot
from recommender.serving.http.metrics import MEDIA_TYPE
from recommender.serving.http.problems import NOT_FOUND, NOT_READY, PROBLEM_TYPES, ProblemError
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import ApiRoute, openapi_document, problem_responses
from recommender.serving.schemas.responses import Probe

router = APIRouter(route_class=ApiRoute)


@router.get(
    "/livez",
    operation_id="getLiveness",
    summary="Liveness probe",
    tags=["probes"],
    response_model=Probe,
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
    responses=problem_responses(NOT_READY),
)
async def get_readiness(context: Context) -> Response:
    """Ready once a model has passed its warm-up request.

    `degraded` is ready too, but the active model is not the registry's champion; see the log.
    """
    context.snapshots.require()
    status = "degraded" if context.snapshots.degraded else "ready"
    return Response(Probe(status=status).model_dump_json(), media_type=JSON)


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request, snapshot: Snapshot) -> Response:
    """The OpenAPI document, with the questions of the active practice definition."""
    document = openapi_document(request.app, snapshot.form, snapshot.clinicians)
    return Response(document, media_type=JSON)


@router.get("/metrics", include_in_schema=False)
async def get_metrics(context: Context) -> Response:
    """Metrics of this process, for Prometheus."""
    return Response(context.metrics.text(), media_type=MEDIA_TYPE)


@router.get("/problems/{slug}", include_in_schema=False)
async def get_problem(slug: str) -> Response:
    """Description of a problem type."""
    if slug not in PROBLEM_TYPES:
        raise ProblemError(NOT_FOUND)
    kind = PROBLEM_TYPES[slug]
    return Response(f"{kind.title} ({kind.status})\n\n{kind.detail}\n", media_type="text/plain")
