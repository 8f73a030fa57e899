"""Retention: how long each kind of row is stored, and the sweep that deletes older ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select

from recommender.journal.audit_log import AuditEntry, append, prune
from recommender.journal.drafts import DRAFT_HOURS, forget_drafts
from recommender.journal.idempotency import forget_expired
from recommender.journal.webhook_events import forget_ended
from recommender.store.database import database_time
from recommender.store.schema import (
    closings,
    consents,
    decisions,
    drafts,
    idempotency,
    pairing_events,
    pairings,
    payloads,
    ratings,
    recommendations,
    subjects,
    wishes,
)


@dataclass(frozen=True, slots=True)
class Ages:
    """Months, of drafts hours, after which rows are deleted; None never deletes them.

    Attributes
    ----------
    payload
        Answers and responses of recommendations; without its answers no pairing is trained on.
    ratings
        Ratings, pairings, decisions, closings, wishes, and recommendations without their content:
        seven years, as the APS code (B.2.2) asks of records.
    audit
        Rows of the audit chain.
    draft_hours
        Answers typed and not sent. They are also deleted whenever another draft is saved.
    """

    payload: int | None = 24
    ratings: int | None = 84
    audit: int | None = 84
    draft_hours: int = DRAFT_HOURS


def sweep(connection: Connection, ages: Ages, *, actor: str) -> Mapping[str, int]:
    """Deletes what is past its age by the database's clock, and counts rows by table.

    In any case replies to idempotent requests are deleted after 48 hours, events of webhooks with
    their ended deliveries after 30 days, and a subject and its key once no row is about it.
    """
    now = database_time(connection)
    counts = {"idempotency": forget_expired(connection)}
    counts["webhook_events"] = forget_ended(connection)
    counts["drafts"] = forget_drafts(connection, hours=ages.draft_hours)
    counts |= _payloads(connection, _months_before(now, ages.payload))
    counts |= _outcomes(connection, _months_before(now, ages.ratings))
    counts["subjects"] = _delete(connection, subjects, _holds_nothing())
    oldest = _months_before(now, ages.audit)
    counts["audit"] = prune(connection, oldest, actor) if oldest else 0
    append(connection, AuditEntry(actor, "retention.swept", counts))
    return counts


def _months_before(now: datetime, months: int | None) -> datetime | None:
    return None if months is None else now - relativedelta(months=months)


def _payloads(connection: Connection, limit: datetime | None) -> dict[str, int]:
    if limit is None:
        return {"payloads": 0}
    old = select(recommendations.c.recommendation_id).where(recommendations.c.recorded_at < limit)
    return {"payloads": _delete(connection, payloads, payloads.c.recommendation_id.in_(old))}


def _outcomes(connection: Connection, limit: datetime | None) -> dict[str, int]:
    of_requests = (decisions, closings, wishes, recommendations)
    tables = (ratings, pairing_events, pairings, *of_requests, consents)
    if limit is None:
        return {table.name: 0 for table in tables}
    conditions = {table: table.c.recorded_at < limit for table in tables}
    # A consent is stored as long as its subject has pairings.
    conditions[consents] &= ~consents.c.subject_id.in_(select(pairings.c.subject_id))
    return {
        table.name: _delete(connection, table, condition) for table, condition in conditions.items()
    }


def _holds_nothing() -> ColumnElement[bool]:
    named = [
        select(table.c.subject_id).where(table.c.subject_id == subjects.c.subject_id).exists()
        for table in (consents, drafts, pairings, recommendations, idempotency)
    ]
    return ~or_(*named)


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition)).rowcount
