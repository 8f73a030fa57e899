"""From a request's bytes to a response's bytes: the whole path but HTTP itself.

Runs in a worker thread and reads nothing but the snapshot, the clock and chance for an id.
Imported by `serving.app` and `serving.routes`.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from recommender.features.pipeline import Pairs
from recommender.model.manifest import EVIDENCE_PRIOR
from recommender.practice.definition import Practice
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Recommendation,
    read_intake,
    recommend,
)
from recommender.serving.http.problems import problem_from_validation
from recommender.serving.http.strict_json import check_json
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.responses import (
    NOTICE,
    STAFF_ONLY,
    AllianceScale,
    ExcludedClinician,
    ExclusionCount,
    ModelInUse,
    RecommendationResponse,
    ShownClinician,
    SuggestedRelaxation,
    ordering_text,
)
from recommender.serving.snapshot.snapshot import ServingSnapshot


@dataclass(frozen=True, slots=True)
class Answer:
    """A response body, and the mode it was made in."""

    body: bytes
    mode: str


def answer(state: ServingSnapshot, body: bytes) -> Answer:
    """The response to a recommendation request.

    Raises
    ------
    ProblemError
        When the body is not sound JSON or does not fit the form.
    IntakeError
        With answers the engine cannot read although they fit the form.
    """
    told = recommend_request(state, body)
    return Answer(told.to_json(to_staff=True), told.recommendation.mode)


@dataclass(frozen=True, slots=True, eq=False)
class ServedRecommendation:
    """A recommendation with the request it was made from and the response that tells it."""

    request: ParsedRequest
    recommendation: Recommendation
    response: RecommendationResponse

    def to_json(self, *, to_staff: bool) -> bytes:
        """The response's bytes; what anything adds to a score is for staff only."""
        left_out: Any = None if to_staff else STAFF_ONLY
        return self.response.model_dump_json(exclude=left_out).encode()


def recommend_request(state: ServingSnapshot, body: bytes) -> ServedRecommendation:
    """What is recommended to a request, before it is known who reads it; raises as `answer`."""
    check_json(body)
    try:
        asked = state.form.read(body)
    except ValidationError as error:
        raise problem_from_validation(error) from None
    return recommend_parsed(state, asked)


def recommend_parsed(state: ServingSnapshot, asked: ParsedRequest) -> ServedRecommendation:
    """The same for a request that was read before.

    Raises
    ------
    IntakeError
        With answers the engine cannot read.
    """
    intake = read_intake(state.practice, asked.answers, asked.client_id, asked.modes)
    day = asked.asked_on or today(state.practice)
    recommendation_id = secrets.token_hex(16)
    # Lots are drawn from the id, so that whoever has the request and the id can draw them again.
    found = recommend(
        intake, state.encoding, state.model, day=day, top_k=asked.top_k, seed=recommendation_id
    )
    return ServedRecommendation(asked, found, to_response(state, found, recommendation_id))


def today(practice: Practice) -> date:
    """The day it is where the practice is."""
    return datetime.now(ZoneInfo(practice.timezone)).date()


def to_response(
    state: ServingSnapshot, found: Recommendation, recommendation_id: str
) -> RecommendationResponse:
    """A recommendation as it is sent."""
    level = state.practice.alliance.interval
    screening = found.screening
    return RecommendationResponse(
        recommendation_id=recommendation_id,
        mode=found.mode,
        model=ModelInUse.of(state.model.manifest, state.digest, state.version),
        asked_on=found.day,
        roster_version=found.roster_version,
        availability_as_of=state.taken_at,
        scale=AllianceScale.of(state.model),
        order=ordering_text(found.mode, state.practice.ranking),
        shortlist=tuple(ShownClinician.of(shown, level) for shown in found.shortlist),
        eligible=found.eligible,
        excluded=tuple(ExcludedClinician.of(each) for each in found.exclusions),
        exclusion_counts=tuple(
            ExclusionCount.of(removal) for removal in screening.constraint_counts
        ),
        relaxations=tuple(SuggestedRelaxation.of(each, state.practice) for each in found.offers),
        unanswered=found.unanswered,
        warnings=(*_warnings(found), *_stale(state)),
        notice=NOTICE,
    )


def _warnings(found: Recommendation) -> tuple[str, ...]:
    warnings = []
    if found.mode == EVIDENCE_PRIOR:
        warnings.append(
            "The model was not trained on ratings of this practice: the order follows published "
            "effect sizes."
        )
    if found.mode == CONSTRAINTS_ONLY:
        warnings.append(
            "The client has not consented to a personalised order: no alliance was predicted, and "
            "clinicians who are free first come first."
        )
    if not found.eligible:
        warnings.append("No clinician meets every requirement; see `exclusion_counts`.")
        warnings += _triage(found)
    return tuple(warnings)


def _stale(state: ServingSnapshot) -> list[str]:
    """Whether who is free was last told longer ago than this server takes for current."""
    if datetime.now(UTC) - state.taken_at <= timedelta(hours=state.stale_hours):
        return []
    return [
        f"Availability was last updated more than {state.stale_hours:g} hours ago "
        "(`availability_as_of`): ask the clinician before offering a time."
    ]


def _triage(found: Recommendation) -> list[str]:
    """Whether nobody on the roster can safely take this on: then a person has to decide."""
    safety = {c.name for c in found.screening.constraints if c.family == "safety"}
    unsafe = [any(r.constraint in safety for r in each.reasons) for each in found.exclusions]
    if not unsafe or not all(unsafe):
        return []
    return [
        "No clinician on the roster can safely take this client: the request needs clinical triage."
    ]


def warm_up(state: ServingSnapshot) -> None:
    """Answers an invented request, so that no caller waits for what only the first one costs.

    The invented client may fit nobody, so the whole roster is also scored and explained.
    """
    answer(state, state.form.example_body())
    asked = state.form.read(state.form.example_body())
    intake = read_intake(state.practice, asked.answers)
    everyone = Pairs.of_one(len(state.encoding.roster))
    state.model.score(intake.client, state.encoding, everyone)
    state.model.contributions(intake.client, state.encoding, everyone)
