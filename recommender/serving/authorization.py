"""Authentication, rate limiting and authorization of requests, by their matched route."""

from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from starlette.datastructures import Headers

from recommender.security.accounts import Session
from recommender.security.scopes import ANYBODY, Principal, Scope
from recommender.serving.auth.backend import AuthBackend, RateLimiter, from_this_machine
from recommender.serving.auth.permissions import NEEDS, Need, Unrestricted, is_page
from recommender.serving.dependencies import app_state
from recommender.serving.http.problems import (
    CROSS_SITE,
    FORBIDDEN,
    TOO_MANY,
    UNAUTHENTICATED,
    ProblemError,
)
from recommender.serving.http.request_context import request_info

CHALLENGE = 'Bearer realm="recommender"'
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf_token"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"


async def authorize(request: Request) -> None:
    """Dependency of every route: refuses (401, 403, 429) callers who may not use it."""
    needed = NEEDS.get(f"{request.method} {request.scope['route'].path}")
    if needed is Unrestricted.ANYBODY:
        return
    principal = await _principal(request)
    request_info(request.scope).principal = principal
    if auth_backend(request).credentials is not None:
        enforce_rate_limit(request, auth_backend(request).calls, principal.credential)
    if not may_call(principal, needed):
        raise _forbidden(needed)


def caller(request: Request) -> Principal:
    """The authenticated caller; for routes that require one."""
    principal = request_info(request.scope).principal
    if principal is None:
        raise unauthenticated()
    return principal


def session_of(request: Request) -> Session:
    """The caller's session; refuses (401) callers with a key."""
    session = request_info(request.scope).session
    if session is None:
        raise unauthenticated()
    return session


def auth_backend(request: Request) -> AuthBackend:
    """The authentication backend of the server."""
    return app_state(request.app).auth


def enforce_rate_limit(request: Request, limiter: RateLimiter, client: str) -> None:
    """Counts a call of a client; refuses it (429) above the limit."""
    state = limiter.spend(client)
    if not state.allowed:
        raise ProblemError(TOO_MANY, headers=state.headers)
    request_info(request.scope).response_headers = state.headers


def unauthenticated() -> ProblemError:
    """The problem of missing or wrong credentials; the same in every case, to reveal nothing."""
    return ProblemError(UNAUTHENTICATED, headers={"WWW-Authenticate": CHALLENGE})


def check_same_site(headers: Headers) -> None:
    """Refuses (403) a changing request that a page of another site may have sent (CSRF).

    Browsers set Sec-Fetch-Site and Origin; pages cannot change them.
    """
    site = headers.get("sec-fetch-site")
    origin = urlsplit(headers.get("origin", "")).netloc
    if not (site == "same-origin" if site else origin and origin == headers.get("host")):
        raise ProblemError(CROSS_SITE)


async def _principal(request: Request) -> Principal:
    auth = auth_backend(request)
    if auth.credentials is None:
        if not from_this_machine(request.client.host if request.client else None):
            raise unauthenticated()
        return ANYBODY
    headers = request.headers.getlist("authorization")
    if headers and not is_page(request.scope["route"].path):
        return await _principal_of_key(auth, headers)
    return (await _session_of_cookie(auth, request)).principal


async def _principal_of_key(auth: AuthBackend, headers: list[str]) -> Principal:
    scheme, _, key = headers[0].partition(" ")
    if len(headers) != 1 or scheme.lower() != "bearer":
        raise unauthenticated()
    principal = await auth.principal_of_key(key.strip(" "))
    if principal is None:
        raise unauthenticated()
    return principal


async def _session_of_cookie(auth: AuthBackend, request: Request) -> Session:
    token = request.cookies.get(auth.cookie.name)
    session = await auth.session(token) if token else None
    if session is None:
        raise unauthenticated()
    if request.method not in _SAFE:
        check_same_site(request.headers)
        if not session.repeats(await _csrf(request)):
            raise ProblemError(CROSS_SITE)
    request_info(request.scope).session = session
    return session


async def _csrf(request: Request) -> str:
    """The CSRF token: in a header or, without script, in a hidden field of a form."""
    if CSRF_HEADER in request.headers or request.headers.get("content-type") != _FORM:
        return request.headers.get(CSRF_HEADER, "")
    # Starlette caches the body for the route.
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return fields.get(CSRF_FIELD, [""])[0]


def may_call(principal: Principal, needed: Need | None) -> bool:
    """Whether a caller may use a route; routes without an entry in the table are refused."""
    if needed is None:
        return False
    return needed is Unrestricted.KNOWN or (isinstance(needed, Scope) and principal.may(needed))


def _forbidden(needed: Need | None) -> ProblemError:
    scope = f', scope="{needed}"' if isinstance(needed, Scope) else ""
    challenge = f'{CHALLENGE}, error="insufficient_scope"{scope}'
    return ProblemError(FORBIDDEN, headers={"WWW-Authenticate": challenge})
