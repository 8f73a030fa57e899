"""Recommendations from parsed request bodies; runs in worker threads."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from recommender.errors import IntakeError
from recommender.features.pipeline import Pairs
from recommender.journal.shadows import ShadowOrder
from recommender.journal.trial_arms import TrialArm
from recommender.plan.compiling import plan_for
from recommender.plan.contributions import contributions_of
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.recommend import Intake, Recommendation, read_intake, recommend
from recommender.security.scopes import Scope
from recommender.serving.http.field_names import Place
from recommender.serving.http.problems import ProblemError, problem_from_validation
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.recommendation_warnings import warnings_of
from recommender.serving.schemas.card import cards_seen_by
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    reference_warnings,
)
from recommender.serving.schemas.required_scope import (
    EVERYTHING,
    Included,
    hidden_fields,
    visible_part,
)
from recommender.serving.schemas.response_content import (
    excluded_json,
    exclusion_counts,
    relaxation_content,
    shown_content,
)
from recommender.serving.schemas.responses import (
    CONTRACT_VERSION,
    RecommendationResponse,
    notice_of,
    ordering_text,
)
from recommender.serving.schemas.ties import ties_content
from recommender.serving.shadow import ShadowModel
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.trial_draws import TrialDraws
from recommender.trial.randomisation import MODEL

EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True, eq=False)
class ServedRecommendation:
    """A recommendation, its request and its response.

    `content` is the response as plain data in the form of `RecommendationResponse`, but for who is
    excluded and the relaxations, which are computed where they are sent or stored. `arm` is that of
    a trial, if the client takes part in one, `shadow` what a second model would have shown, if
    there is one.
    """

    request: ParsedRequest
    recommendation: Recommendation
    recommendation_id: str
    content: Mapping[str, Any]
    arm: TrialArm | None = None
    shadow: ShadowOrder | None = None

    @property
    def response(self) -> RecommendationResponse:
        """The whole response, read from its JSON."""
        return RecommendationResponse.model_validate_json(self.to_json())

    def to_json(
        self, scopes: frozenset[Scope] = EVERY_SCOPE, included: frozenset[Included] = EVERYTHING
    ) -> bytes:
        """The response as JSON, as a caller with these scopes receives it; by default all of it."""
        hidden = hidden_fields(RecommendationResponse, scopes, included)
        content = self.content
        if hidden.get("relaxations") is not True:
            practice = self.recommendation.screening.layout.practice
            offers = [relaxation_content(o, practice) for o in self.recommendation.offers]
            content = {**content, "relaxations": offers}
        content = visible_part(cards_seen_by(content, scopes), hidden)
        parts = {name: to_json(value) for name, value in content.items()}
        if "excluded" not in hidden:
            parts["excluded"] = excluded_json(self.recommendation.screening)
        in_order = (name for name in RecommendationResponse.model_fields if name in parts)
        return b"{%b}" % b",".join([b'"%b":%b' % (n.encode(), parts[n]) for n in in_order])


def recommend_request(
    snapshot: ServingSnapshot,
    body: JsonBody,
    draws: TrialDraws | None = None,
    second: ShadowModel | None = None,
    *,
    with_relaxations: bool = False,
) -> ServedRecommendation:
    """The recommendation for a request body, in an arm of a trial if one is open.

    After a trial that ended for harm it is in the usual order, until the model's is restored. It
    costs less to say beforehand whether the relaxations will be sent or stored.

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
        return recommend_parsed(snapshot, request, draws, second, with_relaxations=with_relaxations)
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


def recommend_parsed(
    snapshot: ServingSnapshot,
    request: ParsedRequest,
    draws: TrialDraws | None = None,
    second: ShadowModel | None = None,
    *,
    with_relaxations: bool = False,
) -> ServedRecommendation:
    """The recommendation for a validated request; raises `IntakeError` as `recommend_request`."""
    intake = read_intake(snapshot.practice, request.answers, request.client_id, request.modes)
    day = request.asked_on or today(snapshot.practice)
    recommendation_id = secrets.token_hex(16)
    drawn = None if draws is None else draws.draw(request, recommendation_id)
    # Ties are randomised with the id as seed, so that the order can be reproduced.
    recommendation = recommend(
        intake,
        snapshot.encoding,
        snapshot.model,
        day=day,
        top_k=request.top_k,
        seed=recommendation_id,
        by_model=None if drawn is None else drawn.arm == MODEL,
        withdrawn=draws is not None and draws.order_withdrawn(),
        with_relaxations=with_relaxations,
    )
    shown = cards(
        snapshot.practice,
        intake.client,
        snapshot.encoding.roster,
        recommendation.screening,
        tuple(each.clinician_id for each in recommendation.shortlist),
        datetime.now(UTC),
    )
    content = response_content(snapshot, intake, recommendation, recommendation_id, shown)
    shadow = None
    if second is not None:
        shadow = second.order_for(
            snapshot, intake, recommendation, request.top_k, recommendation_id
        )
    arm = None
    if drawn is not None and recommendation.orders is not None:
        arm = drawn.with_orders(recommendation.orders)
    return ServedRecommendation(request, recommendation, recommendation_id, content, arm, shadow)


def today(practice: Practice) -> date:
    """The current date in the practice's time zone."""
    return practice.day_at(datetime.now(UTC))


def response_content(
    snapshot: ServingSnapshot,
    intake: Intake,
    recommendation: Recommendation,
    recommendation_id: str,
    shown: Sequence[CardContent],
) -> dict[str, Any]:
    """The `content` of a `ServedRecommendation`, with the cards of its shortlist."""
    practice, level = snapshot.practice, snapshot.practice.alliance.interval
    warnings = warnings_of(snapshot, intake, recommendation)
    references = reference_warnings(recommendation.unresolved, intake.client)[:MAX_WARNINGS]
    return {
        "recommendation_id": recommendation_id,
        "contract_version": CONTRACT_VERSION,
        "mode": recommendation.mode,
        "model": snapshot.model_in_use,
        "asked_on": recommendation.day,
        "roster_version": recommendation.roster_version,
        "availability_as_of": snapshot.taken_at,
        "scale": snapshot.scale,
        "order": ordering_text(recommendation.mode, practice.ranking),
        "shortlist": [
            shown_content(entry, level, card)
            for entry, card in zip(recommendation.shortlist, shown, strict=True)
        ],
        "ties": ties_content(each.tie for each in recommendation.shortlist),
        "eligible": recommendation.eligible,
        "exclusion_counts": exclusion_counts(recommendation.screening),
        "unanswered": recommendation.unanswered,
        "warnings": [each.message for each in warnings],
        "warning_details": [each.model_dump() for each in warnings],
        "reference_warnings": [each.model_dump() for each in references],
        "notice": notice_of(recommendation.mode),
    }


def warm_up(snapshot: ServingSnapshot) -> None:
    """Computes an invented recommendation, so that no caller waits for first-time costs.

    No clinician may be eligible for the invented client: the whole roster is scored as well.
    """
    request = snapshot.form.read(snapshot.form.complete)
    recommend_parsed(snapshot, request).to_json()
    intake = read_intake(snapshot.practice, request.answers)
    everyone = Pairs.of_one(len(snapshot.encoding.roster))
    contributions_of(plan_for(snapshot.model, snapshot.encoding).score(intake.client, everyone))
