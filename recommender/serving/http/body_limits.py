"""How a request's body may arrive: not too large, not too slowly, not compressed.

Around everything but the guard, so that no route can forget it. Imported by `serving.app`.
"""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BUSY,
    RETRY,
    TOO_SLOW,
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
        return ProblemError(BUSY, headers=RETRY) if queue is not None and queue.full else None


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
            raise ProblemError(TOO_SLOW, headers=CLOSE) from None
        self._whole = not message.get("more_body", False)
        return message
