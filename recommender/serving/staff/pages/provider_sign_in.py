"""Signing in with an OpenID provider: the way to it, and the return."""

import hmac
from collections.abc import Mapping

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import ConflictError
from recommender.security.sessions import Cookie
from recommender.serving.auth_backend import UnlinkedIdentity
from recommender.serving.authorization import (
    auth_backend,
    count_sign_in,
    enforce_rate_limit,
    network_of,
    session_cookie,
    session_if_any,
)
from recommender.serving.http.problems import FORBIDDEN, NOT_FOUND, ProblemError
from recommender.serving.http.request_context import request_info
from recommender.serving.oidc.attempt import (
    ATTEMPT_SECONDS,
    SignInAttempt,
    SignInError,
    SignInFault,
)
from recommender.serving.own_account import link_own
from recommender.serving.staff import wording
from recommender.serving.staff.page import HOME, MINE, SIGN_IN, page, redirect
from recommender.serving.staff.pending_form import is_page_address

PROVIDER = f"{SIGN_IN}/provider"
RETURN = f"{PROVIDER}/return"
REFUSED, UNREACHABLE = 401, 503
TITLE = "You are not signed in"
SENTENCES: Mapping[SignInFault, str] = {
    SignInFault.DECLINED: "Signing in with {name} was cancelled or not allowed. Start again, or "
    "ask the person who looks after accounts.",
    SignInFault.STALE: "This sign-in took too long, was used already, or was started in another "
    "window. Start again.",
    SignInFault.CLOCKS: "The clocks of this server and of {name} differ. Ask the person who looks "
    "after this server to check its clock.",
    SignInFault.UNREACHABLE: "{name} cannot be reached at the moment. Try again in a few minutes.",
    SignInFault.MISCONFIGURED: "{name} did not accept this server. Ask the person who looks "
    "after this server to check how it is registered there.",
    SignInFault.UNKNOWN_KEY: "The answer of {name} could not be checked. Start again; if it "
    "happens again, ask the person who looks after this server.",
    SignInFault.UNTRUSTED: "The answer of {name} could not be checked. Start again; if it "
    "happens again, ask the person who looks after this server.",
}
"""What a page says; `{name}` is what staff call the provider."""

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()


@router.get(PROVIDER)
async def get_provider(request: Request, then: str = "") -> Response:
    """Sends the browser to the provider, with a cookie of ten minutes for its return.

    `then` is the page that was asked for.
    """
    return await way_to_provider(request, then if is_page_address(then) else "")


async def way_to_provider(request: Request, then: str, linking: str = "") -> Response:
    """Sends the browser to the provider; see `SignInAttempt.begun` for the parameters."""
    auth = auth_backend(request)
    if auth.provider is None:
        raise ProblemError(NOT_FOUND)
    enforce_rate_limit(request, auth.provider_starts, network_of(request))
    attempt = SignInAttempt.begun(auth.clock().timestamp(), then, linking)
    try:
        address = await auth.provider_address(attempt, _return_to(request))
    except SignInError as error:
        return _refusal(request, error.fault)
    response = redirect(address)
    setting = _attempt_cookie(request).setting(attempt.cookie, seconds=ATTEMPT_SECONDS)
    response.headers["set-cookie"] = setting
    return response


@router.get(RETURN)
async def get_return(request: Request) -> Response:
    """Opens a session for the linked account, or links who signed in; else says why not.

    The cookie is used once.
    """
    auth = auth_backend(request)
    if auth.provider is None:
        raise ProblemError(NOT_FOUND)
    count_sign_in(request)
    cookie = _attempt_cookie(request)
    try:
        attempt, code = _returned(request, auth.clock().timestamp())
        finish = _linked if attempt.linking else _signed_in
        response = await finish(request, attempt, code)
    except SignInError as error:
        response = _refusal(request, error.fault)
    response.headers.append("set-cookie", cookie.clearing())
    return response


async def _signed_in(request: Request, attempt: SignInAttempt, code: str) -> Response:
    """Opens a session of the account that the identity is linked to."""
    auth = auth_backend(request)
    found = await auth.log_in_linked(attempt, code, _return_to(request))
    if isinstance(found, UnlinkedIdentity):
        title, status = "Your account is not linked here", FORBIDDEN.status
        log.warning("sign_in_refused", outcome="not_linked", route=RETURN)
        return page(request, "not_linked.html", title, status=status, code=found.code)
    response = redirect(attempt.then if is_page_address(attempt.then) else HOME)
    response.headers.append("set-cookie", session_cookie(request).setting(found.token))
    return response


async def _linked(request: Request, attempt: SignInAttempt, code: str) -> Response:
    """Links the identity to the account of the session that began the attempt."""
    auth = auth_backend(request)
    session = await session_if_any(request)
    if session is None or not hmac.compare_digest(session.linking, attempt.linking):
        raise SignInError(SignInFault.STALE)
    try:
        await link_own(auth, session, attempt, code, _return_to(request))
    except ConflictError:
        request_info(request.scope).session = session
        return page(request, "identity_taken.html", "Not linked", status=409)
    return redirect(f"{MINE}?done=linked")


def _returned(request: Request, now: float) -> tuple[SignInAttempt, str]:
    """The attempt that a return belongs to, and its code; raises `SignInError`."""
    attempt = SignInAttempt(request.cookies.get(_attempt_cookie(request).name, ""))
    given = request.query_params
    if not attempt.fits(given.get("state", ""), now):
        raise SignInError(SignInFault.STALE)
    if "error" in given:
        declined = given["error"] in ("access_denied", "consent_required", "login_required")
        raise SignInError(SignInFault.DECLINED if declined else SignInFault.MISCONFIGURED)
    if not given.get("code"):
        raise SignInError(SignInFault.UNTRUSTED)
    return attempt, given["code"]


def _refusal(request: Request, fault: SignInFault) -> Response:
    log.warning("sign_in_refused", outcome=fault.value, route=PROVIDER)
    provider = auth_backend(request).provider
    name = provider.name if provider else ""
    return page(
        request,
        "provider_refusal.html",
        TITLE,
        status=UNREACHABLE if fault is SignInFault.UNREACHABLE else REFUSED,
        sentence=wording.sentence(SENTENCES[fault].format(name=name)),
        request_id=request_info(request.scope).request_id,
    )


def _attempt_cookie(request: Request) -> Cookie:
    secure = session_cookie(request).secure
    name = f"{'__Secure-' if secure else ''}recommender-attempt"
    return Cookie(name, secure, path=request_info(request.scope).root_path + PROVIDER)


def _return_to(request: Request) -> str:
    """The address that the provider sends the browser back to; registered there."""
    root = request_info(request.scope).root_path
    return f"{request.url.scheme}://{request.url.netloc}{root}{RETURN}"
