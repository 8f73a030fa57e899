"""Middleware that bounds the size and the arrival time of request bodies."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BUSY,
    REQUEST_TIMEOUT,
    RETRY_SOON,
    UNSUPPORTED,
    ProblemError,
    problem_response,
)
from recommender.serving.http.request_context import request_info

CLOSE = {"Connection": "close"}


class BodyLimitMiddleware:
    """ASGI middleware; refuses compressed bodies, and large, slow or surplus ones.

    Parameters
    ----------
    seconds
        Longest time to receive a body.
    limit, limits
        Largest body in bytes; of single paths.
    queues
        Queues by path: requests to a path with a full queue are refused before their body is read.
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
        """Forwards a request whose body is bounded in size and time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await problem_response(refusal, request_info(scope).request_id)(scope, receive, send)
            return
        body = BodyTimeout(receive, self.seconds)
        limit = self.limits.get(scope["path"], self.limit)
        await RequestBodyLimitResponder(self.app, limit)(scope, body.receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        if Headers(scope=scope).get("content-encoding", "identity").lower() != "identity":
            return ProblemError(UNSUPPORTED)
        queue = self.queues.get(scope["path"])
        return ProblemError(BUSY, headers=RETRY_SOON) if queue is not None and queue.full else None


class BodyTimeout:
    """Receives one body within a time limit."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._complete = False

    async def receive(self) -> Message:
        """The next message; without a limit once the body is complete.

        Raises
        ------
        ProblemError
            408 when the body is not complete in time.
        """
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(REQUEST_TIMEOUT, headers=CLOSE) from None
        self._complete = not message.get("more_body", False)
        return message
