"""Recommendations from parsed request bodies; runs in worker threads."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from pydantic import BaseModel, ValidationError

from recommender.errors import IntakeError
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import EVIDENCE_PRIOR
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Intake,
    Recommendation,
    read_intake,
    recommend,
)
from recommender.security.scopes import Scope
from recommender.serving.http.field_names import Place
from recommender.serving.http.problems import ProblemError, problem_from_validation
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    reference_sentences,
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
        eligible=recommendation.eligible,
        excluded=tuple(ExcludedClinician.of(each) for each in recommendation.exclusions),
        exclusion_counts=tuple(
            ExclusionCount.model_validate(count)
            for count in screening.constraint_counts
            if count.removed
        ),
        relaxations=tuple(
            SuggestedRelaxation.of(each, snapshot.practice) for each in recommendation.offers
        ),
        unanswered=recommendation.unanswered,
        warnings=(
            *reference_sentences(recommendation.unresolved),
            *_warnings(recommendation),
            *_stale(snapshot),
        ),
        reference_warnings=tuple(
            reference_warnings(recommendation.unresolved, intake.client)[:MAX_WARNINGS]
        ),
        notice=NOTICE,
    )


def _warnings(recommendation: Recommendation) -> tuple[str, ...]:
    warnings = []
    if recommendation.mode == EVIDENCE_PRIOR:
        warnings.append(
            "The model was not trained on ratings of this practice: the order follows published "
            "effect sizes."
        )
    if recommendation.mode == CONSTRAINTS_ONLY:
        warnings.append(
            "The client has not consented to a personalised order: no alliance was predicted, and "
            "clinicians who are free first come first."
        )
    if not recommendation.eligible:
        warnings.append("No clinician meets every requirement; see `exclusion_counts`.")
        warnings += [*_ask_first(recommendation), *_triage(recommendation)]
    return tuple(warnings)


def _stale(snapshot: ServingSnapshot) -> list[str]:
    """A warning if the roster is older than the configured age."""
    if datetime.now(UTC) - snapshot.taken_at <= timedelta(hours=snapshot.stale_hours):
        return []
    return [
        f"Availability was last updated more than {snapshot.stale_hours:g} hours ago "
        "(`availability_as_of`): ask the clinician before offering a time."
    ]


def _ask_first(recommendation: Recommendation) -> list[str]:
    """A warning for each constraint that excludes everybody because its question is not answered.

    Unknown for every clinician means that the client's side is missing, not a clinician's.
    """
    screening = recommendation.screening
    excluding = {r.constraint for each in recommendation.exclusions for r in each.reasons}
    return [
        f"Ask first: {' and '.join(f'`{name}`' for name in constraint.client)} not answered; "
        "while this is so, no clinician can be shown."
        for constraint in screening.constraints
        if constraint.name in excluding
        and constraint.unasked == "unknown"
        and np.isnan(screening.verdicts[constraint.name]).all()
    ]


def _triage(recommendation: Recommendation) -> list[str]:
    """A warning if an answer of the client is beyond every clinician for a reason of safety.

    A question that is not answered, or a clinician's limit that is not recorded, is no such answer.
    """
    safety = {
        c.name for c in recommendation.screening.constraints if c.family == "safety" and c.client
    }
    unsafe = [
        any(r.constraint in safety and not r.unknown for r in each.reasons)
        for each in recommendation.exclusions
    ]
    if not unsafe or not all(unsafe):
        return []
    return [
        "No clinician on the roster can safely take this client: the request needs clinical triage."
    ]


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
