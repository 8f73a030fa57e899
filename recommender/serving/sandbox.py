"""Writes of sandbox keys: executed in a transaction that is rolled back, so that nothing is stored.

Replies and recommendations are held in memory of one server process for ten minutes, so that a
repeated request gets its first reply and a decision finds its recommendation.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, TypeVar

from recommender.journal.idempotency import IdempotencyTicket, StoredReply, Write, key_reused
from recommender.serving.http.problems import ProblemError
from recommender.store.database import Store

LIFETIME_SECONDS = 600.0
MAX_HELD = 200
"""Replies held in a process, and recommendations; beyond, the oldest is dropped."""
MAX_FOUND = 20
"""The latest recommendations of a key that its decisions can refer to."""

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class _Recommended:
    actor: str
    write: Write


@dataclass(frozen=True, slots=True)
class _Replied:
    fingerprint: str
    reply: StoredReply


class _Memory(Generic[Held]):
    """The latest entries by name, each for a limited time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: OrderedDict[object, tuple[float, Held]] = OrderedDict()
        self._lock = Lock()

    def add(self, name: object, held: Held) -> None:
        with self._lock:
            self._held[name] = self._clock() + LIFETIME_SECONDS, held
            while len(self._held) > MAX_HELD:
                self._held.popitem(last=False)

    def live(self) -> dict[object, Held]:
        with self._lock:
            now = self._clock()
            for name in [name for name, (ends, _) in self._held.items() if ends <= now]:
                del self._held[name]
            return {name: held for name, (_, held) in self._held.items()}


class Sandbox:
    """What sandbox keys sent to this process in the last ten minutes.

    Parameters
    ----------
    store
        The database whose rules apply; no row of it is changed.
    clock
        Seconds that only increase.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._replies: _Memory[_Replied] = _Memory(clock)
        self._recommended: _Memory[_Recommended] = _Memory(clock)

    def known(self, ticket: IdempotencyTicket | None) -> StoredReply | None:
        """The reply to an earlier request with the same Idempotency-Key, if it is still held.

        Raises
        ------
        KeyReusedError
            When the key came before with another body.
        """
        held = self._replies.live().get(_name(ticket)) if ticket else None
        if ticket is None or held is None:
            return None
        if held.fingerprint != ticket.fingerprint:
            raise key_reused()
        return replace(held.reply, replayed=True)

    def execute(self, ticket: IdempotencyTicket | None, write: Write, *, actor: str) -> StoredReply:
        """The reply of a write, or of the first one with the same ticket; nothing is stored.

        The write finds the recommendations that `recommend` executed for the same actor.
        """
        return self._executed(ticket, (*self._of(actor), write))

    def recommend(
        self, ticket: IdempotencyTicket | None, write: Write, *, actor: str
    ) -> StoredReply:
        """As `execute`; later writes of the actor find the recommendation that is recorded."""
        reply = self._executed(ticket, (*self._of(actor), write))
        if not reply.replayed:
            self._recommended.add(reply.headers["Location"], _Recommended(actor, write))
        return reply

    def _of(self, actor: str) -> Sequence[Write]:
        """The latest recommendations of an actor."""
        own = [each.write for each in self._recommended.live().values() if each.actor == actor]
        return own[-MAX_FOUND:]

    def _executed(self, ticket: IdempotencyTicket | None, writes: Sequence[Write]) -> StoredReply:
        """The reply of the last write, after the others in the same transaction.

        One of the others that replaces a recommendation which is held no more is passed over.
        """
        known = self.known(ticket)
        if known is not None:
            return known
        with self._store.rehearsing() as connection:
            for write in writes[:-1]:
                with suppress(ProblemError):
                    write(connection)
            last = writes[-1](connection)
        # The reply outlives the transaction; its subject does not.
        reply = replace(last, subject=None)
        if ticket is not None:
            self._replies.add(_name(ticket), _Replied(ticket.fingerprint, reply))
        return reply


def _name(ticket: IdempotencyTicket) -> tuple[str, str, str]:
    return ticket.principal, ticket.route, ticket.key
