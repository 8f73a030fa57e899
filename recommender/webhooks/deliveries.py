"""Deliveries of events to endpoints: at least once each, repeated for three days, in any order.

Servers that share a store claim what is due, send outside any transaction, and store what came of
it. A claim ends by itself, so that the deliveries of a server that was killed are repeated.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from recommender.errors import NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.webhook_events import DELIVERED, FAILED, WAITING, Event
from recommender.security.keys import Pepper
from recommender.store.database import Store, advisory_lock, database_time, try_advisory_lock
from recommender.store.schema import webhook_deliveries, webhook_endpoints, webhook_events
from recommender.webhooks.endpoints import Endpoint, switch_off
from recommender.webhooks.messages import message_of, signed_headers
from recommender.webhooks.sending import ACCEPTED, GONE, Attempt

_HOURS = (2, 5, 10, 14, 20, 24)
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in _HOURS),
)
"""Before each further attempt, as in the example of Standard Webhooks: 76 hours in all."""
MAX_ATTEMPTS = 1 + len(PAUSES)
JITTER = 0.2
"""Largest random change of a pause, as a share of it."""
CLAIM = timedelta(minutes=2)
"""How long a claim lasts; longer than resolving a name and one attempt."""
BATCH, BATCH_PER_ENDPOINT = 8, 4
"""Deliveries attempted at once, and of these to one endpoint."""
OFF_AFTER = timedelta(days=5)
"""An endpoint is switched off after so long without an accepted message."""
FAILING = "failing"
SERVER = "server"
RETRIED = "retried"

Send = Callable[[str, Mapping[str, str], bytes], Attempt]
"""Posts a body to an address with headers."""
Clock = Callable[[Connection], datetime]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint.

    Attributes
    ----------
    state
        `waiting`, `delivered` or `failed`.
    attempts
        Attempts so far, one that is being made included.
    due_at
        Time of the next attempt, UTC.
    outcome, status
        What came of the last attempt, and the status of its response.
    """

    event_id: str
    event: Event
    recorded_at: datetime
    endpoint_id: str
    state: str
    attempts: int
    due_at: datetime
    attempted_at: datetime | None
    outcome: str | None
    status: int | None


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A delivery to be attempted, with its endpoint."""

    delivery: Delivery
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a delivery: `delivered`, `retried` or `failed`, and whether that ended it."""

    endpoint_id: str
    became: str
    outcome: str
    switched_off: bool = False


def deliver_due(
    store: Store,
    pepper: Pepper,
    send: Send,
    workers: Executor,
    *,
    clock: Clock = database_time,
    draw: Callable[[], float] = random.random,
) -> tuple[Result, ...]:
    """Attempts up to `BATCH` deliveries that are due, and gives what became of each.

    Parameters
    ----------
    workers
        Sends messages concurrently.
    clock
        The time; by default that of the database, which all servers share.
    draw
        A number from 0 to 1 for the jitter of each pause.
    """
    with store.reading() as connection:
        if connection.execute(_due(pepper, clock(connection)).limit(1)).first() is None:
            return ()
    with store.writing() as connection:
        now = clock(connection)
        claimed = _claim(connection, pepper, now)

    def attempt(one: _Claimed) -> Attempt:
        delivery = one.delivery
        message = message_of(delivery.event_id, delivery.event, delivery.recorded_at)
        headers = signed_headers(message, one.endpoint.secrets(pepper, now), now)
        return send(one.endpoint.url, headers, message.body)

    attempts = list(workers.map(attempt, claimed))
    if not claimed:
        return ()
    with store.writing() as connection:
        # Two servers that change the same endpoints in another order could wait for each other.
        advisory_lock(connection, "webhook_results")
        now = clock(connection)
        settled = [
            _settle(connection, one, came, now, draw())
            for one, came in zip(claimed, attempts, strict=True)
        ]
    return tuple(result for result in settled if result is not None)


def oldest_waiting(connection: Connection) -> datetime | None:
    """When the oldest event that waits for a delivery happened; None when none waits."""
    waiting = select(webhook_deliveries.c.event_id).where(webhook_deliveries.c.state == WAITING)
    events = webhook_events.c
    oldest = select(events.recorded_at).where(events.event_id.in_(waiting))
    return connection.execute(oldest.order_by(events.recorded_at).limit(1)).scalar()


def list_deliveries(
    connection: Connection, *, state: str | None = None, endpoint_id: str | None = None, limit: int
) -> tuple[Delivery, ...]:
    """Deliveries of a state or to an endpoint, the newest event first."""
    wanted = select(webhook_deliveries, *_EVENT)
    statement = wanted.select_from(webhook_deliveries).join(webhook_events)
    if state is not None:
        statement = statement.where(webhook_deliveries.c.state == state)
    if endpoint_id is not None:
        statement = statement.where(webhook_deliveries.c.endpoint_id == endpoint_id)
    order = (webhook_events.c.recorded_at.desc(), webhook_events.c.event_id)
    rows = connection.execute(statement.order_by(*order).limit(limit))
    return tuple(_delivery(row) for row in rows)


def retry_failed(
    connection: Connection,
    *,
    event_id: str | None = None,
    endpoint_id: str | None = None,
    now: datetime,
    actor: str,
) -> int:
    """Lets failed deliveries to endpoints that are on wait again from their first attempt.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    on = select(webhook_endpoints.c.endpoint_id).where(webhook_endpoints.c.off_since.is_(None))
    columns = webhook_deliveries.c
    failed = [columns.state == FAILED, columns.endpoint_id.in_(on)]
    if event_id is not None:
        failed.append(columns.event_id == event_id)
    if endpoint_id is not None:
        failed.append(columns.endpoint_id == endpoint_id)
    again = update(webhook_deliveries).where(*failed)
    count = connection.execute(again.values(state=WAITING, attempts=0, due_at=now)).rowcount
    if not count:
        remedy = "see `recommender webhooks deliveries --failed`; switch an endpoint on first"
        raise NotFoundError("delivery", "has not failed, or its endpoint is off", remedy)
    append(connection, AuditEntry(actor, "webhook.retried", {"deliveries": count}))
    return count


_EVENT = tuple(column for column in webhook_events.c if column.name != "event_id")
_ENDPOINT = tuple(column for column in webhook_endpoints.c if column.name != "endpoint_id")


def _due(pepper: Pepper, now: datetime) -> Select[Any]:
    """What can be attempted now, with its place among the deliveries to its endpoint."""
    columns = webhook_deliveries.c
    place = func.row_number().over(
        partition_by=columns.endpoint_id, order_by=(columns.due_at, columns.event_id)
    )
    return (
        select(columns.event_id, columns.endpoint_id, place.label("place"))
        .select_from(webhook_deliveries)
        .join(webhook_endpoints)
        .where(
            columns.state == WAITING,
            columns.due_at <= now,
            webhook_endpoints.c.off_since.is_(None),
            # With another pepper the signature would be wrong.
            webhook_endpoints.c.pepper_mark == pepper.mark,
        )
    )


def _claim(connection: Connection, pepper: Pepper, now: datetime) -> Sequence[_Claimed]:
    """Deliveries that no other server attempts until `CLAIM` has passed."""
    if not try_advisory_lock(connection, "webhook_deliveries"):
        return ()
    due = _due(pepper, now).subquery()
    columns = webhook_deliveries.c
    statement = (
        select(webhook_deliveries, *_EVENT, *_ENDPOINT)
        .select_from(webhook_deliveries)
        .join(webhook_events)
        .join(webhook_endpoints)
        .join(
            due,
            (columns.event_id == due.c.event_id) & (columns.endpoint_id == due.c.endpoint_id),
        )
        .where(due.c.place <= BATCH_PER_ENDPOINT)
        .order_by(due.c.place, columns.due_at, columns.event_id)
        .limit(BATCH)
    )
    rows = connection.execute(statement).all()
    for row in rows:
        connection.execute(
            update(webhook_deliveries)
            .where(columns.event_id == row.event_id, columns.endpoint_id == row.endpoint_id)
            .values(attempts=row.attempts + 1, due_at=now + CLAIM, attempted_at=now)
        )
    return [_Claimed(_delivery(row), Endpoint.of(row)) for row in rows]


def _settle(
    connection: Connection, claimed: _Claimed, attempt: Attempt, now: datetime, drawn: float
) -> Result | None:
    """Stores what came of an attempt; None when the delivery is no longer this server's."""
    delivery, endpoint_id = claimed.delivery, claimed.endpoint.endpoint_id
    number = delivery.attempts + 1
    accepted = attempt.outcome == ACCEPTED
    values: dict[str, Any] = {"outcome": attempt.outcome, "status": attempt.status}
    if accepted:
        values["state"] = DELIVERED
    elif number >= MAX_ATTEMPTS:
        values["state"] = FAILED
    else:
        values["due_at"] = now + PAUSES[number - 1] * (1 + JITTER * (2 * drawn - 1))
    columns = webhook_deliveries.c
    still = (
        columns.event_id == delivery.event_id,
        columns.endpoint_id == endpoint_id,
        columns.state == WAITING,
        columns.attempts == number,
    )
    if not connection.execute(update(webhook_deliveries).where(*still).values(**values)).rowcount:
        return None
    off = _note_health(connection, endpoint_id, attempt, now)
    became = FAILED if off else values.get("state", RETRIED)
    return Result(endpoint_id, became, attempt.outcome, switched_off=off)


def _note_health(connection: Connection, endpoint_id: str, attempt: Attempt, now: datetime) -> bool:
    """Notes since when an endpoint fails; True when it is switched off for that."""
    endpoints = webhook_endpoints.c
    row = connection.execute(
        select(endpoints.failing_since, endpoints.off_since).where(
            endpoints.endpoint_id == endpoint_id
        )
    ).one()
    failing = None if attempt.outcome == ACCEPTED else row.failing_since or now
    if failing != row.failing_since:
        named = update(webhook_endpoints).where(endpoints.endpoint_id == endpoint_id)
        connection.execute(named.values(failing_since=failing))
    if failing is None or row.off_since is not None:
        return False
    if attempt.outcome == GONE or now - failing >= OFF_AFTER:
        reason = GONE if attempt.outcome == GONE else FAILING
        switch_off(connection, endpoint_id, reason, now=now, actor=SERVER)
        return True
    return False


def _delivery(row: "Row[Any]") -> Delivery:
    names = ("kind", "recommendation_id", "pairing_id", "rating_id", "change")
    event = Event(**{name: getattr(row, name) for name in names})
    own = {name: getattr(row, name) for name in Delivery.__slots__ if name != "event"}
    return Delivery(**own, event=event)
