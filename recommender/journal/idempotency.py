"""Idempotency keys: a request sent again is executed once and gets the first reply.

The reply is stored in the transaction of the request. Behaves like Stripe's API and
draft-ietf-httpapi-idempotency-key-header-07.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from recommender.errors import InFlightError, KeyReusedError, RecommenderError
from recommender.journal.subjects import Subject, subject_with
from recommender.journal.validation import canonical_json, digest
from recommender.store.database import Store, database_time, try_advisory_lock
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import idempotency

LIFETIME = timedelta(hours=48)
MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class IdempotencyTicket:
    """One request: principal, route (method included), key, and a fingerprint of its body."""

    principal: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply as it was sent; encrypted for, and erased with, the subject it is about.

    `headers` hold no personal data.
    """

    status: int
    body: bytes = field(repr=False)
    subject: Subject | None = None
    replayed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


Write = Callable[[Connection], StoredReply]


def ticket_for(principal: str, route: str, key: str, content: Any) -> IdempotencyTicket:
    """The ticket of a request with a parsed JSON content; equal contents have equal fingerprints.

    Raises
    ------
    RecommenderError
        When the key is empty, longer than 255 characters or not printable ASCII.
    """
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        remedy = f"give 1 to {MAX_KEY_LENGTH} printable ASCII characters, such as a UUID"
        raise RecommenderError("Idempotency-Key", "cannot be used as a key", remedy)
    return IdempotencyTicket(principal, route, key, _fingerprint(content))


class IdempotencyStore:
    """The requests of one server process, which needs one instance."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._working: set[tuple[str, str, str]] = set()

    def once(self, ticket: IdempotencyTicket, write: Write) -> StoredReply:
        """The reply of `write`, run in a transaction, or the stored reply of the first time.

        When `write` raises, nothing is stored and the same key may try again.

        Raises
        ------
        KeyReusedError
            When the key came before with another body.
        InFlightError
            When the first request is still running, here or (PostgreSQL) in any process. With
            SQLite a second process waits for the first and then replays.
        """
        with self.claimed(ticket):
            return self.known(ticket) or self.settle(ticket, write)

    @contextmanager
    def claimed(self, ticket: IdempotencyTicket) -> Iterator[None]:
        """Claims the ticket in this process for the block.

        Inside it, see whether the reply is `known`; if not, do the work that needs no transaction
        and call `settle`. Raises as `once`.
        """
        name = (ticket.principal, ticket.route, ticket.key)
        with self._lock:
            if name in self._working:
                raise _in_flight()
            self._working.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._working.discard(name)

    def known(self, ticket: IdempotencyTicket) -> StoredReply | None:
        """The stored reply, if any; raises `KeyReusedError` as `once`."""
        with self._store.single_read() as connection:
            return _known(connection, ticket)

    def settle(self, ticket: IdempotencyTicket, write: Write) -> StoredReply:
        """Runs `write` and stores its reply in one transaction; see `once`."""
        with self._store.writing() as connection:
            if not try_advisory_lock(
                connection, canonical_json([ticket.principal, ticket.route, ticket.key])
            ):
                raise _in_flight()
            known = _known(connection, ticket)
            if known:
                return known
            _DELETE.execute(connection, _named(ticket))
            reply = write(connection)
            subject = reply.subject
            values = {
                "principal": ticket.principal,
                "route": ticket.route,
                "key": ticket.key,
                "fingerprint": ticket.fingerprint,
                "status": reply.status,
                "body": subject.encrypt(_purpose(ticket), reply.body) if subject else reply.body,
                "subject_id": subject.subject_id if subject else None,
                "created_at": database_time(connection),
                "headers": json.dumps(dict(reply.headers)) if reply.headers else None,
            }
            _INSERT.execute(connection, values)
            return reply


def forget_expired(connection: Connection) -> int:
    """Removes replies older than 48 hours by the database's clock, and counts them."""
    limit = database_time(connection) - LIFETIME
    return connection.execute(delete(idempotency).where(idempotency.c.created_at < limit)).rowcount


def _fingerprint(content: Any) -> str:
    try:
        return digest(canonical_json(content))
    except ValueError:
        # A number beyond the range of floats is infinite, which JSON cannot express.
        return digest(repr(content))


def _in_flight() -> InFlightError:
    problem = "belongs to a request that is still being worked on"
    return InFlightError("Idempotency-Key", problem, "send the same request again in a moment")


_IS_NAMED = and_(
    idempotency.c.principal == bindparam("of_principal"),
    idempotency.c.route == bindparam("of_route"),
    idempotency.c.key == bindparam("of_key"),
)
_SELECT = DriverStatement(select(idempotency).where(_IS_NAMED))
_DELETE = DriverStatement(delete(idempotency).where(_IS_NAMED))
_INSERT = DriverStatement(insert(idempotency))


def _named(ticket: IdempotencyTicket) -> Mapping[str, str]:
    """The parameters of `_IS_NAMED`."""
    return {"of_principal": ticket.principal, "of_route": ticket.route, "of_key": ticket.key}


def key_reused() -> KeyReusedError:
    """The error of a key that came before with another request."""
    problem = "came before with a different request"
    return KeyReusedError("Idempotency-Key", problem, "use a new key for a new request")


def _known(connection: Connection, ticket: IdempotencyTicket) -> StoredReply | None:
    row = _SELECT.first(connection, **_named(ticket))
    if row is None or row["created_at"] < database_time(connection) - LIFETIME:
        return None
    if row["fingerprint"] != ticket.fingerprint:
        raise key_reused()
    headers = json.loads(row["headers"]) if row["headers"] else {}
    reply = StoredReply(row["status"], bytes(row["body"]), replayed=True, headers=headers)
    subject = subject_with(connection, row["subject_id"]) if row["subject_id"] else None
    if subject is None:
        return reply
    return replace(reply, body=subject.decrypt(_purpose(ticket), reply.body), subject=subject)


def _purpose(ticket: IdempotencyTicket) -> str:
    return f"reply/{digest(canonical_json([ticket.principal, ticket.route, ticket.key]))}"
