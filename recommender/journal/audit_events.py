"""Events of the audit log to be read by people: filtered, newest first, a page at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from recommender.store.schema import audit


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A row of the audit log without its sealed details and its hashes."""

    seq: int
    at: datetime
    actor: str
    action: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; what is None or empty leaves nothing out.

    Attributes
    ----------
    nouns
        First parts of their actions, such as `session`.
    since, until
        Time of the first, and the time before which they are; UTC.
    before
        Number of the row they precede.
    """

    actor: str = ""
    nouns: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def audit_events(
    connection: Connection, wanted: EventFilter, *, limit: int
) -> tuple[AuditEvent, ...]:
    """The newest events of a filter, at most `limit`."""
    columns = audit.c
    asked = select(columns.seq, columns.at, columns.actor, columns.action, columns.facts)
    if wanted.actor:
        asked = asked.where(columns.actor == wanted.actor)
    if wanted.nouns:
        asked = asked.where(or_(*(columns.action.startswith(f"{each}.") for each in wanted.nouns)))
    if wanted.since is not None:
        asked = asked.where(columns.at >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(columns.at < wanted.until)
    if wanted.before is not None:
        asked = asked.where(columns.seq < wanted.before)
    rows = connection.execute(asked.order_by(columns.seq.desc()).limit(limit))
    return tuple(
        AuditEvent(row.seq, row.at, row.actor, row.action, json.loads(row.facts)) for row in rows
    )


def audit_actors(connection: Connection) -> tuple[str, ...]:
    """Everybody with an event in the audit log."""
    return tuple(connection.execute(select(audit.c.actor).distinct()).scalars())
