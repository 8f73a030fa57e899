"""Everything kept of one client, for them to read: complete, machine-readable, in clear text.

Imported by `serving` and `commands`.
"""

import json
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from recommender.errors import NotFoundError
from recommender.journal.audit_log import AuditEntry, append, details_of
from recommender.journal.model_lineage import models_that_learned_from
from recommender.journal.recommendations import contributions_in
from recommender.journal.subject_rows import SubjectRows, subject_rows
from recommender.journal.subjects import Subject, find_subject, subject_with
from recommender.store.schema import (
    audit,
    consents,
    decisions,
    pairing_events,
    pairings,
    payloads,
    rating_versions,
    ratings,
    recommendations,
    shown,
)

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
    return json.dumps(exported, default=_said, ensure_ascii=False, indent=1).encode()


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
    made = {
        row["recommendation_id"]: row["subject_id"]
        for row in holdings.rows(connection, recommendations)
    }
    for row in holdings.rows(connection, payloads):
        name = row["recommendation_id"]
        subject = subject_with(connection, made[name])
        if subject:
            request = subject.unseal(f"request/{name}", row["request_sealed"])
            response = subject.unseal(f"response/{name}", row["response_sealed"])
            said = {"request": json.loads(request), "response": response.decode()}
            explained = contributions_in(name, row["explained_sealed"], subject)
            if explained is not None:
                said["explained"] = json.loads(explained)
            opened.append({"recommendation_id": name, **said})
    return opened


def _audit(connection: Connection, holdings: SubjectRows) -> list[dict[str, Any]]:
    listed = []
    theirs = audit.c.subject_id.in_(holdings.subject_ids)
    for row in connection.execute(select(audit).where(theirs).order_by(audit.c.seq)):
        subject = subject_with(connection, row.subject_id)
        details = details_of(row, subject) if subject else None
        said = {name: getattr(row, name) for name in ("seq", "at", "actor", "action")}
        listed.append({**said, "facts": json.loads(row.facts), "details": details})
    return listed


def _said(value: Any) -> str:
    # A datetime is a date as well.
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not exported")
