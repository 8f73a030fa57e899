"""Closing of requests that lead nowhere, and what opens them again.

A request is closed while the newest row on any of its versions closes it. Staff reopen it; a later
version, a wish of the client and a pairing resume it by themselves, so that nobody is overlooked.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, FromClause, insert, select

from recommender.errors import ConflictError, Fault, NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.request_versions import all_versions, newest_versions
from recommender.journal.subjects import subject_of_recommendation
from recommender.journal.validation import choice_faults, refuse
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import closings, pairing_events, pairings

CLOSED, REOPENED, RESUMED = KINDS = ("closed", "reopened", "resumed")
REASONS = ("went_elsewhere", "no_answer", "not_suitable", "duplicate", "other")
_ACTIONS: Mapping[str, str] = {
    CLOSED: "request.closed",
    REOPENED: "request.reopened",
    RESUMED: "request.resumed",
}
"""What the audit log calls each kind."""
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RecordedClosing:
    """One row: `reason` is one of `REASONS` for `closed`, and None for the other `KINDS`."""

    closing_id: str
    recommendation_id: str
    kind: str
    reason: str | None
    actor: str
    recorded_at: datetime


def record_closing(
    connection: Connection, recommendation_id: str, kind: str, reason: str | None, *, actor: str
) -> RecordedClosing:
    """Closes the newest version of a request, or reopens a closed request.

    Raises
    ------
    FeedbackError
        When kind or reason are not valid.
    NotFoundError
        When the request is not recorded.
    ConflictError
        When it is closed already or not closed, was replaced by a later version, or has started.
    """
    faults = choice_faults("kind", kind, (CLOSED, REOPENED))
    if kind == CLOSED and reason is None:
        faults.append(Fault("reason", "is missing", f"give one of {', '.join(REASONS)}"))
    elif kind == CLOSED:
        faults += choice_faults("reason", reason or "", REASONS)
    elif reason is not None:
        faults.append(Fault("reason", "is only for closing", "leave it out"))
    refuse(faults)
    lock_request(connection, recommendation_id)
    before = closing_in_force(connection, recommendation_id)
    if kind == REOPENED:
        if before is None:
            raise ConflictError("recommendation_id", "is not closed", "read it again")
        return _store(connection, before.recommendation_id, kind, None, actor)
    if before is not None:
        raise ConflictError("recommendation_id", "is closed already", "read it again")
    if newest_versions(connection, [recommendation_id]):
        raise ConflictError("recommendation_id", "was replaced", "close the newest version")
    if _has_open_pairing(connection, recommendation_id):
        remedy = "record that the pairing ended, or withdraw it"
        raise ConflictError("recommendation_id", "has started", remedy)
    return _store(connection, recommendation_id, kind, reason, actor)


def resume_closed(connection: Connection, recommendation_id: str, *, actor: str) -> None:
    """Opens a request again because the client goes on with it; nothing while it is open."""
    closed = closing_in_force(connection, recommendation_id)
    if closed is not None:
        _store(connection, closed.recommendation_id, RESUMED, None, actor)


def refuse_closed(connection: Connection, recommendation_id: str) -> None:
    """Refuses to go on with a closed request.

    Raises
    ------
    ConflictError
        When it is closed.
    """
    if closing_in_force(connection, recommendation_id) is not None:
        raise ConflictError("recommendation_id", "is closed", "reopen it first")


def lock_request(connection: Connection, recommendation_id: str) -> None:
    """Waits for other writers that decide on a request, close it or start from it."""
    advisory_lock(connection, f"decision/{recommendation_id}")


def closing_in_force(connection: Connection, recommendation_id: str) -> RecordedClosing | None:
    """The row that closes a request, on whichever of its versions; None while it is open."""
    found = closings_by_recommendation(connection, all_versions(connection, [recommendation_id]))
    newest = (some[-1] for some in found.values())
    return next((each for each in newest if each.kind == CLOSED), None)


def closings_by_recommendation(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[RecordedClosing, ...]]:
    """The rows of each of some requests, oldest first; requests without any are left out."""
    statement = select(closings).where(closings.c.recommendation_id.in_(recommendation_ids))
    found: dict[str, tuple[RecordedClosing, ...]] = {}
    for row in connection.execute(statement.order_by(closings.c.recorded_at)):
        earlier = found.get(row.recommendation_id, ())
        found[row.recommendation_id] = (*earlier, RecordedClosing(**row._asdict()))
    return found


def is_closed(recommendation_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the newest row of this id closes the request: a condition."""
    row = closings.alias("closing")
    of_request = row.c.recommendation_id == recommendation_id
    return select(row.c.closing_id).where(of_request, *closes(row)).exists()


def closes(row: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Whether a row closes its request and no later one opens it: conditions."""
    later = closings.alias("later_closing")
    opened = select(later.c.closing_id).where(
        later.c.recommendation_id == row.c.recommendation_id,
        later.c.recorded_at > row.c.recorded_at,
    )
    return row.c.kind == CLOSED, ~opened.exists()


def _store(
    connection: Connection, recommendation_id: str, kind: str, reason: str | None, actor: str
) -> RecordedClosing:
    before = closings_by_recommendation(connection, [recommendation_id]).get(recommendation_id)
    at = database_time(connection)
    # The order of rows is their time: two must not have the same.
    at = max(at, before[-1].recorded_at + _TICK) if before else at
    row = RecordedClosing(secrets.token_hex(16), recommendation_id, kind, reason, actor, at)
    columns = {name: getattr(row, name) for name in RecordedClosing.__dataclass_fields__}
    connection.execute(insert(closings).values(**columns))
    subject = subject_of_recommendation(connection, recommendation_id)
    if subject is None:
        raise NotFoundError("recommendation_id", "is not recorded", "check it, or request anew")
    details = {"recommendation_id": recommendation_id, "reason": reason}
    facts = {"closing_id": row.closing_id}
    append(connection, AuditEntry(actor, _ACTIONS[kind], facts, subject, details))
    return row


def _has_open_pairing(connection: Connection, recommendation_id: str) -> bool:
    over = (
        select(pairing_events.c.event_id)
        .where(
            pairing_events.c.pairing_id == pairings.c.pairing_id,
            pairing_events.c.kind.in_(("ended", "withdrawn")),
        )
        .exists()
    )
    versions = all_versions(connection, [recommendation_id])
    begun = select(pairings.c.pairing_id).where(pairings.c.recommendation_id.in_(versions), ~over)
    return connection.execute(begun.limit(1)).first() is not None
