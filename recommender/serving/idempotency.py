"""Reads and writes of the journal for routes; a write with an Idempotency-Key is executed once."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from recommender.errors import NotFoundError, RecommenderError
from recommender.journal.idempotency import (
    IdempotencyStore,
    IdempotencyTicket,
    StoredReply,
    Write,
    ticket_for,
)
from recommender.serving.authorization import caller
from recommender.serving.dependencies import AppState, app_state
from recommender.serving.http.problems import BAD_REQUEST, NO_STORE, FieldError, ProblemError
from recommender.serving.http.strict_json import JSON, JsonBody
from recommender.serving.sandbox import Sandbox
from recommender.store.database import Connection, Store

KEY = "idempotency-key"
CREATED = 201
KEY_MISSING = FieldError(
    pointer="",
    code="idempotency_key_missing",
    message="the header Idempotency-Key is missing; send a new text with each new request, such as "
    "`Idempotency-Key: 6b1f0d6e-3a59-4c1d-9d0a-6f1f1f0c2c1e`, and the same text when you repeat it",
)
REPLAYED: Mapping[str, str] = {"Idempotent-Replayed": "true"}

Result = TypeVar("Result")


def has_store(request: Request) -> bool:
    """Whether the server records anything."""
    return app_state(request.app).store is not None


def sandbox_of(request: Request) -> Sandbox | None:
    """What executes the writes of a sandbox key; None for other callers."""
    return app_state(request.app).sandbox if caller(request).sandbox else None


def require_store(request: Request) -> Store:
    """The store; refuses (409) where the server has none."""
    store = app_state(request.app).store
    if store is None:
        raise ProblemError(NO_STORE)
    return store


async def read(request: Request, look: Callable[[Connection], Result]) -> Result:
    """The result of reading the journal; a sandbox key has nothing to read (404)."""
    store = require_store(request)
    if caller(request).sandbox:
        problem = "is not stored: this is a sandbox key, and nothing that it sends is stored"
        remedy = "use what the first response says, or a key that was created without --sandbox"
        raise NotFoundError("id", problem, remedy)

    def looked_up() -> Result:
        with store.reading() as connection:
            return look(connection)

    return await app_state(request.app).queues.journal.run(looked_up)


async def write(request: Request, change: Callable[[Connection], Result]) -> Result:
    """The result of a change that is made each time it is asked for."""
    store = require_store(request)

    def changed() -> Result:
        with store.writing() as connection:
            return change(connection)

    return await app_state(request.app).queues.journal.run(changed)


async def write_once(request: Request, body: JsonBody | None, write: Write) -> StoredReply:
    """The reply of a write, or the stored reply to the same request.

    Parameters
    ----------
    body
        Part of the fingerprint of the request; None for forms, which have no Idempotency-Key.
    """
    store = require_store(request)
    ticket = None if body is None else idempotency_ticket(request, body)
    return await app_state(request.app).queues.journal.run(
        lambda: _write(request, store, ticket, write)
    )


def _write(
    request: Request, store: Store, ticket: IdempotencyTicket | None, write: Write
) -> StoredReply:
    requests, sandbox = app_state(request.app).idempotency, sandbox_of(request)
    if sandbox is not None:
        return sandbox.execute(ticket, write, actor=caller(request).actor)
    if ticket is not None and requests is not None:
        return requests.once(ticket, write)
    with store.writing() as connection:
        return write(connection)


async def compute_then_write(
    request: Request,
    body: JsonBody,
    prepare: Callable[[], Awaitable[Write]],
    options: Mapping[str, Any],
) -> StoredReply:
    """The reply of a write that is computed outside the transaction, or the stored reply."""
    store, context = require_store(request), app_state(request.app)
    ticket = idempotency_ticket(request, body, options=options)
    requests = context.idempotency
    sandbox, actor = sandbox_of(request), caller(request).actor
    if sandbox is not None:
        known = sandbox.known(ticket)
        if known is not None:
            return known
        work = partial(sandbox.recommend, ticket, await prepare(), actor=actor)
        return await context.queues.journal.run(work)
    if ticket is None or requests is None:
        write = await prepare()
        return await context.queues.journal.run(lambda: _write(request, store, None, write))
    with requests.claimed(ticket):
        reply = await known_reply(context, requests, ticket)
        if reply is not None:
            return reply
        write = await prepare()
        return await context.queues.journal.run(requests.settle, ticket, write)


async def known_reply(
    context: AppState, requests: IdempotencyStore, ticket: IdempotencyTicket
) -> StoredReply | None:
    """The stored reply to a claimed ticket, if any."""
    if context.store is not None and context.store.is_local:
        # From a file it is read sooner than a thread has begun.
        return requests.known(ticket)
    return await run_in_threadpool(requests.known, ticket)


def idempotency_ticket(
    request: Request,
    body: JsonBody | None,
    *,
    required: bool = False,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> IdempotencyTicket | None:
    """The ticket of a request with an Idempotency-Key; a key is valid for one URL.

    Parameters
    ----------
    options
        Parts of the query that decide what is sent: with others it is another request.

    Raises
    ------
    ProblemError
        400 when the key is malformed, or missing though `required`.
    """
    key = request.headers.get(KEY)
    if key is None:
        if required:
            raise ProblemError(BAD_REQUEST, [KEY_MISSING])
        return None
    route = f"{request.method} {request.scope['route'].path}"
    parts = {"to": request.path_params, "body": body.value if body else None, **options}
    try:
        return ticket_for(caller(request).actor, route, key, parts)
    except RecommenderError as error:
        message = FieldError(pointer="", code="idempotency_key", message=str(error))
        raise ProblemError(BAD_REQUEST, [message]) from None


def created(body: bytes, location: str, subject: Any = None) -> StoredReply:
    """The reply to a request that created a resource."""
    return StoredReply(CREATED, body, subject, headers={"Location": location})


def reply_response(reply: StoredReply) -> Response:
    """A stored reply as response."""
    headers = {**reply.headers, **(REPLAYED if reply.replayed else {})}
    return Response(reply.body, reply.status, headers, media_type=JSON)
