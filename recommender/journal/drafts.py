"""Drafts: what somebody typed into the form of a request that was not sent yet.

One account has one draft of a new request, and one for each request whose answers it changes. Each
is encrypted with a key of its own, which is deleted with it.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from recommender.errors import StaleError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.subjects import Subject, subject_for, subject_with
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import drafts, subjects
from recommender.values.ids import canonical_id
from recommender.values.limits import DRAFT_HOURS as DRAFT_HOURS

CLIENT_ID = "client_id"
"""Name of the field of the form that names the client."""


@dataclass(frozen=True, slots=True)
class DraftKey:
    """Whose draft, and the id of the request it changes, empty for a new request."""

    actor: str
    changes: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft: the fields of the form, and when it was saved (UTC).

    `version` is a new random text with each save; `writer` names the form that saved it, so that
    two forms of one account do not overwrite each other.
    """

    fields: Mapping[str, list[str]] = field(repr=False)
    writer: str
    version: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class FormOpened:
    """A form as it was opened: its own random name, and the version of the draft it began with."""

    writer: str
    seen: str = ""


def find_draft(connection: Connection, key: DraftKey, *, hours: int = DRAFT_HOURS) -> Draft | None:
    """The draft, None without one and when it is past its age."""
    row = connection.execute(select(drafts).where(_of(key))).first()
    if row is None or row.saved_at < database_time(connection) - timedelta(hours=hours):
        return None
    fields = _fields(connection, row)
    return None if fields is None else Draft(fields, row.writer, row.version, row.saved_at)


def save_draft(
    connection: Connection,
    key: DraftKey,
    fields: Mapping[str, list[str]],
    form: FormOpened,
    *,
    hours: int = DRAFT_HOURS,
) -> datetime:
    """Stores what is typed in a form, in place of what the same form stored, and gives the time.

    Also deletes every draft past its age.

    Raises
    ------
    StaleError
        When another form saved, sent or discarded the draft since this one was opened.
    """
    advisory_lock(connection, f"draft/{key.actor}/{key.changes}")
    forget_drafts(connection, hours=hours)
    row = connection.execute(select(drafts).where(_of(key))).first()
    if not _may_write(row, form):
        raise StaleError("draft", "was changed by another form", "read it, then save again")
    subject = subject_with(connection, row.subject_id) if row is not None else None
    is_new = subject is None
    subject = subject or subject_for(connection, None)
    at = database_time(connection)
    values = {
        "writer": form.writer,
        "version": secrets.token_hex(8),
        "content_sealed": subject.encrypt_json(_purpose(key), dict(fields)),
        "saved_at": at,
    }
    if is_new:
        named = {"actor": key.actor, "changes": key.changes, "subject_id": subject.subject_id}
        connection.execute(insert(drafts).values(**named, **values))
        # Later saves are not in the audit trail: they come every few seconds.
        append(connection, AuditEntry(key.actor, "draft.begun", {}, subject))
    else:
        connection.execute(update(drafts).where(_of(key)).values(**values))
    return at


def discard_draft(connection: Connection, key: DraftKey) -> None:
    """Deletes a draft and its key, whichever form saved it; does nothing without one."""
    row = connection.execute(select(drafts).where(_of(key))).first()
    if row is not None:
        subject = subject_with(connection, row.subject_id)
        _delete(connection, _of(key))
        append(connection, AuditEntry(key.actor, "draft.discarded", {}, subject))


def drop_sent_draft(connection: Connection, key: DraftKey, form: FormOpened) -> None:
    """Deletes the draft of a form that was sent; what another form saved since stays."""
    row = connection.execute(select(drafts).where(_of(key))).first()
    if row is not None and _may_write(row, form):
        _delete(connection, _of(key))


def drop_drafts_of(connection: Connection, actor: str) -> int:
    """Deletes every draft of an account, and counts them."""
    return _delete(connection, drafts.c.actor == actor)


def forget_drafts(connection: Connection, *, hours: int) -> int:
    """Deletes drafts past their age by the database's clock, and counts them."""
    return _delete(
        connection, drafts.c.saved_at < database_time(connection) - timedelta(hours=hours)
    )


def draft_subjects(
    connection: Connection, client_ids: Collection[str], recommendation_ids: Collection[str] = ()
) -> tuple[str, ...]:
    """Ids of the subjects of drafts that name one of these clients or change one of these requests.

    Every draft is decrypted for it: there are a few for each account.
    """
    found = []
    for row in connection.execute(select(drafts).order_by(drafts.c.subject_id)):
        named = (_fields(connection, row) or {}).get(CLIENT_ID, ())
        is_named = any(canonical_id(each) in client_ids for each in named)
        if is_named or row.changes in recommendation_ids:
            found.append(row.subject_id)
    return tuple(found)


def opened_drafts(connection: Connection, subject_ids: Collection[str]) -> list[dict[str, object]]:
    """The drafts of these subjects with their decrypted fields, for an export."""
    theirs = select(drafts).where(drafts.c.subject_id.in_(subject_ids))
    return [
        {
            "actor": row.actor,
            "changes": row.changes or None,
            "saved_at": row.saved_at,
            "fields": _fields(connection, row),
        }
        for row in connection.execute(theirs.order_by(drafts.c.saved_at, drafts.c.subject_id))
    ]


def _may_write(row: "Row[tuple[str, ...]] | None", form: FormOpened) -> bool:
    if row is None:
        return not form.seen
    return bool(form.writer == row.writer or form.seen == row.version)


def _delete(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Deletes drafts with their keys."""
    ended = tuple(connection.execute(select(drafts.c.subject_id).where(condition)).scalars())
    if not ended:
        return 0
    connection.execute(delete(drafts).where(drafts.c.subject_id.in_(ended)))
    connection.execute(delete(subjects).where(subjects.c.subject_id.in_(ended)))
    return len(ended)


def _fields(connection: Connection, row: "Row[tuple[str, ...]]") -> dict[str, list[str]] | None:
    subject: Subject | None = subject_with(connection, row.subject_id)
    if subject is None:
        return None
    key = DraftKey(row.actor, row.changes)
    fields: dict[str, list[str]] = json.loads(
        subject.decrypt(_purpose(key), bytes(row.content_sealed))
    )
    return fields


def _purpose(key: DraftKey) -> str:
    return f"draft/{key.actor}/{key.changes}"


def _of(key: DraftKey) -> ColumnElement[bool]:
    return (drafts.c.actor == key.actor) & (drafts.c.changes == key.changes)
