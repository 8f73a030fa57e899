"""The outermost layer: gives each request an id, headers to each response, a line to the log.

It is also the net under every library: whatever refuses a request, the caller gets a problem, and
an error that nobody foresaw ends here without its text. Imported by `serving.app`.
"""

import re
import secrets
import time
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.serving.http.problems import (
    MEDIA_TYPE,
    UNEXPECTED,
    Problem,
    ProblemType,
    problem_type_for_status,
)

REQUEST_ID = "x-request-id"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page for people may load and do: this server's files and forms, nothing inline."""
NO_STORE = "no-store"

_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

log = structlog.get_logger()


class RequestContextMiddleware:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and answers for whatever comes of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, state = Headers(scope=scope), scope.setdefault("state", {})
        state["request_id"] = request_id = _request_id(headers)
        state["trace"] = _trace(headers)
        reply = _Reply(send, state)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, reply.send)
        except Exception as error:
            # An error's text can quote an answer: only its class and its place are kept.
            log.error("failed", request_id=request_id, error=type(error).__name__, where=_at(error))
            if not reply.started:
                await reply.refuse(UNEXPECTED)
        log.info("answered", **_line(scope, reply.status, started))


class _Reply:
    """One response on its way out."""

    def __init__(self, send: Send, state: dict[str, Any]) -> None:
        self._send = send
        self._state = state
        self._request_id: str = state["request_id"]
        self._replaced = False
        self.started = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Sends a part of the response, or a problem in place of a bare refusal."""
        if message["type"] != "http.response.start":
            if not self._replaced:
                await self._send(message)
            return
        headers = MutableHeaders(raw=list(message.get("headers", [])))
        bare = headers.get("content-type") != MEDIA_TYPE and not self._is_page
        if message["status"] >= 400 and bare:
            self._replaced = True
            await self.refuse(
                problem_type_for_status(message["status"]), allow=headers.get("allow")
            )
            return
        await self._start(message["status"], headers)

    async def refuse(self, kind: ProblemType, allow: str | None = None) -> None:
        """Sends a problem."""
        self._state["problem"], self._state["page"] = kind.slug, False
        body = Problem.of(kind, self._request_id).model_dump_json().encode()
        headers = MutableHeaders({"content-type": MEDIA_TYPE, "content-length": str(len(body))})
        if allow is not None:
            headers["allow"] = allow
        await self._start(kind.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    @property
    def _is_page(self) -> bool:
        """Whether a route made a page for people of it."""
        return bool(self._state.get("page"))

    async def _start(self, status: int, headers: MutableHeaders) -> None:
        self.started, self.status = True, status
        headers[REQUEST_ID] = self._request_id
        headers.setdefault("cache-control", NO_STORE)
        for name, value in {**self._state.get("reply_headers", {}), **HEADERS}.items():
            headers[name] = value
        if self._is_page:
            headers["content-security-policy"] = PAGE_POLICY
        start = {"type": "http.response.start", "status": status, "headers": headers.raw}
        await self._send(start)


def _request_id(headers: Headers) -> str:
    """The caller's id where it is a sound one, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if _SOUND_ID.fullmatch(given) else secrets.token_hex(16)


def _trace(headers: Headers) -> str | None:
    """The caller's trace (W3C Trace Context), where it is a sound one."""
    found = _TRACE.fullmatch(headers.get("traceparent", ""))
    return found[1] if found else None


def method_of(scope: Scope) -> str:
    """The method of a request, from a closed set."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """The route of a request as it is declared, never the address as it was sent."""
    path: str = getattr(scope.get("route"), "path", "none")
    return path


def _line(scope: Scope, status: int, started: float) -> dict[str, Any]:
    """What the log keeps of a request."""
    kept = scope["state"]
    return {
        "request_id": kept["request_id"],
        "trace": kept["trace"],
        "caller": kept.get("caller"),
        "method": method_of(scope),
        "route": route_of(scope),
        "status": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 2),
        "mode": kept.get("mode"),
        "model": kept.get("model"),
    }


def _at(error: Exception) -> str:
    """Module and line where an error was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_globals.get('__name__', 'unknown')}:{line}"


ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "trace",
        "caller",
        "method",
        "route",
        "status",
        "duration_ms",
        "mode",
        "model",
        "roster",
        "error",
        "where",
    }
)
"""What a line may say; anything else is left out, whoever wrote it."""


def configure_logs(stream: TextIO) -> None:
    """Sends every line to a stream as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed_fields,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def keep_allowed_fields(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Leaves out of a line what is not on the list."""
    return {name: value for name, value in event.items() if name in ALLOWED}
