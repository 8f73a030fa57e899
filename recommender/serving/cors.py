"""Cross-origin requests of pages with a publishable key (Fetch Standard, "CORS protocol").

Starlette's middleware answers for every path; here only operations of the role `browser` are
answered, and only to origins that a live key declares.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from recommender.security.scopes import ROLES, Role
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.authorization import NEEDS, SANDBOX, is_page
from recommender.serving.http.request_context import VARY, request_info
from recommender.serving.http.root_path import path_within

PREFLIGHT_SECONDS = 600
"""How long a browser may remember the answer to a preflight request."""
VARIES: Mapping[str, str] = {VARY: "Origin"}
_SENT = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID, traceparent"
_EXPOSED = (
    "API-Version",
    "Content-Language",
    "Deprecation",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "X-Request-ID",
    *SANDBOX,
)


@cache
def _operations() -> Sequence[tuple[re.Pattern[str], frozenset[str]]]:
    """Patterns of the paths of operations of the role `browser`, and their methods."""
    methods: dict[str, set[str]] = {}
    for operation, needed in NEEDS.items():
        method, path = operation.split(" ")
        if needed in ROLES[Role.BROWSER] and not is_page(path):
            methods.setdefault(path, set()).add(method)
    return [(compile_path(path)[0], frozenset(names)) for path, names in methods.items()]


def methods_for_pages(path: str) -> frozenset[str]:
    """The methods that a page with a publishable key may use at an address; none at most.

    Examples
    --------
    >>> sorted(methods_for_pages("/v1/recommendations")), sorted(methods_for_pages("/v1/roster"))
    (['POST'], [])
    """
    return frozenset().union(*(names for pattern, names in _operations() if pattern.match(path)))


class CorsMiddleware:
    """ASGI middleware: answers preflight requests, and lets pages of declared origins read."""

    def __init__(self, app: ASGIApp, *, auth: AuthBackend) -> None:
        self.app = app
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards a request; answers it if it is a preflight request of a declared origin."""
        if scope["type"] != "http" or self._auth.credentials is None:
            await self.app(scope, receive, send)
            return
        methods = methods_for_pages(path_within(scope))
        if not methods:
            await self.app(scope, receive, send)
            return
        headers, info = Headers(scope=scope), request_info(scope)
        info.response_headers |= VARIES
        origin = headers.get("origin")
        if origin is not None and origin in await self._auth.declared_origins():
            asked = headers.get("access-control-request-method")
            if scope["method"] == "OPTIONS" and asked in methods:
                info.response_headers |= _preflight(origin, methods)
                await Response(status_code=204)(scope, receive, send)
                return
            if scope["method"] in methods:
                info.response_headers |= _allowed(origin)
        await self.app(scope, receive, send)


def _allowed(origin: str) -> Mapping[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ", ".join(_EXPOSED),
    }


def _preflight(origin: str, methods: frozenset[str]) -> Mapping[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": _SENT,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
