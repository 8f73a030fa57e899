"""Endpoints of webhooks: where messages are sent, of which kinds, and with which secret."""

import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from recommender.errors import NotFoundError, RecommenderError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.webhook_events import ENDPOINT_OFF, FAILED, KINDS, WAITING
from recommender.security.keys import Pepper
from recommender.store.database import advisory_lock
from recommender.store.schema import webhook_deliveries, webhook_endpoints
from recommender.webhooks.messages import secret_of
from recommender.webhooks.sending import checked_url

MAX_ENDPOINTS = 20
OVERLAP = timedelta(days=1)
"""How long messages are also signed with the secret that a rotation replaced."""
RESTORED = "restored"
"""Why the endpoints of a restored copy are off."""
_ID_LETTERS = string.ascii_lowercase + string.digits
_SEE = "see `recommender webhooks list`"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A program that receives messages.

    Attributes
    ----------
    kinds
        Events it subscribed to, sorted.
    failing_since
        The first attempt that failed since one was accepted.
    off_since, off_reason
        Since when and why nothing is sent; None while it is on.
    """

    endpoint_id: str
    url: str
    kinds: tuple[str, ...]
    pepper_mark: str
    secret_version: int
    former_secret_until: datetime | None
    created_at: datetime
    failing_since: datetime | None
    off_since: datetime | None
    off_reason: str | None

    @classmethod
    def of(cls, row: "Row[Any]") -> "Endpoint":
        """The endpoint of a row that has its columns."""
        values = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**values | {"kinds": tuple(row.kinds.split())})

    def secrets(self, pepper: Pepper, now: datetime) -> Sequence[str]:
        """The secrets that a message is signed with, the present one first."""
        former = self.former_secret_until is not None and now < self.former_secret_until
        versions = [self.secret_version, *([self.secret_version - 1] if former else [])]
        return [secret_of(pepper, self.endpoint_id, version) for version in versions]


def add_endpoint(
    connection: Connection,
    url: str,
    kinds: Iterable[str],
    pepper: Pepper,
    *,
    now: datetime,
    actor: str,
) -> tuple[Endpoint, str]:
    """Adds an endpoint and gives its secret, which is not stored.

    Raises
    ------
    RecommenderError
        When the address or a kind cannot be used, or there are too many endpoints.
    """
    chosen, address = _checked_kinds(kinds), checked_url(url)
    advisory_lock(connection, "webhook_endpoints")
    count = connection.execute(select(func.count()).select_from(webhook_endpoints)).scalar_one()
    if count >= MAX_ENDPOINTS:
        remedy = "remove one with `recommender webhooks remove ENDPOINT`"
        raise RecommenderError("endpoints", f"are {MAX_ENDPOINTS} already", remedy)
    endpoint_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
    connection.execute(
        insert(webhook_endpoints).values(
            endpoint_id=endpoint_id,
            url=address,
            kinds=" ".join(chosen),
            pepper_mark=pepper.mark,
            secret_version=1,
            created_at=now,
        )
    )
    facts = {"endpoint_id": endpoint_id, "host": urlsplit(address).netloc, "kinds": chosen}
    append(connection, AuditEntry(actor, "webhook.added", facts))
    return find_endpoint(connection, endpoint_id), secret_of(pepper, endpoint_id, 1)


def list_endpoints(connection: Connection) -> tuple[Endpoint, ...]:
    """Every endpoint, the oldest first."""
    order = (webhook_endpoints.c.created_at, webhook_endpoints.c.endpoint_id)
    rows = connection.execute(select(webhook_endpoints).order_by(*order))
    return tuple(Endpoint.of(row) for row in rows)


def find_endpoint(connection: Connection, endpoint_id: str) -> Endpoint:
    """The endpoint of this id.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    named = select(webhook_endpoints).where(webhook_endpoints.c.endpoint_id == endpoint_id)
    row = connection.execute(named).first()
    if row is None:
        raise NotFoundError("endpoint", "is not recorded", _SEE)
    return Endpoint.of(row)


def remove_endpoint(connection: Connection, endpoint_id: str, *, actor: str) -> None:
    """Deletes an endpoint and its deliveries; raises `NotFoundError` when there is none."""
    find_endpoint(connection, endpoint_id)
    named = webhook_endpoints.c.endpoint_id == endpoint_id
    connection.execute(delete(webhook_endpoints).where(named))
    append(connection, AuditEntry(actor, "webhook.removed", {"endpoint_id": endpoint_id}))


def rotate_secret(
    connection: Connection,
    endpoint_id: str,
    pepper: Pepper,
    *,
    now: datetime,
    actor: str,
    overlap: timedelta = OVERLAP,
) -> str:
    """Gives an endpoint a new secret; for a while messages are signed with both.

    Raises
    ------
    NotFoundError
        When there is no such endpoint.
    """
    endpoint = find_endpoint(connection, endpoint_id)
    # The former secret cannot be computed from another pepper.
    same = endpoint.pepper_mark == pepper.mark
    version = endpoint.secret_version + 1
    _change(
        connection,
        endpoint_id,
        secret_version=version,
        pepper_mark=pepper.mark,
        former_secret_until=now + overlap if same else None,
    )
    facts = {"endpoint_id": endpoint_id, "secret_version": version}
    append(connection, AuditEntry(actor, "webhook.rotated", facts))
    return secret_of(pepper, endpoint_id, version)


def switch_on(connection: Connection, endpoint_id: str, *, actor: str) -> None:
    """Sends to an endpoint again from the next event on; raises `NotFoundError`."""
    find_endpoint(connection, endpoint_id)
    _change(connection, endpoint_id, off_since=None, off_reason=None, failing_since=None)
    append(connection, AuditEntry(actor, "webhook.switched_on", {"endpoint_id": endpoint_id}))


def switch_off(
    connection: Connection, endpoint_id: str, reason: str, *, now: datetime, actor: str
) -> None:
    """Sends nothing more to an endpoint; its waiting deliveries fail and can be repeated."""
    _change(connection, endpoint_id, off_since=now, off_reason=reason)
    waiting = webhook_deliveries.c.state == WAITING
    connection.execute(
        update(webhook_deliveries)
        .where(waiting, webhook_deliveries.c.endpoint_id == endpoint_id)
        .values(state=FAILED, outcome=ENDPOINT_OFF)
    )
    facts = {"endpoint_id": endpoint_id, "reason": reason}
    append(connection, AuditEntry(actor, "webhook.switched_off", facts))


def silence(connection: Connection, *, at: datetime) -> int:
    """Switches every endpoint of a restored copy off, and counts those that were on.

    A copy would send events that the original sent, perhaps beside it. What it writes follows from
    the copy alone, so that an interrupted restoration can be repeated.
    """
    on = webhook_endpoints.c.off_since.is_(None)
    off = update(webhook_endpoints).where(on).values(off_since=at, off_reason=RESTORED)
    count = connection.execute(off).rowcount
    waiting = update(webhook_deliveries).where(webhook_deliveries.c.state == WAITING)
    connection.execute(waiting.values(state=FAILED, outcome=ENDPOINT_OFF))
    return count


def _change(connection: Connection, endpoint_id: str, **values: Any) -> None:
    named = webhook_endpoints.c.endpoint_id == endpoint_id
    connection.execute(update(webhook_endpoints).where(named).values(**values))


def _checked_kinds(kinds: Iterable[str]) -> list[str]:
    chosen = sorted(set(kinds))
    if not chosen or not KINDS.keys() >= set(chosen):
        raise RecommenderError("event", "is not known", f"choose from {', '.join(KINDS)}")
    return chosen
