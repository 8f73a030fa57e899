"""Recommendations in the journal: what is stored of them, and how stored responses are read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from recommender.features.feature import Feature
from recommender.journal.consents import TRAIN, Consent
from recommender.journal.contribution_table import ContributionTable
from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.recommendations import (
    ShortlistRow,
    ShownRecommendation,
)
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.model.alliance_model import Contributions
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation, behind, contrast, explain
from recommender.security.scopes import Scope
from recommender.serving.idempotency import created
from recommender.serving.recommendation_service import ServedRecommendation
from recommender.serving.schemas.card import cards_seen_by
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.required_scope import Included, hidden_fields, visible_part
from recommender.serving.schemas.responses import CONTRACT_VERSION, RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection


class StoredContributions(ContributionTable):
    """Stored contributions, and explanations made of them."""

    __slots__ = ()

    def against_average(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str
    ) -> Explanation:
        """Contributions of one clinician relative to the average of all."""
        everyone = self._own(features)
        own = everyone.take(np.array([self.ids.index(clinician_id)]))
        (explanation,) = explain(practice, own, everyone.average)
        return explanation

    def against(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str, other: str
    ) -> Explanation:
        """Contributions of one clinician relative to another; antisymmetric."""
        own = self._own(features)
        return contrast(practice, own, self.ids.index(clinician_id), self.ids.index(other))

    def behind(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str, other: str
    ) -> tuple[str, ...]:
        """In what one clinician is behind another, in words that are true of both."""
        own = self._own(features)
        return behind(practice, own, self.ids.index(clinician_id), self.ids.index(other))

    def _own(self, features: tuple[Feature, ...]) -> Contributions:
        return Contributions(features, self.values, self.start, self.raw)


def stored_contributions(own: Contributions, ids: tuple[str, ...]) -> StoredContributions:
    """Contributions in the form that is stored."""
    names = tuple(feature.name for feature in own.features)
    return StoredContributions(names, ids, own.values, own.raw, own.start)


_RENAMED: Mapping[str, str] = {
    "ledger": "exclusion_counts",
    "say": "text",
    "tie_say": "tie_text",
    "opens": "admits",
}
"""Field names of contract version 1, which had no `contract_version`, and their present names."""


def read_response(body: bytes) -> RecommendationResponse:
    """A stored response, whichever contract version it was written in."""
    return RecommendationResponse.model_validate_json(current_body(body))


def current_body(body: bytes) -> bytes:
    """The bytes of a stored response in the present field names; unchanged if it has them."""
    stored = json.loads(body)
    current = _current(stored)
    if current is stored:
        return body
    return json.dumps(current, ensure_ascii=False, separators=(",", ":")).encode()


def current_content(body: bytes) -> dict[str, Any]:
    """The content of a stored response in the present field names."""
    return _current(json.loads(body))


def visible_body(body: bytes, scopes: frozenset[Scope], included: frozenset[Included]) -> bytes:
    """A stored response in the present field names, as a caller with these scopes receives it.

    The whole response is stored. Earlier servers stored what they sent: parts that the caller of
    then did not receive are absent, though they are asked for.
    """
    hidden = hidden_fields(RecommendationResponse, scopes, included)
    response = current_content(body)
    for shown in response["shortlist"]:
        # Earlier servers stored no cards.
        shown.setdefault("card", None)
    visible = visible_part(cards_seen_by(response, scopes), hidden)
    return json.dumps(visible, ensure_ascii=False, separators=(",", ":")).encode()


def _current(response: dict[str, Any]) -> dict[str, Any]:
    """A response in the present field names; the same object if it has them."""
    if response.get("contract_version") == CONTRACT_VERSION:
        return response
    return {"contract_version": CONTRACT_VERSION, **_with_present_names(response)}


def _with_present_names(part: Any) -> Any:
    if isinstance(part, dict):
        return {_RENAMED.get(key, key): _with_present_names(each) for key, each in part.items()}
    return [_with_present_names(each) for each in part] if isinstance(part, list) else part


def to_journal_row(
    served: ServedRecommendation,
    snapshot: ServingSnapshot,
    *,
    actor: str,
    sent: bytes = b"",
    replaces: str | None = None,
) -> Write:
    """The write that records a recommendation.

    The journal has the whole response, whatever the caller was sent of it: staff go on with what a
    page asked for. `sent` is the body of the reply; empty where no reply is sent. `replaces` is the
    recommendation whose answers this one changes.
    """
    prepared = prepare_recommendation(replace(shown_of(served, snapshot), replaces=replaces))
    location = f"/v1/recommendations/{served.recommendation_id}"

    def write(connection: Connection) -> StoredReply:
        return created(sent, location, record_recommendation(connection, prepared, actor=actor))

    return write


def shown_of(served: ServedRecommendation, snapshot: ServingSnapshot) -> ShownRecommendation:
    """The journal's form of a recommendation."""
    recommendation, request = served.recommendation, served.request
    contributions = recommendation.contributions
    return ShownRecommendation(
        recommendation_id=served.recommendation_id,
        client_id=request.client_id,
        answers=request.answers,
        asked_on=recommendation.day,
        consent=consent_of(request, snapshot.practice),
        practice_digest=snapshot.practice.digest,
        roster_version=recommendation.roster_version,
        model_digest=snapshot.digest,
        mode=recommendation.mode,
        shortlist=tuple(
            ShortlistRow(each.clinician_id, each.predicted, each.propensity)
            for each in recommendation.shortlist
        ),
        response=served.to_json(),
        modes=request.modes,
        eligible=recommendation.eligible,
        declared=request.declared,
        arm=served.arm,
        shadow=served.shadow,
        explained=None
        if contributions is None
        else stored_contributions(contributions, _eligible(served, snapshot)).to_bytes(),
    )


def consent_of(request: ParsedRequest, practice: Practice) -> Consent | None:
    """The consents in a request; None if it has none.

    Consent to matching with scores is a question of the practice definition.
    """
    match = request.answers.get(practice.consent) if practice.consent else None
    answers, version, further = {"match": match}, practice.version, request.consent
    if further is not None:
        answers |= {TRAIN: further.train, "research": further.research}
        version = further.version
    scopes = {scope: bool(answer) for scope, answer in answers.items() if answer is not None}
    return Consent(version, scopes) if scopes else None


def _eligible(served: ServedRecommendation, snapshot: ServingSnapshot) -> tuple[str, ...]:
    ids, eligible = snapshot.encoding.roster.ids, served.recommendation.screening.eligible
    return tuple([ids[place] for place in np.flatnonzero(eligible).tolist()])
