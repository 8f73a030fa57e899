"""Middleware that bounds the size and the arrival time of request bodies."""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.content_types import COMPRESSED
from recommender.serving.http.problems import (
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    problem_response,
)
from recommender.serving.http.raw_headers import first_values, text_of
from recommender.serving.http.request_context import request_info
from recommender.serving.http.root_path import path_within

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
        headers, path = first_values(scope), path_within(scope)
        try:
            if text_of(headers.get(b"content-encoding", b"identity")).lower() != "identity":
                raise ProblemError(UNSUPPORTED, [COMPRESSED])
            if scope["method"] == "POST" and path in self.queues:
                self.queues[path].refuse_if_full()
        except ProblemError as refusal:
            info = request_info(scope)
            info.problem = refusal.kind.slug
            response = problem_response(refusal, info.request_id, root_path=info.root_path)
            await response(scope, receive, send)
            return
        limit = self.limits.get(path, self.limit)
        declared = text_of(headers.get(b"content-length"))
        size = int(declared) if declared.isdecimal() else None
        body = BoundedBody(receive, self.seconds, limit, size)
        await self.app(scope, body.receive, send)


class BoundedBody:
    """Receives one body, within a time limit and up to a size.

    Parameters
    ----------
    seconds
        Longest time to receive it.
    limit
        Largest size in bytes.
    declared
        Its size as declared in Content-Length, if it is.
    """

    def __init__(self, receive: Receive, seconds: float, limit: int, declared: int | None) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._limit = limit
        self._declared = declared
        self._received = 0
        self._complete = False

    async def receive(self) -> Message:
        """The next message; without a limit once the body is complete.

        Raises
        ------
        ProblemError
            408 when the body is not complete in time, 413 when it is too large.
        """
        if self._complete:
            return await self._receive()
        if self._declared is not None and self._declared > self._limit:
            raise self._too_large(f"has {self._declared} bytes")
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(REQUEST_TIMEOUT, headers=CLOSE) from None
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise self._too_large(f"has more than {self._limit} bytes")
        self._complete = not message.get("more_body", False)
        return message

    def _too_large(self, size: str) -> ProblemError:
        message = f"the body {size}; at most {self._limit} are accepted here"
        error = FieldError(pointer="", code="too_large", message=message)
        return ProblemError(TOO_LARGE, [error], CLOSE)
