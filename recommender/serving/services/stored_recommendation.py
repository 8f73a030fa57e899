"""Recommendations in the journal: what is stored of them, and how stored responses are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.features.feature import Array, Feature
from recommender.journal.consents import TRAIN, Consent
from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.recommendations import (
    ShortlistRow,
    ShownRecommendation,
    record_recommendation,
)
from recommender.model.alliance_model import Contributions
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation, contrast, explain
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.responses import CONTRACT_VERSION, RecommendationResponse
from recommender.serving.services.recommendation_service import ServedRecommendation
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection


@dataclass(frozen=True, slots=True, eq=False)
class StoredContributions:
    """Contributions of everybody who was eligible.

    Attributes
    ----------
    names
        Of the features.
    ids
        Whose contributions, one a row.
    values, raw, start
        As in `Contributions`.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    values: Array
    raw: Array
    start: Array

    def to_bytes(self) -> bytes:
        """JSON; a value that is not known is null."""
        raw = [[None if value != value else value for value in row] for row in self.raw.tolist()]
        told = {
            "features": self.names,
            "clinicians": self.ids,
            "start": self.start.tolist(),
            "points": self.values.tolist(),
            "values": raw,
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "StoredContributions":
        """What `to_bytes` wrote."""
        told = json.loads(kept)
        shape = len(told["clinicians"]), len(told["features"])
        return cls(
            names=tuple(told["features"]),
            ids=tuple(told["clinicians"]),
            values=np.array(told["points"], dtype=np.float64).reshape(shape),
            raw=np.array(told["values"], dtype=np.float64).reshape(shape),
            start=np.array(told["start"], dtype=np.float64),
        )

    def against_average(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str
    ) -> Explanation:
        """Why one of them, held against the average of all."""
        (told,) = explain(practice, self._own(features), np.array([self.ids.index(clinician_id)]))
        return told

    def against(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str, other: str
    ) -> Explanation:
        """Why one of them rather than another; turned round, every sign turns."""
        own = self._own(features)
        return contrast(practice, own, self.ids.index(clinician_id), self.ids.index(other))

    def _own(self, features: tuple[Feature, ...]) -> Contributions:
        return Contributions(features, self.values, self.start, self.raw)


def stored_contributions(own: Contributions, ids: tuple[str, ...]) -> StoredContributions:
    """What is kept of the contributions of clinicians."""
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
    response = json.loads(body)
    if response.get("contract_version") == CONTRACT_VERSION:
        return body
    renamed = {"contract_version": CONTRACT_VERSION, **_with_present_names(response)}
    return json.dumps(renamed, ensure_ascii=False, separators=(",", ":")).encode()


def _with_present_names(part: Any) -> Any:
    if isinstance(part, dict):
        return {_RENAMED.get(key, key): _with_present_names(each) for key, each in part.items()}
    return [_with_present_names(each) for each in part] if isinstance(part, list) else part


CREATED = 201


def to_journal_row(
    made: ServedRecommendation, sent: bytes, state: ServingSnapshot, *, actor: str
) -> Write:
    """What writes a recommendation and the reply to it."""
    shown = shown_of(made, sent, state)

    def write(connection: Connection) -> StoredReply:
        subject = record_recommendation(connection, shown, actor=actor)
        return StoredReply(CREATED, sent, subject)

    return write


def shown_of(
    made: ServedRecommendation, sent: bytes, state: ServingSnapshot
) -> ShownRecommendation:
    """What was shown and what it was made from."""
    found, asked = made.recommendation, made.request
    own = found.contributions
    return ShownRecommendation(
        recommendation_id=made.response.recommendation_id,
        client_id=asked.client_id,
        answers=asked.answers,
        asked_on=found.day,
        consent=consent_of(asked, state.practice),
        practice_digest=state.practice.digest,
        roster_version=found.roster_version,
        model_digest=state.digest,
        mode=found.mode,
        shortlist=tuple(
            ShortlistRow(each.clinician_id, each.predicted, each.propensity)
            for each in found.shortlist
        ),
        response=sent,
        modes=asked.modes,
        explained=None
        if own is None
        else stored_contributions(own, _eligible(made, state)).to_bytes(),
    )


def consent_of(asked: ParsedRequest, practice: Practice) -> Consent | None:
    """What the client said in a request; None where they were asked nothing.

    To be matched with scores is a question of the practice's own, worded by its definition.
    """
    agreed, scopes = asked.consent, {}
    match = asked.answers.get(practice.consent) if practice.consent else None
    said = (
        {"match": match}
        if agreed is None
        else {"match": match, TRAIN: agreed.train, "research": agreed.research}
    )
    scopes = {scope: bool(given) for scope, given in said.items() if given is not None}
    version = practice.version if agreed is None else agreed.version
    return Consent(version, scopes) if scopes else None


def _eligible(made: ServedRecommendation, state: ServingSnapshot) -> tuple[str, ...]:
    fits = made.recommendation.screening.eligible.tolist()
    return tuple(name for name, fit in zip(state.encoding.roster.ids, fits, strict=True) if fit)
