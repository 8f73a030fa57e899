"""Recommendations from parsed request bodies; runs in worker threads."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
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
from recommender.recommendation.card import cards, prepare_cards
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.recommend import Recommendation, read_intake, recommend
from recommender.security.scopes import Scope
from recommender.serving.http.field_names import Place
from recommender.serving.http.problems import ProblemError, problem_from_validation
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.recommendation_warnings import warnings_of
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.recommendation_warning import RecommendationWarning
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    ReferenceWarning,
    reference_warnings,
)
from recommender.serving.schemas.required_scope import (
    EVERYTHING,
    Included,
    hidden_fields,
    visible_part,
)
from recommender.serving.schemas.response_content import (
    NOTHING_HIDDEN,
    excluded_json,
    exclusion_counts,
    relaxation_content,
    shown_content,
)
from recommender.serving.schemas.responses import (
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
    """A recommendation, its request and what its response is written from.

    `cards` are those of the shortlist. `arm` is that of a trial, if the client takes part in one,
    `shadow` what a second model would have shown, if there is one.
    """

    snapshot: ServingSnapshot
    request: ParsedRequest
    recommendation: Recommendation
    recommendation_id: str
    cards: Sequence[CardContent]
    warnings: Sequence[RecommendationWarning]
    references: Sequence[ReferenceWarning]
    arm: TrialArm | None = None
    shadow: ShadowOrder | None = None

    @property
    def response(self) -> RecommendationResponse:
        """The whole response, read from its JSON."""
        return RecommendationResponse.model_validate_json(self.to_json())

    def to_json(
        self, scopes: frozenset[Scope] = EVERY_SCOPE, included: frozenset[Included] = EVERYTHING
    ) -> bytes:
        """The response as JSON, as a caller with these scopes receives it; by default all of it.

        Members that the caller does not receive are not computed.
        """
        ready = self.snapshot.ready
        members = [
            begin + (ready[name] if name in ready else MEMBERS[name](self, hidden, scopes))
            for name, begin, hidden in _sent_members(scopes, included)
        ]
        return b"{%b}" % b",".join(members)


@lru_cache(maxsize=256)
def _sent_members(
    scopes: frozenset[Scope], included: frozenset[Included]
) -> Sequence[tuple[str, bytes, Mapping[str, Any]]]:
    """The members a caller receives, with what each begins with and what is hidden of it."""
    hidden = hidden_fields(RecommendationResponse, scopes, included)
    return [
        (name, b'"%b":' % name.encode(), hidden.get(name, NOTHING_HIDDEN))
        for name in RecommendationResponse.model_fields
        if hidden.get(name) is not True
    ]


Member = Callable[[ServedRecommendation, Mapping[str, Any], frozenset[Scope]], bytes]


def _shortlist_json(
    served: ServedRecommendation, hidden: Mapping[str, Any], scopes: frozenset[Scope]
) -> bytes:
    level, of_entry = served.snapshot.practice.alliance.interval, hidden.get("__all__", hidden)
    for_clients = Scope.EXPLAIN_READ not in scopes
    shown = zip(served.recommendation.shortlist, served.cards, strict=True)
    return to_json(
        [
            shown_content(entry, level, card, of_entry, for_clients=for_clients)
            for entry, card in shown
        ]
    )


def _visible_json(value_of: Callable[[ServedRecommendation], Any]) -> Member:
    """A member that is JSON of a value, without its hidden fields."""

    def member(
        served: ServedRecommendation, hidden: Mapping[str, Any], _: frozenset[Scope]
    ) -> bytes:
        value = value_of(served)
        return to_json(visible_part(value, hidden) if hidden else value)

    return member


@lru_cache(maxsize=64)
def _text_json(text: str) -> bytes:
    return to_json(text)


@lru_cache(maxsize=16)
def _day_json(day: date) -> bytes:
    return to_json(day)


VALUES: Mapping[str, Callable[[ServedRecommendation], Any]] = {
    "recommendation_id": lambda served: served.recommendation_id,
    "ties": lambda served: ties_content([each.tie for each in served.recommendation.shortlist]),
    "eligible": lambda served: served.recommendation.eligible,
    "exclusion_counts": lambda served: exclusion_counts(served.recommendation.screening),
    "relaxations": lambda served: [
        relaxation_content(each, served.snapshot.practice) for each in served.recommendation.offers
    ],
    "unanswered": lambda served: served.recommendation.unanswered,
    "warnings": lambda served: [each.message for each in served.warnings],
    "warning_details": lambda served: [each.model_dump() for each in served.warnings],
    "reference_warnings": lambda served: [each.model_dump() for each in served.references],
}
"""Members of a response as plain data."""
MEMBERS: Mapping[str, Member] = {
    "mode": lambda served, *_: _text_json(served.recommendation.mode),
    "asked_on": lambda served, *_: _day_json(served.recommendation.day),
    "shortlist": _shortlist_json,
    "excluded": lambda served, *_: excluded_json(served.recommendation.screening),
    "notice": lambda served, *_: _text_json(notice_of(served.recommendation.mode)),
    "order": lambda served, *_: _text_json(
        ordering_text(served.recommendation.mode, served.snapshot.practice.ranking)
    ),
    **{name: _visible_json(value_of) for name, value_of in VALUES.items()},
}
"""The members of a response that its snapshot does not decide alone."""


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
    warnings = warnings_of(snapshot, intake, recommendation)
    references = reference_warnings(recommendation.unresolved, intake.client)[:MAX_WARNINGS]
    shadow = None
    if second is not None:
        shadow = second.order_for(
            snapshot, intake, recommendation, request.top_k, recommendation_id
        )
    arm = None
    if drawn is not None and recommendation.orders is not None:
        arm = drawn.with_orders(recommendation.orders)
    return ServedRecommendation(
        snapshot,
        request,
        recommendation,
        recommendation_id,
        shown,
        warnings,
        references,
        arm,
        shadow,
    )


def today(practice: Practice) -> date:
    """The current date in the practice's time zone."""
    return practice.day_at(datetime.now(UTC))


def warm_up(snapshot: ServingSnapshot) -> None:
    """Computes an invented recommendation, so that no caller waits for first-time costs.

    No clinician may be eligible for the invented client: the whole roster is scored as well, and
    what cards read of it is prepared.
    """
    prepare_cards(snapshot.practice, snapshot.encoding.roster.columns, datetime.now(UTC))
    request = snapshot.form.read(snapshot.form.complete)
    recommend_parsed(snapshot, request).to_json()
    intake = read_intake(snapshot.practice, request.answers)
    everyone = Pairs.of_one(len(snapshot.encoding.roster))
    contributions_of(plan_for(snapshot.model, snapshot.encoding).score(intake.client, everyone))
