"""Requests about one client's data: export of all that is stored, and erasure."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, or_, select

from recommender.errors import NotFoundError
from recommender.journal.audit_log import AuditEntry, append, details_of
from recommender.journal.contribution_table import ContributionTable
from recommender.journal.drafts import draft_subjects, opened_drafts
from recommender.journal.near_ids import near_clients
from recommender.journal.recommendations import contributions_in
from recommender.journal.request_versions import all_versions
from recommender.journal.subjects import Subject, find_subject, subject_with
from recommender.journal.validation import canonical_json
from recommender.journal.wishes import read_reference
from recommender.store.database import Store, database_time
from recommender.store.schema import (
    audit,
    closings,
    consents,
    decisions,
    drafts,
    erasures,
    extract_pairings,
    idempotency,
    pairing_events,
    pairings,
    payloads,
    rating_versions,
    ratings,
    recommendations,
    shadow_scores,
    shown,
    subjects,
    trained_on,
    trial_arms,
    webhook_events,
    wishes,
)
from recommender.values.ids import with_question


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """The rows about a subject: their ids, and a condition for each table."""

    subject_ids: tuple[str, ...]
    recommendation_ids: tuple[str, ...]
    pairing_ids: tuple[str, ...]
    rating_ids: tuple[str, ...]

    def conditions(self) -> Sequence[tuple[Table, ColumnElement[bool]]]:
        """A condition for each table, in an order in which rows may be deleted."""
        recommendation_ids = self.recommendation_ids
        return (
            # Their deliveries are deleted with them.
            (
                webhook_events,
                webhook_events.c.pairing_id.in_(self.pairing_ids)
                | webhook_events.c.recommendation_id.in_(recommendation_ids),
            ),
            (trained_on, trained_on.c.pairing_id.in_(self.pairing_ids)),
            (extract_pairings, extract_pairings.c.pairing_id.in_(self.pairing_ids)),
            (idempotency, idempotency.c.subject_id.in_(self.subject_ids)),
            (drafts, drafts.c.subject_id.in_(self.subject_ids)),
            (rating_versions, rating_versions.c.rating_id.in_(self.rating_ids)),
            (ratings, ratings.c.rating_id.in_(self.rating_ids)),
            (pairing_events, pairing_events.c.pairing_id.in_(self.pairing_ids)),
            (pairings, pairings.c.pairing_id.in_(self.pairing_ids)),
            (decisions, decisions.c.recommendation_id.in_(recommendation_ids)),
            (closings, closings.c.recommendation_id.in_(recommendation_ids)),
            (wishes, wishes.c.recommendation_id.in_(recommendation_ids)),
            (shown, shown.c.recommendation_id.in_(recommendation_ids)),
            (trial_arms, trial_arms.c.recommendation_id.in_(recommendation_ids)),
            (shadow_scores, shadow_scores.c.recommendation_id.in_(recommendation_ids)),
            (payloads, payloads.c.recommendation_id.in_(recommendation_ids)),
            (recommendations, recommendations.c.recommendation_id.in_(recommendation_ids)),
            (consents, consents.c.subject_id.in_(self.subject_ids)),
            (subjects, subjects.c.subject_id.in_(self.subject_ids)),
        )

    def rows(self, connection: Connection, table: Table) -> list[dict[str, Any]]:
        """The subject's rows of one table, in the order of its key."""
        condition = next(each for of, each in self.conditions() if of is table)
        statement = select(table).where(condition).order_by(*table.primary_key.columns)
        return [row._asdict() for row in connection.execute(statement)]


def subject_rows(connection: Connection, subject: Subject, client_id: str) -> SubjectRows:
    """The rows about a subject, also of a recommendation made before they had a pseudonym.

    Such a recommendation is known by a pairing that came of it, or by a version of it with their
    pseudonym. A draft is theirs where it names them or changes one of their requests.
    """
    theirs = pairings.c.subject_id == subject.subject_id
    met = connection.execute(
        select(pairings.c.pairing_id, pairings.c.recommendation_id).where(theirs)
    ).all()
    named = tuple(row.recommendation_id for row in met if row.recommendation_id)
    own = recommendations.c.subject_id == subject.subject_id
    asked = connection.execute(select(recommendations.c.recommendation_id).where(own)).scalars()
    related = all_versions(connection, {*named, *asked})
    unnamed = select(subjects.c.subject_id).where(subjects.c.client_id.is_(None))
    recommended = connection.execute(
        select(recommendations.c.recommendation_id, recommendations.c.subject_id).where(
            or_(
                own,
                recommendations.c.recommendation_id.in_(related)
                & recommendations.c.subject_id.in_(unnamed),
            )
        )
    ).all()
    pairing_ids = tuple(sorted(row.pairing_id for row in met))
    rated = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(pairing_ids))
    recommendation_ids = tuple(sorted(row.recommendation_id for row in recommended))
    code = select(subjects.c.client_id).where(subjects.c.subject_id == subject.subject_id)
    names = {client_id, *filter(None, connection.execute(code).scalars())}
    drafted = draft_subjects(connection, names, recommendation_ids)
    of_requests = {row.subject_id for row in recommended}
    return SubjectRows(
        subject_ids=tuple(sorted({subject.subject_id, *of_requests, *drafted})),
        recommendation_ids=recommendation_ids,
        pairing_ids=pairing_ids,
        rating_ids=tuple(sorted(connection.execute(rated).scalars())),
    )


def remove(connection: Connection, holdings: SubjectRows) -> Mapping[str, int]:
    """Deletes these rows, keys included, and counts them by table."""
    return {
        table.name: connection.execute(delete(table).where(condition)).rowcount
        for table, condition in holdings.conditions()
    }


_PLAIN = (
    consents,
    recommendations,
    shown,
    trial_arms,
    shadow_scores,
    wishes,
    decisions,
    closings,
    pairings,
    pairing_events,
    ratings,
    rating_versions,
    webhook_events,
)


def export_subject(connection: Connection, client_id: str, *, actor: str) -> bytes:
    """All that is stored of a client as JSON; see `stored_of_subject`."""
    exported = stored_of_subject(connection, client_id, actor=actor)
    return json.dumps(exported, default=_json_default, ensure_ascii=False, indent=1).encode()


def stored_of_subject(connection: Connection, client_id: str, *, actor: str) -> dict[str, Any]:
    """All that is stored of a client; writes an audit entry.

    One list a table, `payloads` with decrypted answers and responses, `drafts` with decrypted
    fields, `audit` with every row about them and its details, and `models` that learned from them.

    Raises
    ------
    NotFoundError
        When nothing is stored of them.
    """
    subject = known_subject(connection, client_id)
    append(connection, AuditEntry(actor, "subject.exported", {}, subject))
    holdings = subject_rows(connection, subject, client_id)
    exported: dict[str, Any] = {"client_id": client_id}
    for table in _PLAIN:
        exported[table.name] = holdings.rows(connection, table)
    exported["payloads"] = _payloads(connection, holdings)
    exported["drafts"] = opened_drafts(connection, holdings.subject_ids)
    exported["audit"] = _audit(connection, holdings)
    exported["models"] = models_that_learned_from(connection, holdings.pairing_ids)
    return exported


def known_subject(connection: Connection, client_id: str) -> Subject:
    """The subject with this pseudonym, or with this reference of a wish, or of a draft naming it.

    Raises
    ------
    NotFoundError
        When nothing is stored of them.
    """
    subject = (
        find_subject(connection, client_id)
        or _subject_wishing(connection, client_id)
        or _subject_of_draft(connection, client_id)
    )
    if subject is None:
        near = near_clients(connection, [client_id]).get(client_id, ())
        remedy = with_question(near, "check the pseudonym")
        raise NotFoundError("client_id", "has nothing kept here", remedy)
    return subject


def _subject_wishing(connection: Connection, text: str) -> Subject | None:
    """The subject of a recommendation by the reference of its wishes: a client without a code."""
    wished = select(recommendations.c.subject_id).join(
        wishes, wishes.c.recommendation_id == recommendations.c.recommendation_id
    )
    reference = read_reference(text)
    found = connection.execute(wished.where(wishes.c.reference == reference)).scalar()
    return None if found is None else subject_with(connection, found)


def _subject_of_draft(connection: Connection, client_id: str) -> Subject | None:
    """The subject of a draft that names a client of whom nothing else is stored."""
    named = draft_subjects(connection, [client_id])
    return subject_with(connection, named[0]) if named else None


def models_that_learned_from(connection: Connection, pairing_ids: Iterable[str]) -> tuple[str, ...]:
    """Digests of the models that learned from any of these pairings, sorted."""
    statement = (
        select(trained_on.c.model_digest)
        .distinct()
        .where(trained_on.c.pairing_id.in_(tuple(pairing_ids)))
    )
    return tuple(sorted(connection.execute(statement).scalars()))


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
                content["explained"] = ContributionTable.from_bytes(explained).to_json()
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


@dataclass(frozen=True, slots=True)
class Erasure:
    """The number of rows deleted, by table, and the models that learned from this client.

    Those models stay in use until they are retrained.
    """

    erasure_id: str
    rows: Mapping[str, int]
    model_digests: tuple[str, ...]


def erase_subject(store: Store, client_id: str, *, actor: str) -> Erasure:
    """Erases a client; audit entries about them stay in the chain and can no longer be decrypted.

    The same pseudonym may be used again for requests, and is never trained on.

    Raises
    ------
    NotFoundError
        When nothing is stored of them.
    """
    with store.writing() as connection:
        erased = _erase(connection, client_id, actor)
    store.scrub(tuple(erased.rows))
    return erased


def erased_before(connection: Connection) -> Callable[[str], bool]:
    """A function that says whether a pseudonym was ever erased."""
    tombstones = [(bytes(row.salt), row.tombstone) for row in connection.execute(select(erasures))]
    return lambda client_id: any(_tombstone(salt, client_id) == stone for salt, stone in tombstones)


def _erase(connection: Connection, client_id: str, actor: str) -> Erasure:
    subject = known_subject(connection, client_id)
    holdings = subject_rows(connection, subject, client_id)
    digests = models_that_learned_from(connection, holdings.pairing_ids)
    erased = Erasure(secrets.token_hex(16), remove(connection, holdings), digests)
    salt = secrets.token_bytes(32)
    connection.execute(
        insert(erasures).values(
            erasure_id=erased.erasure_id,
            salt=salt,
            tombstone=_tombstone(salt, client_id),
            model_digests=canonical_json(digests),
            actor=actor,
            recorded_at=database_time(connection),
        )
    )
    facts = {"erasure_id": erased.erasure_id, "models": digests, "rows": dict(erased.rows)}
    append(connection, AuditEntry(actor, "subject.erased", facts, subject))
    return erased


def _tombstone(salt: bytes, client_id: str) -> str:
    """A salted hash that recognises a pseudonym without storing it."""
    return hmac.new(salt, client_id.encode(), hashlib.sha256).hexdigest()
