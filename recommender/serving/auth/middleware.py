"""Every request passes here once its route is known: who asks, how often, and whether they may.

Decided on the matched route and never on the address as it was sent. Imported by `serving.app`
and by routes that want to know who asks.
"""

from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from starlette.datastructures import Headers

from recommender.security.scopes import ANYBODY, Principal, Scope
from recommender.security.sessions import Session
from recommender.serving.auth.backend import AuthBackend, RateLimiter, from_this_machine
from recommender.serving.auth.permissions import NEEDS, Need, Unrestricted, is_page
from recommender.serving.http.problems import (
    CROSS_SITE,
    FORBIDDEN,
    TOO_MANY,
    UNAUTHENTICATED,
    ProblemError,
)

CHALLENGE = 'Bearer realm="recommender"'
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf_token"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"


async def authorize(request: Request) -> None:
    """The dependency of every route: refuses (401, 403, 429) whoever may not call this one."""
    needed = NEEDS.get(f"{request.method} {request.scope['route'].path}")
    if needed is Unrestricted.ANYBODY:
        return
    principal = await _principal(request)
    request.state.principal, request.state.caller = principal, principal.credential
    if auth_backend(request).locks is not None:
        enforce_rate_limit(request, auth_backend(request).calls, principal.credential)
    if not _may(principal, needed):
        raise _forbidden(needed)


def caller(request: Request) -> Principal:
    """Who asks; for routes that are not open to anybody."""
    principal: Principal = request.state.principal
    return principal


def session_of(request: Request) -> Session:
    """The session that was shown; refuses (401) whoever showed a key."""
    session: Session | None = getattr(request.state, "session", None)
    if session is None:
        raise unauthenticated()
    return session


def auth_backend(request: Request) -> AuthBackend:
    """The door of the server that was asked."""
    auth: AuthBackend = request.app.state.auth
    return auth


def enforce_rate_limit(request: Request, rates: RateLimiter, who: str) -> None:
    """Counts a call, and refuses it (429) when there were too many."""
    spent = rates.spend(who)
    if not spent.allowed:
        raise ProblemError(TOO_MANY, headers=spent.headers)
    request.state.reply_headers = spent.headers


def unauthenticated() -> ProblemError:
    """One answer to whatever is wrong with what was shown, so that it teaches nothing."""
    return ProblemError(UNAUTHENTICATED, headers={"WWW-Authenticate": CHALLENGE})


def check_same_site(headers: Headers) -> None:
    """Refuses (403) a changing request that a page of another site may have sent (CSRF).

    Browsers say where a request comes from, and pages cannot change what they say.
    """
    site = headers.get("sec-fetch-site")
    origin = urlsplit(headers.get("origin", "")).netloc
    if not (site == "same-origin" if site else origin and origin == headers.get("host")):
        raise ProblemError(CROSS_SITE)


async def _principal(request: Request) -> Principal:
    auth = auth_backend(request)
    if auth.locks is None:
        if not from_this_machine(request.client.host if request.client else None):
            raise unauthenticated()
        return ANYBODY
    shown = request.headers.getlist("authorization")
    if shown and not is_page(request.scope["route"].path):
        return await _holder(auth, shown)
    return (await _logged_in(auth, request)).principal


async def _holder(auth: AuthBackend, shown: list[str]) -> Principal:
    scheme, _, key = shown[0].partition(" ")
    if len(shown) != 1 or scheme.lower() != "bearer":
        raise unauthenticated()
    holder = await auth.principal_of_key(key.strip(" "))
    if holder is None:
        raise unauthenticated()
    return holder


async def _logged_in(auth: AuthBackend, request: Request) -> Session:
    token = request.cookies.get(auth.cookie.name)
    session = await auth.session(token) if token else None
    if session is None:
        raise unauthenticated()
    if request.method not in _SAFE:
        check_same_site(request.headers)
        if not session.repeats(await _csrf(request)):
            raise ProblemError(CROSS_SITE)
    request.state.session = session
    return session


async def _csrf(request: Request) -> str:
    """The token a page repeats: in a header, or without script in a hidden field of a form."""
    if CSRF_HEADER in request.headers or request.headers.get("content-type") != _FORM:
        return request.headers.get(CSRF_HEADER, "")
    # The body is kept with the request: the route reads it again.
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return fields.get(CSRF_FIELD, [""])[0]


def _may(principal: Principal, needed: Need | None) -> bool:
    """Whether a caller may; nobody may call what no line of the table allows."""
    if needed is None:
        return False
    return needed is Unrestricted.KNOWN or (isinstance(needed, Scope) and principal.may(needed))


def _forbidden(needed: Need | None) -> ProblemError:
    named = f', scope="{needed}"' if isinstance(needed, Scope) else ""
    told = f'{CHALLENGE}, error="insufficient_scope"{named}'
    return ProblemError(FORBIDDEN, headers={"WWW-Authenticate": told})
