"""Route that predicts the alliance of one client with given clinicians; nothing is recorded."""

from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Request
from pydantic import Field as Setting
from pydantic import ValidationError
from starlette.responses import Response

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import PairScores
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Intake,
    consents_to_prediction,
    read_intake,
)
from recommender.screening.cache import screening_cache_for
from recommender.serving.dependencies import Snapshot, run_in_pool
from recommender.serving.http.problems import (
    BUSY,
    INVALID,
    NOT_READY,
    FieldError,
    ProblemError,
    problem_from_validation,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON, Body, JsonBody
from recommender.serving.openapi import ApiRoute, problem_responses, request_body
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.responses import (
    DECIMALS,
    NOTICE,
    AllianceRange,
    AllianceScale,
    ModelInUse,
    Points,
    ResponseModel,
    StatedReason,
    stated_reason,
)
from recommender.serving.services.recommendation_service import today
from recommender.serving.snapshot.snapshot import ServingSnapshot

router = APIRouter(tags=["recommendations"], route_class=ApiRoute)


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
    notice: str


@router.post(
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
    response = await run_in_pool(request.app, partial(predict, snapshot, body))
    info.mode = response.mode
    return Response(response.model_dump_json(), media_type=JSON)


def predict(snapshot: ServingSnapshot, body: JsonBody) -> PredictionResponse:
    """The response to a prediction request.

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
        raise problem_from_validation(error) from None
    places = _places(snapshot, request.clinician_ids)
    intake = read_intake(snapshot.practice, request.answers, request.client_id, request.modes)
    mode = (
        snapshot.model.manifest.mode
        if consents_to_prediction(snapshot.practice, intake)
        else CONSTRAINTS_ONLY
    )
    return PredictionResponse(
        mode=mode,
        model=ModelInUse.of(snapshot.model.manifest, snapshot.digest, snapshot.version),
        roster_version=snapshot.encoding.roster.version,
        scale=AllianceScale.of(snapshot.model),
        pairings=_pairings(snapshot, request, intake, places, predict=mode != CONSTRAINTS_ONLY),
        notice=NOTICE,
    )


def _places(snapshot: ServingSnapshot, ids: tuple[str, ...]) -> list[int]:
    known = {name: place for place, name in enumerate(snapshot.encoding.roster.ids)}
    errors = [
        FieldError(
            pointer=f"/clinician_ids/{number}", code="unknown", message="is not on the roster"
        )
        for number, name in enumerate(ids)
        if name not in known
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
    predict: bool,
) -> tuple[PredictedPairing, ...]:
    named = Pairs(np.zeros(len(places), dtype=np.intp), np.array(places, dtype=np.intp))
    points = _points(snapshot, snapshot.model.score(intake.client, snapshot.encoding, named))
    day = request.asked_on or today(snapshot.practice)
    screening_cache = screening_cache_for(snapshot.practice, snapshot.encoding.roster, day)
    screening = screening_cache.screen(intake.client, intake.client_id, intake.modes)
    shown = predict & screening.eligible[named.clinician]
    excluded = {each.clinician_id: each.reasons for each in screening.exclusions}
    cautions = {each.clinician_id: each.reasons for each in screening.cautions}
    return tuple(
        PredictedPairing(
            clinician_id=name,
            eligible=name not in excluded,
            predicted_alliance=points[row][0] if is_shown else None,
            range=points[row][1] if is_shown else None,
            reasons=stated_reason(excluded.get(name, ())),
            reservations=stated_reason(cautions.get(name, ())),
        )
        for row, (name, is_shown) in enumerate(
            zip(request.clinician_ids, shown.tolist(), strict=True)
        )
    )


def _points(snapshot: ServingSnapshot, scores: PairScores) -> list[tuple[float, AllianceRange]]:
    """Predicted alliance and its range, in points."""
    level, model = snapshot.practice.alliance.interval, snapshot.model
    ends = (scores.alliance, *model.interval_of(scores))
    points = np.round([model.linker.to_displayed(part) for part in ends], DECIMALS)
    return [
        (point, AllianceRange(lower=lower, upper=upper, level=level))
        for point, lower, upper in points.T.tolist()
    ]
