"""What a client agreed to, and since when; taking it back is one more row.

Imported within `journal` and by `serving`.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.subjects import Subject, subject_for
from recommender.journal.validation import choice_faults, refuse
from recommender.store.database import database_time
from recommender.store.schema import consents, recommendations, subjects

TRAIN = "train"
SCOPES = ("match", TRAIN, "research")
"""To be matched with scores, to be learned from, to be in research."""

_IN_ORDER = select(consents.c.subject_id, consents.c.scope, consents.c.given).order_by(
    consents.c.stated_at, consents.c.given.desc()
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one client said at one time.

    Attributes
    ----------
    scopes
        Scope to whether it was given; a scope that is not there was not asked.
    version
        Which wording they were shown.
    """

    version: str
    scopes: Mapping[str, bool] = field(default_factory=dict)


def record_consent(
    connection: Connection, client_id: str, consent: Consent, *, stated_at: datetime, actor: str
) -> Subject:
    """Keeps what a client said; of several statements on a scope the one said last holds.

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
    """The rows alone, for a record that has an audit row of its own."""
    rows = [
        {
            "consent_id": secrets.token_hex(16),
            "subject_id": subject.subject_id,
            "scope": scope,
            "given": given,
            "version": consent.version,
            "stated_at": stated_at,
            "actor": actor,
            "recorded_at": database_time(connection),
        }
        for scope, given in consent.scopes.items()
    ]
    if rows:
        connection.execute(insert(consents), rows)


def adopt_consents(connection: Connection, subject: Subject, recommendation_id: str) -> None:
    """Takes over what a client said in a recommendation made before they had a pseudonym."""
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

    Of statements made at the same moment a refusal holds.
    """
    rows = connection.execute(_IN_ORDER)
    return {(row.subject_id, row.scope): row.given for row in rows}


def current_consent(connection: Connection, subject: Subject) -> dict[str, bool]:
    """The same of one subject, by scope."""
    theirs = _IN_ORDER.where(consents.c.subject_id == subject.subject_id)
    return {row.scope: row.given for row in connection.execute(theirs)}
