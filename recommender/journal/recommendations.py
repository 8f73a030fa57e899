"""What was shown, as it was shown: asking for it again gives the same bytes.

Imported within `journal` and by `serving`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from recommender.errors import NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.canonical_json import canonical_json, digest
from recommender.journal.consents import SCOPES, Consent, store_consent
from recommender.journal.subjects import Subject, subject_for, subject_with
from recommender.journal.validation import choice_faults, id_faults, refuse
from recommender.store.database import database_time
from recommender.store.schema import payloads, recommendations, shown, subjects


@dataclass(frozen=True, slots=True)
class ShortlistRow:
    """One row of a shortlist, its rank being its place.

    `score` is None where nothing was predicted. `propensity` is the probability of standing at this
    rank over all lots that could have been drawn, 1 for whoever no lot could move; None where the
    practice draws none.
    """

    clinician_id: str
    score: float | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class ShownRecommendation:
    """One recommendation as it was made.

    Attributes
    ----------
    client_id
        Pseudonym, None when the client is new to the practice.
    answers
        The intake as used: raw cells by field.
    asked_on
        The practice's day.
    consent
        What the client said with this request; None when nothing was asked.
    practice_digest, roster_version, model_digest, mode
        What answered.
    shortlist
        First rank first. Exclusions stand in the response.
    response
        The bytes that were sent.
    modes
        Constraints the request counted otherwise than declared.
    explained
        What the explanations were made of; None where nothing was predicted.
    """

    recommendation_id: str
    client_id: str | None
    answers: Mapping[str, Any] = field(repr=False)
    asked_on: date
    consent: Consent | None
    practice_digest: str
    roster_version: str
    model_digest: str
    mode: str
    shortlist: tuple[ShortlistRow, ...]
    response: bytes = field(repr=False)
    modes: Mapping[str, str] = field(default_factory=dict)
    explained: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RecordedRecommendation:
    """A recommendation read back: what was kept, for whom, by whom and when (UTC)."""

    shown: ShownRecommendation
    subject: Subject
    actor: str
    recorded_at: datetime


def record_recommendation(
    connection: Connection, made: ShownRecommendation, *, actor: str
) -> Subject:
    """Keeps a recommendation; gives whom it is about, so that a reply can be sealed for them.

    Raises
    ------
    FeedbackError
        When an id is no pseudonym or a consent has an unknown scope.
    """
    scopes = made.consent.scopes if made.consent else {}
    faults = id_faults(recommendation_id=made.recommendation_id, client_id=made.client_id)
    refuse([*faults, *(f for scope in scopes for f in choice_faults("scope", scope, SCOPES))])
    subject, at = subject_for(connection, made.client_id), database_time(connection)
    values = {**_plain(made), "subject_id": subject.subject_id, "actor": actor, "recorded_at": at}
    connection.execute(insert(recommendations).values(values))
    _keep_payload(connection, made, subject)
    if made.consent:
        store_consent(connection, subject, made.consent, stated_at=at, actor=actor)
    facts = {name: _plain(made)[name] for name in ("roster_version", "model_digest", "mode")}
    details = {
        "recommendation_id": made.recommendation_id,
        "request": digest(_request(made)),
        "response": digest(made.response),
    }
    append(connection, AuditEntry(actor, "recommendation.shown", facts, subject, details))
    return subject


def find_recommendation(connection: Connection, recommendation_id: str) -> RecordedRecommendation:
    """A recommendation with everything that was kept of it.

    Raises
    ------
    NotFoundError
        When it was never made here, was erased, or its content is past its age.
    """
    row = _row(connection, recommendation_id)
    payload = connection.execute(
        select(payloads).where(payloads.c.recommendation_id == recommendation_id)
    ).first()
    subject = subject_with(connection, row.subject_id)
    if payload is None or subject is None:
        raise NotFoundError("recommendation_id", "is kept without its content", "ask anew")
    opened = subject.unseal(f"request/{recommendation_id}", bytes(payload.request_sealed))
    request = json.loads(opened)
    made = ShownRecommendation(
        recommendation_id=recommendation_id,
        client_id=row.client_id,
        answers=request["answers"],
        asked_on=row.asked_on,
        consent=Consent(**request["consent"]) if request["consent"] else None,
        practice_digest=row.practice_digest,
        roster_version=row.roster_version,
        model_digest=row.model_digest,
        mode=row.mode,
        shortlist=shortlist_of(connection, recommendation_id),
        response=subject.unseal(f"response/{recommendation_id}", bytes(payload.response_sealed)),
        modes=request.get("modes", {}),
        explained=contributions_in(recommendation_id, payload.explained_sealed, subject),
    )
    return RecordedRecommendation(made, subject, row.actor, row.recorded_at)


def intakes(connection: Connection, *, most: int, without: str) -> tuple[Mapping[str, Any], ...]:
    """The answers of the last recommendations, newest first; those of one mode left out.

    Left out as well are those erased and those past their age.
    """
    order = (recommendations.c.recorded_at.desc(), recommendations.c.recommendation_id)
    statement = (
        select(
            recommendations.c.recommendation_id, subjects.c.subject_id, payloads.c.request_sealed
        )
        .select_from(recommendations.join(payloads).join(subjects))
        .where(recommendations.c.mode != without)
        .order_by(*order)
        .limit(most)
    )
    found = []
    for name, subject_id, sealed in connection.execute(statement).all():
        subject = subject_with(connection, subject_id)
        if subject is not None:
            found.append(json.loads(subject.unseal(f"request/{name}", bytes(sealed)))["answers"])
    return tuple(found)


def shortlist_of(connection: Connection, recommendation_id: str) -> tuple[ShortlistRow, ...]:
    """Who was shown, first rank first; nobody when the recommendation is not known."""
    statement = select(shown).where(shown.c.recommendation_id == recommendation_id)
    rows = connection.execute(statement.order_by(shown.c.rank))
    return tuple(ShortlistRow(row.clinician_id, row.score, row.propensity) for row in rows)


def contributions_in(name: str, sealed: bytes | None, subject: Subject) -> bytes | None:
    """What the explanations of a recommendation were made of, as sealed in its payload."""
    if sealed is None:
        return None
    return subject.unseal(f"explained/{name}", bytes(sealed))


def _row(connection: Connection, recommendation_id: str) -> "Row[Any]":
    statement = (
        select(recommendations, subjects.c.client_id)
        .join(subjects)
        .where(recommendations.c.recommendation_id == recommendation_id)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise NotFoundError("recommendation_id", "is not kept here", "check it, or ask anew")
    return row


def _plain(made: ShownRecommendation) -> dict[str, Any]:
    names = ("recommendation_id", "asked_on", "practice_digest", "roster_version")
    return {name: getattr(made, name) for name in (*names, "model_digest", "mode")}


def _request(made: ShownRecommendation) -> str:
    consent = None
    if made.consent:
        consent = {"version": made.consent.version, "scopes": dict(made.consent.scopes)}
    said = {"answers": dict(made.answers), "consent": consent, "modes": dict(made.modes)}
    return canonical_json(said)


def _keep_payload(connection: Connection, made: ShownRecommendation, subject: Subject) -> None:
    name, explained = made.recommendation_id, made.explained
    connection.execute(
        insert(payloads).values(
            recommendation_id=name,
            request_sealed=subject.seal(f"request/{name}", _request(made).encode()),
            response_sealed=subject.seal(f"response/{name}", made.response),
            explained_sealed=explained and subject.seal(f"explained/{name}", explained),
        )
    )
    rows = [
        {
            "recommendation_id": name,
            "rank": rank,
            "clinician_id": each.clinician_id,
            "score": each.score,
            "propensity": each.propensity,
        }
        for rank, each in enumerate(made.shortlist, 1)
    ]
    if rows:
        connection.execute(insert(shown), rows)
