"""Authentication, rate limiting and authorization of requests, by their matched route."""

from collections.abc import Iterable, Mapping
from enum import Enum
from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from starlette.datastructures import Headers

from recommender.security.scopes import ANYBODY, Principal, Scope
from recommender.security.sessions import Cookie, Session
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.dependencies import app_state
from recommender.serving.http.caller_address import caller_network, from_this_machine
from recommender.serving.http.problems import (
    CROSS_SITE,
    FORBIDDEN,
    SECRET_IN_PAGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNDECLARED_ORIGIN,
    FieldError,
    ProblemError,
)
from recommender.serving.http.rate_limiter import RateLimiter
from recommender.serving.http.request_context import request_info
from recommender.serving.http.root_path import is_forwarded


class Unrestricted(Enum):
    """Requirements of operations that need no scope."""

    ANYBODY = "anybody"
    KNOWN = "known"
    """Any valid key or session."""
    OWN = "own"
    """The same, and a session whose person has to choose a password first."""


Need = Scope | Unrestricted

NEEDS: Mapping[str, Need] = {
    "GET /": Unrestricted.ANYBODY,
    "GET /livez": Unrestricted.ANYBODY,
    "GET /readyz": Unrestricted.ANYBODY,
    "GET /docs": Unrestricted.ANYBODY,
    "GET /openapi.json": Unrestricted.ANYBODY,
    "GET /problems/{slug}": Unrestricted.ANYBODY,
    "GET /metrics": Scope.METRICS_READ,
    "POST /v1/session": Unrestricted.ANYBODY,
    "GET /v1/session": Unrestricted.OWN,
    "DELETE /v1/session": Unrestricted.OWN,
    "GET /v1/questions": Scope.MATCH_CREATE,
    "POST /v1/recommendations": Scope.MATCH_CREATE,
    "GET /v1/recommendations": Scope.MATCH_READ,
    "GET /v1/recommendations/{recommendation_id}": Scope.MATCH_READ,
    "GET /v1/recommendations/{recommendation_id}/explanations": Scope.EXPLAIN_READ,
    "GET /v1/recommendations/{recommendation_id}/explanations/{clinician_id}": Scope.EXPLAIN_READ,
    "POST /v1/recommendations/{recommendation_id}/decisions": Scope.DECIDE_WRITE,
    "GET /v1/recommendations/{recommendation_id}/decisions": Scope.EXPLAIN_READ,
    "POST /v1/recommendations/{recommendation_id}/closings": Scope.DECIDE_WRITE,
    "GET /v1/recommendations/{recommendation_id}/closings": Scope.EXPLAIN_READ,
    "POST /v1/recommendations/{recommendation_id}/wishes": Scope.MATCH_CREATE,
    "GET /v1/recommendations/{recommendation_id}/wishes": Scope.EXPLAIN_READ,
    "POST /v1/predictions": Scope.SCORE_READ,
    "POST /v1/allocations": Scope.LIST_ALLOCATE,
    "POST /v1/pairings": Scope.RATING_WRITE,
    "GET /v1/pairings/{pairing_id}": Scope.RATING_WRITE,
    "POST /v1/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "GET /v1/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "POST /v1/ratings": Scope.RATING_WRITE,
    "GET /v1/ratings/{rating_id}": Scope.RATING_WRITE,
    "POST /v1/ratings/{rating_id}/corrections": Scope.RATING_WRITE,
    "GET /v1/models/current": Scope.MODEL_READ,
    "GET /v1/models": Scope.MODEL_READ,
    "GET /v1/roster": Scope.ROSTER_READ,
    "PUT /v1/roster": Scope.ROSTER_WRITE,
    "GET /v1/clinicians": Scope.ROSTER_READ,
    "GET /v1/clinicians/{clinician_id}": Scope.ROSTER_READ,
    "PUT /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "PATCH /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "DELETE /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "PUT /v1/clinicians/{clinician_id}/availability": Scope.AVAILABILITY_WRITE,
    "POST /v1/clinicians/{clinician_id}/places/take": Scope.AVAILABILITY_WRITE,
    "POST /v1/clinicians/{clinician_id}/places/give": Scope.AVAILABILITY_WRITE,
    "POST /v1/subjects/{pseudonym}/consents": Scope.CONSENT_WRITE,
    "GET /v1/subjects/{pseudonym}/export": Scope.PRIVACY_MANAGE,
    "DELETE /v1/subjects/{pseudonym}": Scope.PRIVACY_MANAGE,
    "GET /v1/audit-events/verification": Scope.AUDIT_READ,
    "GET /match": Unrestricted.ANYBODY,
    "POST /match": Unrestricted.ANYBODY,
    "GET /match/leave": Unrestricted.ANYBODY,
    "GET /appearance/accent.css": Unrestricted.ANYBODY,
    "GET /appearance/logo": Unrestricted.ANYBODY,
    "GET /staff/session": Unrestricted.ANYBODY,
    "POST /staff/session": Unrestricted.ANYBODY,
    "GET /staff/session/provider": Unrestricted.ANYBODY,
    "GET /staff/session/provider/return": Unrestricted.ANYBODY,
    "POST /staff/session/end": Unrestricted.OWN,
    "GET /staff/account": Unrestricted.OWN,
    "POST /staff/account/password": Unrestricted.OWN,
    "POST /staff/account/sessions/end": Unrestricted.OWN,
    "GET /staff/account/identity": Unrestricted.KNOWN,
    "POST /staff/account/identity/removal": Unrestricted.KNOWN,
    "GET /staff": Unrestricted.KNOWN,
    "GET /staff/model": Scope.MODEL_READ,
    "GET /staff/model/card": Scope.MODEL_READ,
    "GET /staff/model/history": Scope.MODEL_READ,
    "GET /staff/clinicians": Scope.ROSTER_READ,
    "GET /staff/clinicians/records": Scope.RECORD_READ,
    "GET /staff/clinicians/{clinician_id}": Scope.ROSTER_READ,
    "GET /staff/clinicians/{clinician_id}/availability": Scope.AVAILABILITY_WRITE,
    "POST /staff/clinicians/{clinician_id}/availability": Scope.AVAILABILITY_WRITE,
    "GET /staff/practice/roster": Scope.ROSTER_WRITE,
    "POST /staff/practice/roster": Scope.ROSTER_WRITE,
    "POST /staff/practice/roster/application": Scope.ROSTER_WRITE,
    "GET /staff/practice/clinicians/new": Scope.ROSTER_WRITE,
    "POST /staff/practice/clinicians/new": Scope.ROSTER_WRITE,
    "GET /staff/practice/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "POST /staff/practice/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "POST /staff/practice/clinicians/{clinician_id}/removal": Scope.ROSTER_WRITE,
    "GET /staff/practice": Scope.ACCESS_MANAGE,
    "GET /staff/practice/accounts": Scope.ACCESS_MANAGE,
    "POST /staff/practice/accounts": Scope.ACCESS_MANAGE,
    "POST /staff/practice/accounts/{staff_id}/roles": Scope.ACCESS_MANAGE,
    "POST /staff/practice/accounts/{staff_id}/password": Scope.ACCESS_MANAGE,
    "POST /staff/practice/accounts/{staff_id}/removal": Scope.ACCESS_MANAGE,
    "GET /staff/practice/keys": Scope.ACCESS_MANAGE,
    "POST /staff/practice/keys": Scope.ACCESS_MANAGE,
    "POST /staff/practice/keys/{key_id}/revocation": Scope.ACCESS_MANAGE,
    "GET /staff/practice/privacy": Scope.PRIVACY_MANAGE,
    "POST /staff/practice/privacy/export": Scope.PRIVACY_MANAGE,
    "POST /staff/practice/privacy/copy": Scope.PRIVACY_MANAGE,
    "POST /staff/practice/privacy/erasure": Scope.PRIVACY_MANAGE,
    "GET /staff/practice/audit": Scope.AUDIT_READ,
    "POST /staff/practice/audit": Scope.AUDIT_READ,
    "GET /staff/practice/backups": Scope.ACCESS_MANAGE,
    "GET /staff/practice/trial": Scope.ACCESS_MANAGE,
    "POST /staff/search": Scope.EXPLAIN_READ,
    "GET /staff/requests/new": Scope.MATCH_CREATE,
    "POST /staff/requests": Scope.MATCH_CREATE,
    "POST /staff/requests/count": Scope.MATCH_CREATE,
    "POST /staff/drafts": Scope.MATCH_CREATE,
    "POST /staff/drafts/discard": Scope.MATCH_CREATE,
    "GET /staff/requests/{recommendation_id}": Scope.EXPLAIN_READ,
    "GET /staff/requests/{recommendation_id}/again": Scope.MATCH_CREATE,
    "POST /staff/requests/{recommendation_id}/changes": Scope.MATCH_CREATE,
    "POST /staff/requests/{recommendation_id}/decisions": Scope.DECIDE_WRITE,
    "POST /staff/requests/{recommendation_id}/closings": Scope.DECIDE_WRITE,
    "POST /staff/requests/{recommendation_id}/pairings": Scope.RATING_WRITE,
    "GET /staff/pairings/{pairing_id}": Scope.RATING_WRITE,
    "POST /staff/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "POST /staff/pairings/{pairing_id}/ratings": Scope.RATING_WRITE,
    "POST /staff/ratings/{rating_id}/corrections": Scope.RATING_WRITE,
}
"""By method and declared path of the route."""
PAGES = "/staff"


def is_page(path: str) -> bool:
    """Whether a declared path is that of a staff page; pages require a session, not a key."""
    return path == PAGES or path.startswith(f"{PAGES}/")


def accepts_html(headers: Headers) -> bool:
    """Whether a request comes from a browser that shows pages, not from a program."""
    return "text/html" in headers.get("accept", "")


OWN_MACHINE_ONLY = (
    "this server has no store and answers callers on its own machine only; the operator can set "
    "RECOMMENDER_STORE and RECOMMENDER_PEPPER"
)
CHALLENGE = 'Bearer realm="recommender"'
SANDBOX: Mapping[str, str] = {"Recommender-Sandbox": "true"}
"""Header of every response to a sandbox key."""
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
    if principal.sandbox:
        request_info(request.scope).response_headers |= SANDBOX
    if auth_backend(request).credentials is not None:
        _count_call(request, principal)
        if request_info(request.scope).session is None:
            # Forms of staff pages have Origin null, and a check of their own.
            check_origin(request.headers, principal)
    session = request_info(request.scope).session
    if session is not None and session.restricted and needed is not Unrestricted.OWN:
        message = "the password of this account is to be changed first, on its own page"
        error = FieldError(pointer="", code="password_to_change", message=message)
        raise ProblemError(FORBIDDEN, [error])
    if not may_call(principal, needed):
        raise lacks_scope(needed)


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


def network_of(request: Request) -> str:
    """The network address that a call is counted by."""
    return caller_network(request.client.host if request.client else None)


def count_sign_in(request: Request) -> None:
    """Counts an attempt to sign in, or to repeat a password; refuses it (429) above the limit."""
    enforce_rate_limit(request, auth_backend(request).logins, network_of(request))


def session_cookie(request: Request) -> Cookie:
    """The cookie of a session, as the address of the request needs it."""
    return auth_backend(request).cookie(request.scope["scheme"])


def enforce_rate_limit(request: Request, limiter: RateLimiter, client: str) -> None:
    """Counts a call of a client; refuses it (429) above the limit."""
    state = limiter.spend(client)
    if not state.allowed:
        raise ProblemError(TOO_MANY, headers=state.headers)
    request_info(request.scope).response_headers |= state.headers


def _count_call(request: Request, principal: Principal) -> None:
    """Counts a call of a key or account; with a publishable key also one of the network address.

    The address comes first, so that one visitor cannot spend the calls of all others.
    """
    auth, info = auth_backend(request), request_info(request.scope)
    if principal.origins is None:
        enforce_rate_limit(request, auth.calls, principal.credential)
        return
    enforce_rate_limit(request, auth.browser_addresses, network_of(request))
    of_address = dict(info.response_headers)
    enforce_rate_limit(request, auth.browser_calls, principal.credential)
    info.response_headers |= of_address


def check_origin(headers: Headers, principal: Principal) -> None:
    """Refuses (403) a publishable key outside its pages, and a secret key in a page.

    Only browsers send Origin truthfully: this protects people who use a page, and the operator from
    a secret key that was published. It does not keep programs from sending a publishable key.
    """
    origin = headers.get("origin")
    if principal.origins is not None:
        if origin not in principal.origins:
            raise ProblemError(UNDECLARED_ORIGIN)
    elif origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise ProblemError(SECRET_IN_PAGE)


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
        check_this_machine(request)
        return ANYBODY
    headers = request.headers.getlist("authorization")
    if headers and not is_page(request.scope["route"].path):
        return await _principal_of_key(auth, headers)
    return (await _session_of_cookie(request)).principal


def check_this_machine(request: Request) -> None:
    """Refuses (403) callers of other machines, on a server without a store.

    A proxy on this machine that is not declared hides who calls: what it forwards is refused.
    """
    hidden = is_forwarded(request.scope) and not app_state(request.app).settings.forwarded_allow_ips
    if hidden or not from_this_machine(request.client.host if request.client else None):
        error = FieldError(pointer="", code="own_machine_only", message=OWN_MACHINE_ONLY)
        raise ProblemError(FORBIDDEN, [error])


async def _principal_of_key(auth: AuthBackend, headers: list[str]) -> Principal:
    scheme, _, key = headers[0].partition(" ")
    if len(headers) != 1 or scheme.lower() != "bearer":
        raise unauthenticated()
    principal = await auth.principal_of_key(key.strip(" "))
    if principal is None:
        raise unauthenticated()
    return principal


async def session_if_any(request: Request) -> Session | None:
    """The session of the request's cookie; None without a valid one."""
    auth = auth_backend(request)
    token = request.cookies.get(session_cookie(request).name)
    return await auth.session(token) if token else None


async def _session_of_cookie(request: Request) -> Session:
    session = await session_if_any(request)
    if session is None:
        raise unauthenticated()
    if request.method not in _SAFE:
        check_same_site(request.headers)
        if not session.repeats(await _csrf(request)):
            # A page of this server that is older than the session: its form can be sent again.
            request_info(request.scope).session = session
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
    if isinstance(needed, Unrestricted):
        return needed is not Unrestricted.ANYBODY
    return principal.may(needed)


def lacks_scope(needed: Need | None, errors: Iterable[FieldError] = ()) -> ProblemError:
    """The problem of a caller who lacks a scope."""
    scope = f', scope="{needed}"' if isinstance(needed, Scope) else ""
    challenge = f'{CHALLENGE}, error="insufficient_scope"{scope}'
    return ProblemError(FORBIDDEN, errors, {"WWW-Authenticate": challenge})
