"""Middleware for request ids, response headers, the access log, metrics and unexpected errors."""

import re
import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.security.scopes import Principal
from recommender.security.sessions import Session
from recommender.serving.http.contract_versions import VERSION_HEADER
from recommender.serving.http.problems import (
    MEDIA_TYPE,
    UNEXPECTED,
    Problem,
    ProblemType,
    problem_type_for_status,
)
from recommender.serving.http.raw_headers import (
    Header,
    first_values,
    in_bytes,
    raw_headers,
    text_of,
    with_headers,
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
"""Policy of staff pages: files and forms of this server only, nothing inline."""
NO_STORE = "no-store"
VARY = "Vary"
"""A header whose values are added to those of the response."""
_ADDRESSES = frozenset({b"location", b"hx-redirect"})
"""Headers with an address on this server: the path it is behind is added here, for all routes."""
_NAME_OF_ID, _VARY, _CACHE_CONTROL = REQUEST_ID.encode(), b"vary", b"cache-control"
_OF_PAGES = in_bytes(HEADERS)
_OF_RESPONSES = in_bytes({**VERSION_HEADER, **HEADERS})

_REQUEST_ID_FORMAT = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

log = structlog.get_logger()


@dataclass(slots=True)
class RequestInfo:
    """Facts about one request, filled in while it is processed.

    Attributes
    ----------
    request_id, trace
        Id of the request, and the W3C trace id if the caller sent one.
    root_path
        The path at which callers see this server; empty, or `/match` as in `/match/v1/...`.
    principal, session
        The authenticated caller; the session if a cookie was sent.
    response_headers
        Headers to add to the response.
    is_page
        Whether the response is a page for people.
    own_headers
        Headers of a page in place of the common ones; None for one that it goes without.
    problem
        Slug of the problem type of a refusal.
    mode, model
        Mode of a recommendation and digest of the model, for log and metrics.
    """

    request_id: str = ""
    trace: str | None = None
    root_path: str = ""
    principal: Principal | None = None
    session: Session | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    is_page: bool = False
    own_headers: Mapping[str, str | None] = field(default_factory=dict)
    problem: str | None = None
    mode: str | None = None
    model: str | None = None


def request_info(scope: Scope) -> RequestInfo:
    """The facts about the request of a scope."""
    state = scope.setdefault("state", {})
    if "info" not in state:
        state["info"] = RequestInfo()
    info: RequestInfo = state["info"]
    return info


class RequestContextMiddleware:
    """ASGI middleware: sets the request id and headers, logs, and turns errors into problems.

    Parameters
    ----------
    completed
        Called with the scope, status and seconds of each completed request.
    """

    def __init__(self, app: ASGIApp, completed: Callable[[Scope, int, float], None]) -> None:
        self.app = app
        self._completed = completed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards a request; responds with a problem if it raises."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, info = first_values(scope), request_info(scope)
        read_trace_headers(headers, info)
        response = _ResponseSender(send, info)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, response.send)
        except Exception as error:
            # The text of an error can quote an answer: only its class and place are logged.
            log.error(
                "request_failed",
                request_id=info.request_id,
                error=type(error).__name__,
                where=_raised_at(error),
            )
            if not response.started:
                await response.send_problem(UNEXPECTED)
        seconds = time.perf_counter() - started
        self._completed(scope, response.status, seconds)
        log_completed(scope, response.status, seconds)


class _ResponseSender:
    """Sends one response with the common headers; replaces bare refusals by problems."""

    def __init__(self, send: Send, info: RequestInfo) -> None:
        self._send = send
        self._info = info
        self._replaced = False
        self.started = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Sends a message of the response, or a problem in place of a bare error status."""
        if message["type"] != "http.response.start":
            if not self._replaced:
                await self._send(message)
            return
        headers, status = raw_headers(message), message["status"]
        if status >= 400 and not self._info.is_page:
            named = dict(headers)
            if named.get(b"content-type") != MEDIA_TYPE.encode():
                self._replaced = True
                allow = named.get(b"allow")
                kind = problem_type_for_status(status)
                await self.send_problem(kind, None if allow is None else text_of(allow))
                return
        await self._start(status, headers)

    async def send_problem(self, kind: ProblemType, allow: str | None = None) -> None:
        """Sends a problem document."""
        self._info.problem, self._info.is_page = kind.slug, False
        info = self._info
        problem = Problem.of(kind, info.request_id, root_path=info.root_path)
        body = problem.model_dump_json().encode()
        headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body))}
        if allow is not None:
            headers["allow"] = allow
        await self._start(kind.status, list(in_bytes(headers).items()))
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: list[Header]) -> None:
        self.started, self.status = True, status
        info = self._info
        own = common_headers(info, headers)
        varies = own.pop(_VARY, None)
        headers = with_headers(headers, own)
        if varies is not None:
            MutableHeaders(raw=headers).add_vary_header(text_of(varies))
        if info.root_path:
            headers = [
                (name, info.root_path.encode("latin-1") + value)
                if name in _ADDRESSES and value.startswith(b"/")
                else (name, value)
                for name, value in headers
            ]
        if info.is_page:
            headers = with_headers(headers, {b"content-security-policy": PAGE_POLICY.encode()})
            absent = {name.encode() for name, value in info.own_headers.items() if value is None}
            named = {name: value for name, value in info.own_headers.items() if value is not None}
            headers = with_headers(headers, in_bytes(named))
            headers = [each for each in headers if each[0] not in absent]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def read_trace_headers(headers: Mapping[bytes, bytes], info: RequestInfo) -> None:
    """Takes the id and trace id of a request from its headers; without an id, makes a new one."""
    info.request_id = _request_id(text_of(headers.get(_NAME_OF_ID)))
    info.trace = _trace(text_of(headers.get(b"traceparent")))


def common_headers(info: RequestInfo, headers: Iterable[Header]) -> dict[bytes, bytes]:
    """Headers that are added to a response with these headers of its own."""
    own = {_NAME_OF_ID: info.request_id.encode("latin-1"), **in_bytes(info.response_headers)}
    own |= _OF_PAGES if info.is_page else _OF_RESPONSES
    if not any(name == _CACHE_CONTROL for name, _ in headers):
        own.setdefault(_CACHE_CONTROL, NO_STORE.encode())
    return own


def log_completed(scope: Scope, status: int, seconds: float) -> None:
    """Logs a completed request, without anything that its caller wrote but well-formed ids."""
    info = request_info(scope)
    log.info(
        "request_completed",
        request_id=info.request_id,
        trace=info.trace,
        caller=info.principal.credential if info.principal else None,
        method=method_of(scope),
        route=route_of(scope),
        status=status,
        duration_ms=round(seconds * 1000, 2),
        mode=info.mode,
        model=info.model,
    )


def _request_id(submitted: str) -> str:
    """The caller's X-Request-ID if it is well-formed, else a new id."""
    return submitted if _REQUEST_ID_FORMAT.fullmatch(submitted) else secrets.token_hex(16)


def _trace(header: str) -> str | None:
    """The trace id of a well-formed traceparent header (W3C Trace Context)."""
    match = _TRACE_FORMAT.fullmatch(header)
    return match[1] if match else None


def method_of(scope: Scope) -> str:
    """The method of a request; "other" for unusual ones."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """The declared path of the matched route, not the submitted URL; "none" without a match."""
    path: str = getattr(scope.get("route"), "path", "none")
    return path


def _raised_at(error: Exception) -> str:
    """Module and line where an error was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_globals.get('__name__', 'unknown')}:{line}"
