"""Routes that create and read recommendations, and predict for given clinicians."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field as Setting
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.responses import Response

from recommender.errors import IntakeError
from recommender.features.pipeline import Pairs
from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.recommendations import (
    RecordedRecommendation,
    find_recommendation,
    unknown_recommendation,
)
from recommender.model.alliance_model import PairScores
from recommender.plan.compiling import plan_for
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Intake,
    consents_to_prediction,
    read_intake,
)
from recommender.screening.cache import screening_cache_for
from recommender.serving.api.replaced_request import UNKNOWN, refuse_unreplaceable, refused
from recommender.serving.authorization import caller
from recommender.serving.dependencies import (
    Snapshot,
    app_state,
    current_snapshot,
)
from recommender.serving.http.problems import (
    BUSY,
    INVALID,
    NOT_READY,
    FieldError,
    ProblemError,
    not_on_roster,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON, Body, JsonBody, json_body
from recommender.serving.idempotency import (
    compute_then_write,
    has_store,
    idempotency_ticket,
    read,
    reply_response,
)
from recommender.serving.include_parameter import Include, included_parts
from recommender.serving.openapi import (
    ApiRoute,
    JournalRoute,
    RequestRoute,
    links,
    problem_responses,
    request_body,
)
from recommender.serving.recommendation_service import (
    ServedRecommendation,
    recommend_request,
    refused_request,
    today,
)
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    ReferenceWarning,
    reference_warnings,
)
from recommender.serving.schemas.required_scope import Included, hidden_fields, visible_part
from recommender.serving.schemas.responses import (
    DECIMALS,
    NOTICE,
    AllianceRange,
    AllianceScale,
    ModelInUse,
    Points,
    RecommendationResponse,
    ResponseModel,
    StatedReason,
    reason_content,
)
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.stored_recommendation import to_journal_row, visible_body
from recommender.store.database import Connection
from recommender.tables.references import references_of_one
from recommender.values.ids import ID_PATTERN

ADDRESS = "/v1/recommendations/{recommendation_id}"
RecommendationId = Annotated[str, Path(pattern=ID_PATTERN)]
LINKS = links(
    "recommendation_id",
    "getRecommendation",
    "listExplanations",
    "recordWish",
    "recordDecision",
    "listDecisions",
)

router = APIRouter(tags=["recommendations"], route_class=JournalRoute)
request_router = APIRouter(tags=["recommendations"], route_class=RequestRoute)


@request_router.post(
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
    dry_run: Annotated[
        Literal["true", "false"], Query(description="Whether to compute without recording.")
    ] = "false",
    include: Include = (),
) -> Response:
    """Predict the early working alliance with every eligible clinician and rank the clinicians.

    The request and the whole response are recorded (201), unless the server has no store or
    `dry_run` is true (200). What is sent is the shortlist, how many clinicians each constraint
    excluded, the warnings and the parts that `include` names. With `replaces` it is the newest
    version of an earlier request.
    """
    info, principal = request_info(request.scope), caller(request)
    # Called, not declared as dependencies: FastAPI would take a third of the time of this layer.
    snapshot, body = current_snapshot(request.app), await json_body(request)
    included = included_parts(request, include)
    info.model = snapshot.digest

    if principal.origins is not None:
        refuse_client_of_page(body)

    is_stored = dry_run != "true" and has_store(request)
    with_relaxations = is_stored or Included.RELAXATIONS in included

    def compute() -> tuple[ServedRecommendation, bytes]:
        served = recommend_request(
            snapshot, body, context.draws, context.second, with_relaxations=with_relaxations
        )
        info.mode = served.recommendation.mode
        return served, served.to_json(principal.scopes, included)

    def compute_row() -> Write:
        served, sent = compute()
        replaces = served.request.replaces
        row = to_journal_row(served, snapshot, actor=principal.actor, sent=sent, replaces=replaces)

        def write(connection: Connection) -> StoredReply:
            check(connection, served.request)
            return row(connection)

        return write

    def check(connection: Connection, parsed: ParsedRequest) -> None:
        if parsed.replaces is not None:
            refuse_unreplaceable(connection, parsed.replaces, parsed.client_id, principal)

    context = app_state(request.app)
    queue = context.queues.recommendations
    run = queue.run if context.draws.reads_store else queue.run_short
    if not is_stored:
        idempotency_ticket(request, body)
        served, sent = await run(compute)
        if served.request.replaces is not None and not has_store(request):
            raise refused("unknown_request", UNKNOWN)
        if has_store(request):
            await read(request, partial(check, parsed=served.request))
        return Response(sent, media_type=JSON)
    prepare = partial(run, compute_row)
    options = {"include": sorted(included)} if included else {}
    return reply_response(await compute_then_write(request, body, prepare, options))


def refuse_client_of_page(body: JsonBody) -> None:
    """Refuses (422) the pseudonym of a client from a page that everybody can read.

    What is known of that client, such as whom a clinician does not see, would show in the answer.
    """
    if isinstance(body.value, dict) and body.value.get("client_id") is not None:
        message = "is not accepted with a publishable key; leave it out, or ask from a server"
        error = FieldError(pointer="/client_id", code="not_from_a_page", message=message)
        raise ProblemError(INVALID, [error])


@router.get(
    ADDRESS,
    operation_id="getRecommendation",
    summary="Read a recommendation",
    response_model=RecommendationResponse,
)
async def get_recommendation(
    request: Request, recommendation_id: RecommendationId, include: Include = ()
) -> Response:
    """The response as it was computed, in the field names of the present contract version.

    `include` names the parts to send, whatever the first request asked for. What another role
    received is left out for a caller without its scopes.
    """
    included = included_parts(request, include)
    recorded = await recorded_for(request, recommendation_id)
    body = visible_body(recorded.shown.response, caller(request).scopes, included)
    return Response(body, media_type=JSON)


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


predictions_router = APIRouter(tags=["recommendations"], route_class=ApiRoute)


class PredictedPairing(ResponseModel):
    """The prediction for the client with one clinician."""

    clinician_id: str
    eligible: Annotated[bool, Setting(description="Whether every hard constraint is met.")]
    predicted_alliance: Annotated[
        Points | None, Setting(description="null if not eligible or no alliance is predicted.")
    ]
    range: AllianceRange | None
    reasons: Annotated[
        tuple[StatedReason, ...], Setting(description="Hard constraints that are not met.")
    ]
    reservations: tuple[StatedReason, ...]


class PredictionResponse(ResponseModel):
    """Predictions in the order of `clinician_ids`."""

    mode: str
    model: ModelInUse
    roster_version: str
    scale: AllianceScale
    pairings: tuple[PredictedPairing, ...]
    reference_warnings: Annotated[
        tuple[ReferenceWarning, ...], Setting(description="Ids in the answers that name nobody.")
    ] = ()
    notice: str


@predictions_router.post(
    "/v1/predictions",
    operation_id="predict",
    summary="Predict the alliance with given clinicians",
    response_model=PredictionResponse,
    responses=problem_responses(INVALID, NOT_READY, BUSY),
    openapi_extra=request_body("PredictionRequest"),
)
async def post_predictions(request: Request, snapshot: Snapshot, body: Body) -> Response:
    """Predictions equal those of a recommendation; constraints are checked as well."""
    info = request_info(request.scope)
    info.model = snapshot.digest
    queue = app_state(request.app).queues.recommendations
    content = await queue.run_short(partial(predict, snapshot, body))
    info.mode = content["mode"]
    hidden = hidden_fields(PredictionResponse, caller(request).scopes)
    return Response(to_json(visible_part(content, hidden)), media_type=JSON)


def predict(snapshot: ServingSnapshot, body: JsonBody) -> dict[str, Any]:
    """The response to a prediction request, in the form of `PredictionResponse`.

    Raises
    ------
    ProblemError
        When the body is not strict JSON, fails validation, or names an unknown clinician.
    IntakeError
        When answers pass validation but cannot be encoded.
    """
    try:
        request = snapshot.form.read_pairings(body.value)
    except ValidationError as error:
        raise refused_request(snapshot, error, snapshot.form.pairings) from None
    places = _places(snapshot, request.clinician_ids)
    try:
        intake = read_intake(snapshot.practice, request.answers, request.client_id, request.modes)
    except IntakeError as error:
        raise with_json_remedies(error, snapshot.form.fields) from None
    mode = (
        snapshot.model.manifest.mode
        if consents_to_prediction(snapshot.practice, intake)
        else CONSTRAINTS_ONLY
    )
    shows = mode != CONSTRAINTS_ONLY
    return {
        "mode": mode,
        "model": ModelInUse.of(snapshot.model.manifest, snapshot.digest, snapshot.version),
        "roster_version": snapshot.encoding.roster.version,
        "scale": AllianceScale.of(snapshot.model),
        "pairings": _pairings(snapshot, request, intake, places, shows_scores=shows),
        "reference_warnings": [each.model_dump() for each in _unresolved(snapshot, intake)],
        "notice": NOTICE,
    }


def _unresolved(snapshot: ServingSnapshot, intake: Intake) -> list[ReferenceWarning]:
    roster = snapshot.encoding.roster
    found = references_of_one(snapshot.practice, intake.client, intake.client_id, roster)
    return reference_warnings(found, intake.client)[:MAX_WARNINGS]


def _places(snapshot: ServingSnapshot, ids: tuple[str, ...]) -> list[int]:
    roster = snapshot.encoding.roster
    known = {name: place for place, name in enumerate(roster.ids)}
    unknown = {number: name for number, name in enumerate(ids) if name not in known}
    near = roster.near_misses(unknown.values()) if unknown else {}
    errors = [
        not_on_roster(f"/clinician_ids/{number}", near.get(name, ()))
        for number, name in unknown.items()
    ]
    if errors:
        raise ProblemError(INVALID, errors)
    return [known[name] for name in ids]


def _pairings(
    snapshot: ServingSnapshot,
    request: ParsedRequest,
    intake: Intake,
    places: list[int],
    *,
    shows_scores: bool,
) -> list[dict[str, Any]]:
    """Each pairing in the form of `PredictedPairing`."""
    named = Pairs.with_clinicians(np.array(places, dtype=np.intp))
    plan = plan_for(snapshot.model, snapshot.encoding)
    points = _points(snapshot, plan.score(intake.client, named).scores)
    day = request.asked_on or today(snapshot.practice)
    screening_cache = screening_cache_for(snapshot.practice, snapshot.encoding.roster, day)
    screening = screening_cache.screen(intake.client, intake.client_id, intake.modes)
    excluded = {each.clinician_id: each.reasons for each in screening.exclusions}
    cautions = {each.clinician_id: each.reasons for each in screening.cautions}
    return [
        {
            "clinician_id": name,
            "eligible": name not in excluded,
            **(of_scores if shows_scores and name not in excluded else _NOT_PREDICTED),
            "reasons": [reason_content(each) for each in excluded.get(name, ())],
            "reservations": [reason_content(each) for each in cautions.get(name, ())],
        }
        for name, of_scores in zip(request.clinician_ids, points, strict=True)
    ]


_NOT_PREDICTED: Mapping[str, Any] = {"predicted_alliance": None, "range": None}


def _points(snapshot: ServingSnapshot, scores: PairScores) -> list[dict[str, Any]]:
    """Predicted alliance and its range, in points."""
    level, model = snapshot.practice.alliance.interval, snapshot.model
    ends = (scores.alliance, *model.interval_of(scores))
    points = np.round([model.linker.to_displayed(part) for part in ends], DECIMALS)
    return [
        {"predicted_alliance": point, "range": {"lower": lower, "upper": upper, "level": level}}
        for point, lower, upper in points.T.tolist()
    ]
