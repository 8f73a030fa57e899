"""What a request leaves in the journal: all in one transaction, once however often it is sent.

Imported by the routes that keep or read something kept.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.responses import Response

from recommender.errors import RecommenderError
from recommender.journal.idempotency import (
    IdempotencyStore,
    IdempotencyTicket,
    StoredReply,
    Write,
    ticket_for,
)
from recommender.serving.auth.middleware import caller
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import BAD_REQUEST, NO_STORE, FieldError, ProblemError
from recommender.serving.http.strict_json import JSON, check_json
from recommender.store.database import POOL, Connection, Store

KEY = "idempotency-key"
PATIENCE_SECONDS = 2.0
"""How long a write may have to wait for those before it: SQLite writes one at a time."""
REPLAYED: Mapping[str, str] = {"Idempotent-Replayed": "true"}

Found = TypeVar("Found")


class JournalWriter:
    """The journal of one server.

    Attributes
    ----------
    store, requests, queue
        The database, the requests under way, and the line of those who wait to speak to it.
    """

    def __init__(self, store: Store, most_waiting: int) -> None:
        self.store = store
        self.requests = IdempotencyStore(store)
        self.queue = ComputeQueue(POOL, most_waiting, PATIENCE_SECONDS)


def journal_writer(app: FastAPI) -> JournalWriter | None:
    """The journal, where the server has one."""
    writer: JournalWriter | None = app.state.journal_writer
    return writer


def require_journal_writer(request: Request) -> JournalWriter:
    """The journal; refuses (409) where the server keeps nothing."""
    writer = journal_writer(request.app)
    if writer is None:
        raise ProblemError(NO_STORE)
    return writer


async def read(request: Request, look: Callable[[Connection], Found]) -> Found:
    """What is found in the journal."""
    journal_writer = require_journal_writer(request)

    def looked() -> Found:
        with journal_writer.store.reading() as connection:
            return look(connection)

    return await journal_writer.queue.run(looked)


async def write_once(request: Request, body: bytes, write: Write) -> StoredReply:
    """What is written, or what was answered when the same was sent before."""
    journal_writer = require_journal_writer(request)
    ticket = idempotency_ticket(request, body)

    def written() -> StoredReply:
        if ticket is not None:
            return journal_writer.requests.once(ticket, write)
        with journal_writer.store.writing() as connection:
            return write(connection)

    return await journal_writer.queue.run(written)


async def compute_then_write(
    request: Request, body: bytes, prepare: Callable[[], Awaitable[Write]]
) -> StoredReply:
    """The same for what is computed first, and only when it was not answered before."""
    journal_writer, ticket = require_journal_writer(request), idempotency_ticket(request, body)
    claim = journal_writer.requests.claimed(ticket) if ticket else _unclaimed()
    async with contextmanager_in_threadpool(claim) as known:
        if known is not None:
            return known
        write = await prepare()

        def settled() -> StoredReply:
            if ticket is not None:
                return journal_writer.requests.settle(ticket, write)
            with journal_writer.store.writing() as connection:
                return write(connection)

        return await journal_writer.queue.run(settled)


def idempotency_ticket(request: Request, body: bytes) -> IdempotencyTicket | None:
    """The ticket of a request that has a key; one key is good for one address.

    Raises
    ------
    ProblemError
        When the key is none, or the body is not sound JSON.
    """
    given = request.headers.get(KEY)
    if given is None:
        return None
    check_json(body)
    route = f"{request.method} {request.scope['route'].path}"
    said = json.dumps({"to": request.path_params, "body": json.loads(body)}).encode()
    try:
        return ticket_for(caller(request).actor, route, given, said)
    except RecommenderError as error:
        told = FieldError(pointer="", code="refused", message=str(error))
        raise ProblemError(BAD_REQUEST, [told]) from None


def reply_response(reply: StoredReply, address: str) -> Response:
    """A reply as it is sent; `address` takes names of its body into the address of what is kept."""
    headers = dict(REPLAYED) if reply.replayed else {}
    if reply.status == 201:
        headers["Location"] = address.format_map(json.loads(reply.body))
    return Response(reply.body, reply.status, headers, media_type=JSON)


@contextmanager
def _unclaimed() -> Iterator[StoredReply | None]:
    yield None
