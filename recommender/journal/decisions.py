"""Decisions on recommendations: the clinician, who decided and, for an override, why."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from recommender.errors import Fault
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.recommendations import shortlist_of
from recommender.journal.subjects import subject_with
from recommender.journal.validation import choice_faults, code_faults, id_faults, refuse
from recommender.store.database import database_time
from recommender.store.schema import decisions, recommendations

CHOSEN, OVERRIDE = "chosen", "override"
KINDS = (CHOSEN, OVERRIDE)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; a later one on the same recommendation replaces it.

    Attributes
    ----------
    kind
        `chosen`: a clinician who was shown. `override`: anybody else, or against the advice.
    reason
        A code; an override needs one.
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
    """
    _check(connection, decision)
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
    about = select(recommendations.c.subject_id).where(
        recommendations.c.recommendation_id == decision.recommendation_id
    )
    known = connection.execute(about).scalar()
    subject = subject_with(connection, known) if known else None
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
