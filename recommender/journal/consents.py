"""Consents of clients by scope; a withdrawal is another row."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.subjects import Subject, subject_for
from recommender.journal.validation import choice_faults, refuse
from recommender.store.database import database_time
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import consents, recommendations, subjects

TRAIN = "train"
SCOPES = ("match", TRAIN, "research")
"""Matching with predicted scores, training of models, and research."""

_INSERT = DriverStatement(insert(consents))
_IN_ORDER = select(consents.c.subject_id, consents.c.scope, consents.c.given).order_by(
    consents.c.stated_at, consents.c.given.desc()
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one client agreed to or refused at one time, by scope, and the version of the wording.

    A scope that is missing was not a question.
    """

    version: str
    scopes: Mapping[str, bool] = field(default_factory=dict)


def record_consent(
    connection: Connection, client_id: str, consent: Consent, *, stated_at: datetime, actor: str
) -> Subject:
    """Stores the consents of a client; of several on one scope the last is in force.

    Raises
    ------
    FeedbackError
        When a scope is not known.
    """
    refuse(f for scope in consent.scopes for f in choice_faults("scope", scope, SCOPES))
    subject = subject_for(connection, client_id)
    store_consent(connection, subject, consent, stated_at=stated_at, actor=actor)
    details = {"scopes": dict(consent.scopes), "version": consent.version}
    append(connection, AuditEntry(actor, "consent.recorded", {}, subject, details))
    return subject


def store_consent(
    connection: Connection, subject: Subject, consent: Consent, *, stated_at: datetime, actor: str
) -> None:
    """Inserts the rows, without an audit entry."""
    at = database_time(connection)
    rows = [
        {
            "consent_id": secrets.token_hex(16),
            "subject_id": subject.subject_id,
            "scope": scope,
            "given": given,
            "version": consent.version,
            "stated_at": stated_at,
            "actor": actor,
            "recorded_at": at,
        }
        for scope, given in consent.scopes.items()
    ]
    if rows:
        _INSERT.execute(connection, *rows)


def adopt_consents(connection: Connection, subject: Subject, recommendation_id: str) -> None:
    """Copies the consents of a recommendation made before the client had a pseudonym."""
    statement = (
        select(consents)
        .join(recommendations, recommendations.c.subject_id == consents.c.subject_id)
        .join(subjects, subjects.c.subject_id == consents.c.subject_id)
        .where(recommendations.c.recommendation_id == recommendation_id)
        .where(subjects.c.client_id.is_(None))
    )
    for row in connection.execute(statement).all():
        consent = Consent(row.version, {row.scope: row.given})
        store_consent(connection, subject, consent, stated_at=row.stated_at, actor=row.actor)


def current_consents(connection: Connection) -> dict[tuple[str, str], bool]:
    """Whether each subject's newest statement on each scope gives it, by subject id and scope.

    Of statements at one moment a refusal is in force.
    """
    rows = connection.execute(_IN_ORDER)
    return {(row.subject_id, row.scope): row.given for row in rows}


def current_consent(connection: Connection, subject: Subject) -> dict[str, bool]:
    """Whether one subject's newest statement on each scope gives it."""
    theirs = _IN_ORDER.where(consents.c.subject_id == subject.subject_id)
    return {row.scope: row.given for row in connection.execute(theirs)}
