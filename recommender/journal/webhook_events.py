"""Events for webhooks, written in the transaction of what happened and delivered after it.

An event names resources by their ids. Answers, scores and pseudonyms of clients are not in it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from recommender.store.database import database_time
from recommender.store.schema import webhook_deliveries, webhook_endpoints, webhook_events

DECIDED, WISHED = "recommendation.decided", "recommendation.wished"
RATED = "pairing.rated"
KINDS: Mapping[str, str] = {
    DECIDED: "a clinician was chosen after a recommendation",
    WISHED: "a client asked for a clinician after a recommendation, or to be helped to choose",
    RATED: "a rating of a pairing was recorded, corrected or withdrawn",
}
"""The kinds of events that can be subscribed to, each with what happened."""
RECORDED, CORRECTED, WITHDRAWN = CHANGES = ("recorded", "corrected", "withdrawn")
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
ENDPOINT_OFF = "endpoint_off"
"""Outcome of a delivery that was not attempted, because its endpoint is switched off."""
STORED_FOR = timedelta(days=30)
"""How long a delivery that has ended can be listed and repeated."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, of one of `KINDS`, and the ids of the resources it happened to.

    `change` is one of `CHANGES` for ratings.
    """

    kind: str
    recommendation_id: str | None = None
    pairing_id: str | None = None
    rating_id: str | None = None
    change: str | None = None


def publish(connection: Connection, event: Event) -> None:
    """Stores an event and its delivery to each endpoint that subscribed to its kind.

    Without such an endpoint nothing is stored. For an endpoint that is switched off the delivery
    is stored as failed, so that it can be repeated.
    """
    # On PostgreSQL an endpoint that is removed meanwhile waits, so that its deliveries refer to it.
    asked = select(webhook_endpoints).with_for_update(read=True, key_share=True)
    subscribed = [row for row in connection.execute(asked) if event.kind in row.kinds.split()]
    if not subscribed:
        return
    event_id, now = secrets.token_hex(16), database_time(connection)
    connection.execute(
        insert(webhook_events).values(**asdict(event), event_id=event_id, recorded_at=now)
    )
    connection.execute(
        insert(webhook_deliveries),
        [
            {
                "event_id": event_id,
                "endpoint_id": row.endpoint_id,
                "state": FAILED if row.off_since else WAITING,
                "outcome": ENDPOINT_OFF if row.off_since else None,
                "attempts": 0,
                "due_at": now,
            }
            for row in subscribed
        ],
    )


def forget_ended(connection: Connection) -> int:
    """Deletes events past `STORED_FOR` of which no delivery is waiting, and counts them."""
    waiting = select(webhook_deliveries.c.event_id).where(webhook_deliveries.c.state == WAITING)
    old = webhook_events.c.recorded_at < database_time(connection) - STORED_FOR
    ended = webhook_events.c.event_id.not_in(waiting)
    return connection.execute(delete(webhook_events).where(old & ended)).rowcount
