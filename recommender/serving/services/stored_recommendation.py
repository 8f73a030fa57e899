"""A recommendation as the journal keeps it. Imported by `serving.recommendations`."""

from recommender.journal.consents import TRAIN, Consent
from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.recommendations import (
    ShortlistRow,
    ShownRecommendation,
    record_recommendation,
)
from recommender.practice.definition import Practice
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.services.recommendation_service import ServedRecommendation
from recommender.serving.services.stored_contributions import stored_contributions
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection

KEPT = 201


def to_journal_row(
    made: ServedRecommendation, sent: bytes, state: ServingSnapshot, *, actor: str
) -> Write:
    """What writes a recommendation and the reply to it."""
    shown = shown_of(made, sent, state)

    def write(connection: Connection) -> StoredReply:
        subject = record_recommendation(connection, shown, actor=actor)
        return StoredReply(KEPT, sent, subject)

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
    agreed, scopes = asked.agreed, {}
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
