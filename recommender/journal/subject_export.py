"""Everything kept of one client, for them to read: complete, machine-readable, in clear text.

Imported by `serving` and `commands`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select

from recommender.errors import NotFoundError
from recommender.journal.audit_log import AuditEntry, append, details_of
from recommender.journal.model_lineage import models_that_learned_from
from recommender.journal.recommendations import contributions_in
from recommender.journal.subjects import Subject, find_subject, subject_with
from recommender.store.schema import (
    audit,
    consents,
    decisions,
    extract_pairings,
    idempotency,
    pairing_events,
    pairings,
    payloads,
    rating_versions,
    ratings,
    recommendations,
    shown,
    subjects,
    trained_on,
)


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """What is kept of a subject: ids of what is about them, and a condition a table."""

    subject_ids: tuple[str, ...]
    recommendation_ids: tuple[str, ...]
    pairing_ids: tuple[str, ...]
    rating_ids: tuple[str, ...]

    def conditions(self) -> Sequence[tuple[Table, ColumnElement[bool]]]:
        """Which rows are theirs, tables in an order in which they may be deleted."""
        recommendation_ids = self.recommendation_ids
        return (
            (trained_on, trained_on.c.pairing_id.in_(self.pairing_ids)),
            (extract_pairings, extract_pairings.c.pairing_id.in_(self.pairing_ids)),
            (idempotency, idempotency.c.subject_id.in_(self.subject_ids)),
            (rating_versions, rating_versions.c.rating_id.in_(self.rating_ids)),
            (ratings, ratings.c.rating_id.in_(self.rating_ids)),
            (pairing_events, pairing_events.c.pairing_id.in_(self.pairing_ids)),
            (pairings, pairings.c.pairing_id.in_(self.pairing_ids)),
            (decisions, decisions.c.recommendation_id.in_(recommendation_ids)),
            (shown, shown.c.recommendation_id.in_(recommendation_ids)),
            (payloads, payloads.c.recommendation_id.in_(recommendation_ids)),
            (recommendations, recommendations.c.recommendation_id.in_(recommendation_ids)),
            (consents, consents.c.subject_id.in_(self.subject_ids)),
            (subjects, subjects.c.subject_id.in_(self.subject_ids)),
        )

    def rows(self, connection: Connection, table: Table) -> list[dict[str, Any]]:
        """The rows of one table that are theirs, in the order of its key."""
        condition = next(each for of, each in self.conditions() if of is table)
        statement = select(table).where(condition).order_by(*table.primary_key.columns)
        return [row._asdict() for row in connection.execute(statement)]


def subject_rows(connection: Connection, subject: Subject) -> SubjectRows:
    """What is about a subject, also by way of a recommendation made before they had a pseudonym."""
    theirs = pairings.c.subject_id == subject.subject_id
    met = connection.execute(
        select(pairings.c.pairing_id, pairings.c.recommendation_id).where(theirs)
    ).all()
    named = tuple(row.recommendation_id for row in met if row.recommendation_id)
    unnamed = select(subjects.c.subject_id).where(subjects.c.client_id.is_(None))
    made = connection.execute(
        select(recommendations.c.recommendation_id, recommendations.c.subject_id).where(
            or_(
                recommendations.c.subject_id == subject.subject_id,
                recommendations.c.recommendation_id.in_(named)
                & recommendations.c.subject_id.in_(unnamed),
            )
        )
    ).all()
    pairing_ids = tuple(sorted(row.pairing_id for row in met))
    rated = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(pairing_ids))
    return SubjectRows(
        subject_ids=tuple(sorted({subject.subject_id, *(row.subject_id for row in made)})),
        recommendation_ids=tuple(sorted(row.recommendation_id for row in made)),
        pairing_ids=pairing_ids,
        rating_ids=tuple(sorted(connection.execute(rated).scalars())),
    )


def remove(connection: Connection, holdings: SubjectRows) -> Mapping[str, int]:
    """Deletes all of it, keys included, and counts the rows by table."""
    return {
        table.name: connection.execute(delete(table).where(condition)).rowcount
        for table, condition in holdings.conditions()
    }


_PLAIN = (
    consents,
    recommendations,
    shown,
    decisions,
    pairings,
    pairing_events,
    ratings,
    rating_versions,
)


def export_subject(connection: Connection, client_id: str, *, actor: str) -> bytes:
    """All that is kept of a client as JSON; that it was exported is kept as well.

    One list a table, `payloads` with the answers and the responses as they were, `audit` with
    every row about them and its details, and `models` that learned from them.

    Raises
    ------
    NotFoundError
        When nothing is kept of them.
    """
    subject = known_subject(connection, client_id)
    append(connection, AuditEntry(actor, "subject.exported", {}, subject))
    holdings = subject_rows(connection, subject)
    exported: dict[str, Any] = {"client_id": client_id}
    for table in _PLAIN:
        exported[table.name] = holdings.rows(connection, table)
    exported["payloads"] = _payloads(connection, holdings)
    exported["audit"] = _audit(connection, holdings)
    exported["models"] = models_that_learned_from(connection, holdings.pairing_ids)
    return json.dumps(exported, default=_json_default, ensure_ascii=False, indent=1).encode()


def known_subject(connection: Connection, client_id: str) -> Subject:
    """The subject with this pseudonym.

    Raises
    ------
    NotFoundError
        When nothing is kept of them.
    """
    subject = find_subject(connection, client_id)
    if subject is None:
        raise NotFoundError("client_id", "has nothing kept here", "check the pseudonym")
    return subject


def _payloads(connection: Connection, holdings: SubjectRows) -> list[dict[str, Any]]:
    opened = []
    subject_of = {
        row["recommendation_id"]: row["subject_id"]
        for row in holdings.rows(connection, recommendations)
    }
    for row in holdings.rows(connection, payloads):
        name = row["recommendation_id"]
        subject = subject_with(connection, subject_of[name])
        if subject:
            request = subject.decrypt(f"request/{name}", row["request_sealed"])
            response = subject.decrypt(f"response/{name}", row["response_sealed"])
            content = {"request": json.loads(request), "response": response.decode()}
            explained = contributions_in(name, row["explained_sealed"], subject)
            if explained is not None:
                content["explained"] = json.loads(explained)
            opened.append({"recommendation_id": name, **content})
    return opened


def _audit(connection: Connection, holdings: SubjectRows) -> list[dict[str, Any]]:
    listed = []
    theirs = audit.c.subject_id.in_(holdings.subject_ids)
    for row in connection.execute(select(audit).where(theirs).order_by(audit.c.seq)):
        subject = subject_with(connection, row.subject_id)
        details = details_of(row, subject) if subject else None
        columns = {name: getattr(row, name) for name in ("seq", "at", "actor", "action")}
        listed.append({**columns, "facts": json.loads(row.facts), "details": details})
    return listed


def _json_default(value: Any) -> str:
    # A datetime is a date as well.
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not exported")
