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
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    INVALID,
    MALFORMED,
    NOT_READY,
    TOO_LARGE,
    UNEXPECTED,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    problem_from_validation,
)
from recommender.serving.http.strict_json import JSON, check_headers, check_json
from recommender.serving.openapi import json_body, problem_responses
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

router = APIRouter(tags=["recommendations"])


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
    responses=problem_responses(
        BAD_REQUEST, MALFORMED, TOO_LARGE, UNSUPPORTED, INVALID, UNEXPECTED, NOT_READY, BUSY
    ),
    openapi_extra=json_body("PredictionRequest", kept=False),
)
async def post_predictions(request: Request) -> Response:
    """Predictions equal those of a recommendation; constraints are checked as well."""
    state = current_snapshot(request.app)
    check_headers(request.headers)
    body = await request.body()
    request.state.model = state.digest
    told = await run_in_pool(request.app, partial(predicted, state, body))
    request.state.mode = told.mode
    return Response(told.model_dump_json(), media_type=JSON)


def predicted(state: ServingSnapshot, body: bytes) -> PredictionResponse:
    """What is predicted to a request that names clinicians.

    Raises
    ------
    ProblemError
        When the body is not sound JSON, does not fit the form, or names nobody on the roster.
    IntakeError
        With answers the engine cannot read although they fit the form.
    """
    check_json(body)
    try:
        asked = state.form.read_pairings(body)
    except ValidationError as error:
        raise problem_from_validation(error) from None
    places = _places(state, asked.clinician_ids)
    intake = read_intake(state.practice, asked.answers, asked.client_id, asked.modes)
    mode = (
        state.model.manifest.mode
        if consents_to_prediction(state.practice, intake)
        else CONSTRAINTS_ONLY
    )
    return PredictionResponse(
        mode=mode,
        model=ModelInUse.of(state.model.manifest, state.digest, state.version),
        roster_version=state.encoding.roster.version,
        scale=AllianceScale.of(state.model),
        pairings=_pairings(state, asked, intake, places, predict=mode != CONSTRAINTS_ONLY),
        notice=NOTICE,
    )


def _places(state: ServingSnapshot, ids: tuple[str, ...]) -> list[int]:
    known = {name: place for place, name in enumerate(state.encoding.roster.ids)}
    slips = [
        FieldError(
            pointer=f"/clinician_ids/{number}", code="unknown", message="is not on the roster"
        )
        for number, name in enumerate(ids)
        if name not in known
    ]
    if slips:
        raise ProblemError(INVALID, slips)
    return [known[name] for name in ids]


def _pairings(
    state: ServingSnapshot,
    asked: ParsedRequest,
    intake: Intake,
    places: list[int],
    *,
    predict: bool,
) -> tuple[PredictedPairing, ...]:
    named = Pairs(np.zeros(len(places), dtype=np.intp), np.array(places, dtype=np.intp))
    points = _points(state, state.model.score(intake.client, state.encoding, named))
    day = asked.asked_on or today(state.practice)
    screening_cache = screening_cache_for(state.practice, state.encoding.roster, day)
    screening = screening_cache.screen(intake.client, intake.client_id, intake.modes)
    told = predict & screening.eligible[named.clinician]
    because = {each.clinician_id: each.reasons for each in screening.exclusions}
    noted = {each.clinician_id: each.reasons for each in screening.cautions}
    return tuple(
        PredictedPairing(
            clinician_id=name,
            eligible=name not in because,
            predicted_alliance=points[row][0] if tell else None,
            range=points[row][1] if tell else None,
            reasons=stated_reason(because.get(name, ())),
            reservations=stated_reason(noted.get(name, ())),
        )
        for row, (name, tell) in enumerate(zip(asked.clinician_ids, told.tolist(), strict=True))
    )


def _points(state: ServingSnapshot, scores: PairScores) -> list[tuple[float, AllianceRange]]:
    """Predicted alliance and its range, as they are told."""
    level, model = state.practice.alliance.interval, state.model
    ends = (scores.alliance, *model.interval_of(scores))
    said = np.round([model.linker.to_displayed(part) for part in ends], DECIMALS)
    return [
        (point, AllianceRange(lower=lower, upper=upper, level=level))
        for point, lower, upper in said.T.tolist()
    ]
