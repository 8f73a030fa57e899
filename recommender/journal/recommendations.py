"""Recommendations as they were shown, read from the journal; decisions on them."""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from recommender.errors import Fault, NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.closings import lock_request, refuse_closed
from recommender.journal.consents import Consent
from recommender.journal.shadows import ShadowOrder
from recommender.journal.subjects import (
    Subject,
    subject_of_recommendation,
    subject_with,
)
from recommender.journal.trial_arms import TrialArm
from recommender.journal.validation import (
    choice_faults,
    code_faults,
    id_faults,
    refuse,
)
from recommender.journal.webhook_events import DECIDED, Event, publish
from recommender.store.database import database_time
from recommender.store.schema import decisions, payloads, recommendations, shown, subjects


@dataclass(frozen=True, slots=True)
class ShortlistRow:
    """One row of a shortlist, in the order of ranks.

    `score` is None where nothing was predicted. `propensity` is the probability of this rank over
    all random orders that could have been drawn, 1 for a clinician whom none could move; None
    where the practice does not randomise.
    """

    clinician_id: str
    score: float | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class ShownRecommendation:
    """One recommendation.

    Attributes
    ----------
    client_id
        Pseudonym, None when the client is new to the practice.
    answers
        The intake as used: raw cells by field.
    asked_on
        The practice's day.
    consent
        What the client agreed to with this request; None when nothing was asked.
    practice_digest, roster_version, model_digest, mode
        The definition, roster and model it was computed with.
    shortlist
        First rank first. Exclusions are in the response.
    response
        The whole response; callers receive the parts that they ask for and may see.
    modes
        Constraints whose hardness the request changed.
    declared
        Fields whose answers the practice declared; the client was not asked.
    explained
        Contributions for explanations; None where nothing was predicted.
    eligible
        How many clinicians met every hard constraint; None where it was not recorded.
    replaces
        The request whose answers this one changes; None for a request of its own.
    arm
        In which arm of a trial it was made; None outside a trial.
    shadow
        What a second model would have shown; None without one.
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
    eligible: int | None = None
    declared: tuple[str, ...] = ()
    replaces: str | None = None
    arm: TrialArm | None = None
    shadow: ShadowOrder | None = None


@dataclass(frozen=True, slots=True)
class RecordedRecommendation:
    """A stored recommendation, whom it is about, who asked for it and when (UTC)."""

    shown: ShownRecommendation
    subject: Subject
    actor: str
    recorded_at: datetime


def find_recommendation(connection: Connection, recommendation_id: str) -> RecordedRecommendation:
    """A stored recommendation with its decrypted content.

    Raises
    ------
    NotFoundError
        When there is none of this id, it was erased, or its content is past its age.
    """
    row = _row(connection, recommendation_id)
    payload = connection.execute(
        select(payloads).where(payloads.c.recommendation_id == recommendation_id)
    ).first()
    subject = subject_with(connection, row.subject_id)
    if payload is None or subject is None:
        raise NotFoundError("recommendation_id", "is stored without its content", "ask again")
    opened = subject.decrypt(f"request/{recommendation_id}", bytes(payload.request_sealed))
    request = json.loads(opened)
    shown_then = ShownRecommendation(
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
        response=subject.decrypt(f"response/{recommendation_id}", bytes(payload.response_sealed)),
        modes=request.get("modes", {}),
        declared=tuple(request.get("declared", ())),
        explained=contributions_in(recommendation_id, payload.explained_sealed, subject),
        eligible=row.eligible,
        replaces=row.replaces,
    )
    return RecordedRecommendation(shown_then, subject, row.actor, row.recorded_at)


def intakes(connection: Connection, *, limit: int, without: str) -> tuple[Mapping[str, Any], ...]:
    """The answers of the last recommendations, newest first, without those of one mode."""
    order = (recommendations.c.recorded_at.desc(), recommendations.c.recommendation_id)
    statement = (
        select(
            recommendations.c.recommendation_id, subjects.c.subject_id, payloads.c.request_sealed
        )
        .select_from(recommendations.join(payloads).join(subjects))
        .where(recommendations.c.mode != without)
        .order_by(*order)
        .limit(limit)
    )
    answers = []
    for name, subject_id, encrypted in connection.execute(statement).all():
        subject = subject_with(connection, subject_id)
        if subject is not None:
            answers.append(
                json.loads(subject.decrypt(f"request/{name}", bytes(encrypted)))["answers"]
            )
    return tuple(answers)


def shortlist_of(connection: Connection, recommendation_id: str) -> tuple[ShortlistRow, ...]:
    """Who was shown, first rank first; nobody when the recommendation is not known."""
    statement = select(shown).where(shown.c.recommendation_id == recommendation_id)
    rows = connection.execute(statement.order_by(shown.c.rank))
    return tuple(ShortlistRow(row.clinician_id, row.score, row.propensity) for row in rows)


def contributions_in(name: str, encrypted: bytes | None, subject: Subject) -> bytes | None:
    """The decrypted contributions of a recommendation's payload; None where it has none."""
    if encrypted is None:
        return None
    return subject.decrypt(f"explained/{name}", bytes(encrypted))


def unknown_recommendation() -> NotFoundError:
    """The error for an id without a record; also for records the caller may not see."""
    return NotFoundError("recommendation_id", "is not recorded", "check it, or request anew")


def _row(connection: Connection, recommendation_id: str) -> "Row[Any]":
    statement = (
        select(recommendations, subjects.c.client_id)
        .join(subjects)
        .where(recommendations.c.recommendation_id == recommendation_id)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise unknown_recommendation()
    return row


CHOSEN, OVERRIDE = "chosen", "override"
KINDS = (CHOSEN, OVERRIDE)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; a later one on the same recommendation replaces it.

    `chosen` is a clinician who was shown; `override` is anybody else, or against the advice, and
    needs a reason, which is a code.
    """

    recommendation_id: str
    clinician_id: str
    kind: str = CHOSEN
    reason: str | None = None


def record_decision(connection: Connection, decision: Decision, *, actor: str) -> str:
    """Stores a decision and gives its id; the recommendation may be unknown.

    Raises
    ------
    FeedbackError
        When ids, kind or reason are not valid, or the chosen clinician was not shown.
    ConflictError
        When the request is closed.
    """
    _check(connection, decision)
    lock_request(connection, decision.recommendation_id)
    refuse_closed(connection, decision.recommendation_id)
    decision_id = secrets.token_hex(16)
    values = {
        "decision_id": decision_id,
        "recommendation_id": decision.recommendation_id,
        "clinician_id": decision.clinician_id,
        "kind": decision.kind,
        "reason": decision.reason,
    }
    at = database_time(connection)
    connection.execute(insert(decisions).values(**values, actor=actor, recorded_at=at))
    subject = subject_of_recommendation(connection, decision.recommendation_id)
    publish(connection, Event(DECIDED, recommendation_id=decision.recommendation_id))
    facts = {"decision_id": values.pop("decision_id")}
    append(connection, AuditEntry(actor, "decision.recorded", facts, subject, values))
    return decision_id


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A stored decision: its id, by whom and when (UTC)."""

    decision_id: str
    decision: Decision
    actor: str
    recorded_at: datetime


def decisions_of(connection: Connection, recommendation_id: str) -> tuple[RecordedDecision, ...]:
    """Every decision on a recommendation, oldest first; the last one is in force."""
    return decisions_by_recommendation(connection, [recommendation_id]).get(recommendation_id, ())


def decisions_by_recommendation(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[RecordedDecision, ...]]:
    """Every decision on each of some recommendations, in one query; those without are left out."""
    statement = select(decisions).where(decisions.c.recommendation_id.in_(recommendation_ids))
    order = (decisions.c.recorded_at, decisions.c.decision_id)
    decided: dict[str, tuple[RecordedDecision, ...]] = {}
    for row in connection.execute(statement.order_by(*order)):
        decision = Decision(row.recommendation_id, row.clinician_id, row.kind, row.reason)
        recorded = RecordedDecision(row.decision_id, decision, row.actor, row.recorded_at)
        earlier = decided.get(row.recommendation_id, ())
        decided[row.recommendation_id] = (*earlier, recorded)
    return decided


def _check(connection: Connection, decision: Decision) -> None:
    faults = id_faults(
        recommendation_id=decision.recommendation_id, clinician_id=decision.clinician_id
    )
    faults += choice_faults("kind", decision.kind, KINDS) + code_faults(reason=decision.reason)
    if decision.kind == OVERRIDE and decision.reason is None:
        faults.append(Fault("reason", "is missing", "say by a code why it departs"))
    listed = [each.clinician_id for each in shortlist_of(connection, decision.recommendation_id)]
    if decision.kind == CHOSEN and listed and decision.clinician_id not in listed:
        remedy = "choose somebody shown, or set kind to override and give a reason"
        faults.append(Fault("clinician_id", "was not shown", remedy))
    refuse(faults)
