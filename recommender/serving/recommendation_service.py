"""Recommendations from parsed request bodies; runs in worker threads."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pydantic import BaseModel, ValidationError

from recommender.errors import IntakeError
from recommender.features.pipeline import Pairs
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.recommend import Intake, Recommendation, read_intake, recommend
from recommender.security.scopes import Scope
from recommender.serving.http.field_names import Place
from recommender.serving.http.problems import ProblemError, problem_from_validation
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.recommendation_warnings import warnings_of
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    reference_warnings,
)
from recommender.serving.schemas.required_scope import EVERYTHING, Included, visible_json
from recommender.serving.schemas.responses import (
    NOTICE,
    AllianceScale,
    ExcludedClinician,
    ExclusionCount,
    ModelInUse,
    RecommendationResponse,
    ShownClinician,
    SuggestedRelaxation,
    ordering_text,
)
from recommender.serving.schemas.ties import ties_of
from recommender.serving.snapshot.snapshot import ServingSnapshot

EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True, eq=False)
class ServedRecommendation:
    """A recommendation, its request and its response."""

    request: ParsedRequest
    recommendation: Recommendation
    response: RecommendationResponse

    def to_json(
        self, scopes: frozenset[Scope] = EVERY_SCOPE, included: frozenset[Included] = EVERYTHING
    ) -> bytes:
        """The response as JSON, as a caller with these scopes receives it; by default all of it."""
        return visible_json(self.response.seen_by(scopes), scopes, included)


def recommend_request(snapshot: ServingSnapshot, body: JsonBody) -> ServedRecommendation:
    """The recommendation for a request body.

    Raises
    ------
    ProblemError
        When the body is not strict JSON or fails validation.
    IntakeError
        When answers pass validation but cannot be encoded.
    """
    try:
        request = snapshot.form.read(body.value)
    except ValidationError as error:
        raise refused_request(snapshot, error, snapshot.form.model) from None
    try:
        return recommend_parsed(snapshot, request)
    except IntakeError as error:
        raise with_json_remedies(error, snapshot.form.fields) from None


def refused_request(
    snapshot: ServingSnapshot, error: ValidationError, model: type[BaseModel]
) -> ProblemError:
    """The problem of a request that fails validation by a model of the snapshot.

    Where a name is in the place of a clinician's id, the id is proposed: a client who blocks a
    clinician by name must not lose the block.
    """
    fields, roster = snapshot.form.fields, snapshot.encoding.roster

    def whom(place: Place, text: str) -> tuple[str, ...]:
        *_, asked, last = ("", *place)
        name = str(asked if isinstance(last, int) else last)
        is_of_clinicians = name.endswith(("clinician_id", "clinician_ids")) or (
            name in fields and fields[name].people_named == "clinicians"
        )
        return roster.near_misses([text]).get(text, ()) if is_of_clinicians else ()

    return problem_from_validation(error, model, whom=whom)


def recommend_parsed(snapshot: ServingSnapshot, request: ParsedRequest) -> ServedRecommendation:
    """The recommendation for a validated request; raises `IntakeError` as `recommend_request`."""
    intake = read_intake(snapshot.practice, request.answers, request.client_id, request.modes)
    day = request.asked_on or today(snapshot.practice)
    recommendation_id = secrets.token_hex(16)
    # Ties are randomised with the id as seed, so that the order can be reproduced.
    recommendation = recommend(
        intake,
        snapshot.encoding,
        snapshot.model,
        day=day,
        top_k=request.top_k,
        seed=recommendation_id,
    )
    shown = cards(
        snapshot.practice,
        intake.client,
        snapshot.encoding.roster,
        recommendation.screening,
        tuple(each.clinician_id for each in recommendation.shortlist),
        datetime.now(UTC),
    )
    response = to_response(snapshot, intake, recommendation, recommendation_id, shown)
    return ServedRecommendation(request, recommendation, response)


def today(practice: Practice) -> date:
    """The current date in the practice's time zone."""
    return practice.day_at(datetime.now(UTC))


def to_response(
    snapshot: ServingSnapshot,
    intake: Intake,
    recommendation: Recommendation,
    recommendation_id: str,
    shown: Sequence[CardContent],
) -> RecommendationResponse:
    """The response of a recommendation, with the cards of its shortlist."""
    level = snapshot.practice.alliance.interval
    screening = recommendation.screening
    exclusions = recommendation.exclusions
    warnings = warnings_of(snapshot, intake, recommendation, exclusions)
    return RecommendationResponse(
        recommendation_id=recommendation_id,
        mode=recommendation.mode,
        model=ModelInUse.of(snapshot.model.manifest, snapshot.digest, snapshot.version),
        asked_on=recommendation.day,
        roster_version=recommendation.roster_version,
        availability_as_of=snapshot.taken_at,
        scale=AllianceScale.of(snapshot.model),
        order=ordering_text(recommendation.mode, snapshot.practice.ranking),
        shortlist=tuple(
            ShownClinician.of(entry, level, card)
            for entry, card in zip(recommendation.shortlist, shown, strict=True)
        ),
        ties=ties_of(each.tie for each in recommendation.shortlist),
        eligible=recommendation.eligible,
        excluded=ExcludedClinician.of_all(exclusions),
        exclusion_counts=tuple(
            ExclusionCount.model_validate(count)
            for count in screening.constraint_counts
            if count.removed
        ),
        relaxations=tuple(
            SuggestedRelaxation.of(each, snapshot.practice) for each in recommendation.offers
        ),
        unanswered=recommendation.unanswered,
        warnings=tuple(each.message for each in warnings),
        warning_details=warnings,
        reference_warnings=tuple(
            reference_warnings(recommendation.unresolved, intake.client)[:MAX_WARNINGS]
        ),
        notice=NOTICE,
    )


def warm_up(snapshot: ServingSnapshot) -> None:
    """Computes an invented recommendation, so that no caller waits for first-time costs.

    No clinician may be eligible for the invented client: the whole roster is scored as well.
    """
    request = snapshot.form.read(snapshot.form.complete)
    recommend_parsed(snapshot, request).to_json()
    intake = read_intake(snapshot.practice, request.answers)
    everyone = Pairs.of_one(len(snapshot.encoding.roster))
    snapshot.model.score(intake.client, snapshot.encoding, everyone)
    snapshot.model.contributions(intake.client, snapshot.encoding, everyone)
