"""The addresses of the server: each is a few lines that hand over and send back.

Imported by `serving.app`.
"""

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from recommender.serving.answers import answer
from recommender.serving.bodies import check_headers
from recommender.serving.openapi import REF, document, refusals
from recommender.serving.problems import (
    BAD_REQUEST,
    BUSY,
    INVALID,
    KINDS,
    MALFORMED,
    NOT_FOUND,
    NOT_READY,
    RETRY,
    TOO_LARGE,
    TOO_SLOW,
    UNEXPECTED,
    UNSUPPORTED,
    ProblemError,
)
from recommender.serving.queue import Queue
from recommender.serving.schemas import CurrentModel, Probe, RecommendationResponse
from recommender.serving.state import State
from recommender.serving.succession import Succession

JSON = "application/json"

router = APIRouter()


def current(app: FastAPI) -> State:
    """The snapshot that answers now; read it once in a request and keep it."""
    succession: Succession = app.state.succession
    state = succession.current
    if state is None:
        raise ProblemError(NOT_READY, headers=RETRY)
    return state


@router.post(
    "/v1/recommendations",
    operation_id="recommend",
    summary="Recommend clinicians for one client",
    tags=["recommendations"],
    response_model=RecommendationResponse,
    responses=refusals(
        *(BAD_REQUEST, MALFORMED, TOO_SLOW, TOO_LARGE, UNSUPPORTED),
        *(INVALID, UNEXPECTED, NOT_READY, BUSY),
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": REF.format(model="RecommendationRequest")}}},
        }
    },
)
async def post_recommendation(request: Request) -> Response:
    """Predict the early working alliance with every eligible clinician and show the strongest.

    Nothing that was sent is stored.
    """
    state = current(request.app)
    check_headers(request.headers)
    body = await request.body()
    request.state.model = state.digest
    queue: Queue = request.app.state.queue
    found = await queue.run(answer, state, body)
    request.state.mode = found.mode
    return Response(found.body, media_type=JSON)


@router.get(
    "/v1/models/current",
    operation_id="getCurrentModel",
    summary="The model that answers now",
    tags=["models"],
    response_model=CurrentModel,
    responses=refusals(BAD_REQUEST, UNEXPECTED, NOT_READY),
)
async def get_current_model(request: Request) -> Response:
    """What the model is and came from."""
    state = current(request.app)
    told = CurrentModel.of(state.model, state.digest)
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    "/livez",
    operation_id="getLiveness",
    summary="Whether the server lives",
    tags=["probes"],
    response_model=Probe,
    responses=refusals(BAD_REQUEST),
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
    responses=refusals(BAD_REQUEST, NOT_READY),
)
async def get_readiness(request: Request) -> Response:
    """Ready once a model has answered an invented request.

    `degraded` is as ready, with a model that is not the registry's: the log says why.
    """
    current(request.app)
    succession: Succession = request.app.state.succession
    status = "degraded" if succession.alert else "ready"
    return Response(Probe(status=status).model_dump_json(), media_type=JSON)


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request) -> Response:
    """The contract, with the questions of the practice definition in use."""
    state = current(request.app)
    return Response(document(request.app, state.form, state.clinicians), media_type=JSON)


@router.get("/problems/{slug}", include_in_schema=False)
async def get_problem(slug: str) -> Response:
    """What a kind of problem means."""
    if slug not in KINDS:
        raise ProblemError(NOT_FOUND)
    kind = KINDS[slug]
    return Response(f"{kind.title} ({kind.status})\n\n{kind.detail}\n", media_type="text/plain")
