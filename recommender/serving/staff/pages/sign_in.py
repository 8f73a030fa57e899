"""Signing in and out."""

from contextlib import suppress

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.errors import StaleError
from recommender.journal.drafts import DraftKey
from recommender.security.scopes import Scope
from recommender.security.sessions import Session
from recommender.serving.authorization import (
    auth_backend,
    check_same_site,
    count_sign_in,
    session_cookie,
    session_of,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.schemas.request_bodies import Credentials
from recommender.serving.staff.error_pages import sign_in_page
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.form_draft import DRAFTS, changed_request, save_form
from recommender.serving.staff.page import HOME, SIGN_IN, page, redirect
from recommender.serving.staff.pages.new_request import REQUESTS, form_address
from recommender.serving.staff.pending_form import (
    THEN,
    PendingForm,
    carried_form,
    is_page_address,
)

REFUSED = 401

router = APIRouter(include_in_schema=False)


@router.get(SIGN_IN)
async def get_sign_in_page(request: Request, then: str = "") -> Response:
    """The form for name and password; a server without accounts leads to the first page.

    `then` is the page that was asked for.
    """
    if auth_backend(request).credentials is None:
        return redirect(HOME)
    return sign_in_page(request, then=then if is_page_address(then) else "")


@router.post(SIGN_IN)
async def post_sign_in(request: Request) -> Response:
    """Opens a session and leads to the page that was asked for.

    A form that was sent without a session is saved as a draft or shown, to be sent again. A refusal
    does not say whether the name or the password was wrong.
    """
    auth = auth_backend(request)
    if auth.credentials is None:
        return redirect(HOME)
    check_same_site(request.headers)
    count_sign_in(request)
    sent, given = await read_form(request), None
    values = {"name": sent.text("name"), "password": sent.untrimmed("password")}
    with suppress(ValidationError):
        given = Credentials.model_validate(values)
    pending, asked = carried_form(sent), sent.text(THEN)
    then = asked if is_page_address(asked) else ""
    session = await auth.log_in(given.name, given.password.get_secret_value()) if given else None
    if session is None:
        return sign_in_page(request, status=REFUSED, refused=True, pending=pending, then=then)
    request_info(request.scope).session = session
    response = await _with_pending(request, session, pending) if pending else redirect(then or HOME)
    response.headers["set-cookie"] = session_cookie(request).setting(session.token)
    return response


async def _with_pending(request: Request, session: Session, pending: PendingForm) -> Response:
    """The form of a request with what was typed, saved as a draft; other forms to be sent again."""
    principal, sent = session.account.principal, pending.form
    if pending.address in (REQUESTS, DRAFTS) and principal.may(Scope.MATCH_CREATE):
        changes = changed_request(sent)
        with suppress(StaleError):
            await save_form(request, DraftKey(principal.actor, changes), sent)
            return redirect(form_address(changes))
    return page(request, "pending.html", "Not saved yet", pending=pending)


@router.post(f"{SIGN_IN}/end")
async def post_sign_out(request: Request) -> Response:
    """Ends the session at once."""
    await auth_backend(request).log_out(session_of(request))
    response = redirect(SIGN_IN)
    response.headers["set-cookie"] = session_cookie(request).clearing()
    return response
