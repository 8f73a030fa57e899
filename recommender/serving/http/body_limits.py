"""How a request's body may arrive: not too large, not too slowly, not compressed.

Around everything but the guard, so that no route can forget it. Imported by `serving.app`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import uvicorn
from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BUSY,
    REQUEST_TIMEOUT,
    RETRY_SOON,
    UNSUPPORTED,
    ProblemError,
    problem_response,
)

CLOSE = {"Connection": "close"}
"""What is still under way on this connection is not worth reading."""


class BodyLimitMiddleware:
    """ASGI middleware.

    Parameters
    ----------
    seconds
        How long the whole body may take.
    limit, limits
        Largest body in bytes, and of single paths.
    queues
        The lines that requests of single paths wait in: where one is full, they are refused before
        anything is read of them.
    """

    def __init__(
        self,
        app: ASGIApp,
        seconds: float,
        limit: int,
        limits: Mapping[str, int],
        queues: Mapping[str, ComputeQueue],
    ) -> None:
        self.app = app
        self.seconds = seconds
        self.limit = limit
        self.limits = limits
        self.queues = queues

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a body that is bounded in size and in time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await problem_response(refused, scope["state"]["request_id"])(scope, receive, send)
            return
        patience = BodyTimeout(receive, self.seconds)
        limit = self.limits.get(scope["path"], self.limit)
        await RequestBodyLimitResponder(self.app, limit)(scope, patience.receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        if Headers(scope=scope).get("content-encoding", "identity").lower() != "identity":
            return ProblemError(UNSUPPORTED)
        queue = self.queues.get(scope["path"])
        return ProblemError(BUSY, headers=RETRY_SOON) if queue is not None and queue.full else None


class BodyTimeout:
    """One body on its way in."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + seconds
        self._whole = False

    async def receive(self) -> Message:
        """The next part of the body; once it is whole, whatever comes when it comes.

        Raises
        ------
        ProblemError
            When the body is not whole in time.
        """
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(REQUEST_TIMEOUT, headers=CLOSE) from None
        self._whole = not message.get("more_body", False)
        return message


class TimeoutConfig(uvicorn.Config):
    """uvicorn's settings, and two more.

    Attributes
    ----------
    head_seconds
        How long the head of a request may take.
    most_connections
        Open at a time in this process.
    """

    def __init__(self, app: Any, *, head_seconds: float, most_connections: int, **named: Any):
        super().__init__(app, **named, **_PROTOCOLS)
        self.head_seconds = head_seconds
        self.most_connections = most_connections


class TimeoutProtocol(H11Protocol):
    """One connection, closed when the head of a request does not arrive in time."""

    config: TimeoutConfig
    _timer: asyncio.TimerHandle | None = None
    waits_since: float | None = None
    """When it began to wait for a head; None while a request is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Makes room for a new one where too many are open."""
        super().connection_made(transport)
        if len(self.connections) > self.config.most_connections:
            _let_go(self)
        if not transport.is_closing():
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Waits on for as long as the head is not whole."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._rest()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._rest()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Cuts off whoever has not even read the last response; closes for others."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Does not wait at the end for a head that never came."""
        if self.waits_since is not None:
            self.transport.abort()
        else:
            super().shutdown()

    def _wait(self) -> None:
        self.waits_since = self.loop.time()
        self._timer = self.loop.call_later(self.config.head_seconds, self.transport.abort)

    def _rest(self) -> None:
        self.waits_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_PROTOCOLS: dict[str, Any] = {"http": TimeoutProtocol, "ws": "none"}


def _let_go(newest: TimeoutProtocol) -> None:
    """Closes the connection that has waited longest for a head, or the newest if none waits."""
    waiting = [
        each
        for each in newest.connections
        if isinstance(each, TimeoutProtocol) and each.waits_since is not None
    ]
    oldest = min(waiting, key=lambda each: each.waits_since or 0.0, default=newest)
    oldest.transport.abort()
