"""A recommendation as the journal keeps it. Imported by `serving.recommendations`."""

from recommender.journal.consents import TRAIN, Consent
from recommender.journal.idempotency import Reply, Write
from recommender.journal.recommendations import Shown, ShownClinician, record_recommendation
from recommender.practice import Practice
from recommender.serving.answers import Made
from recommender.serving.explained import explained_of
from recommender.serving.form import Asked
from recommender.serving.state import State
from recommender.store.database import Connection

KEPT = 201


def recording(made: Made, sent: bytes, state: State, *, actor: str) -> Write:
    """What writes a recommendation and the reply to it."""
    shown = shown_of(made, sent, state)

    def write(connection: Connection) -> Reply:
        subject = record_recommendation(connection, shown, actor=actor)
        return Reply(KEPT, sent, subject)

    return write


def shown_of(made: Made, sent: bytes, state: State) -> Shown:
    """What was shown and what it was made from."""
    found, asked = made.found, made.asked
    own = found.contributions
    return Shown(
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
            ShownClinician(each.clinician_id, each.predicted, each.propensity)
            for each in found.shortlist
        ),
        response=sent,
        modes=asked.modes,
        explained=None if own is None else explained_of(own, _eligible(made, state)).to_bytes(),
    )


def consent_of(asked: Asked, practice: Practice) -> Consent | None:
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


def _eligible(made: Made, state: State) -> tuple[str, ...]:
    fits = made.found.screening.eligible.tolist()
    return tuple(name for name, fit in zip(state.standing.roster.ids, fits, strict=True) if fit)
