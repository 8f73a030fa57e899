"""Signing in and out."""

from contextlib import suppress

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.serving.authorization import (
    auth_backend,
    check_same_site,
    enforce_rate_limit,
    session_of,
)
from recommender.serving.schemas.request_bodies import Credentials
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import HOME, SIGN_IN, page, redirect

REFUSED = 401

router = APIRouter(include_in_schema=False)


@router.get(SIGN_IN)
async def get_sign_in_page(request: Request) -> Response:
    """The form for name and password; a server without accounts leads to the first page."""
    if auth_backend(request).credentials is None:
        return redirect(HOME)
    return _sign_in_page(request, 200)


@router.post(SIGN_IN)
async def post_sign_in(request: Request) -> Response:
    """Opens a session; a refusal does not say whether the name or the password was wrong."""
    auth = auth_backend(request)
    if auth.credentials is None:
        return redirect(HOME)
    check_same_site(request.headers)
    enforce_rate_limit(request, auth.logins, request.client.host if request.client else "")
    sent, given = await read_form(request), None
    values = {"name": sent.text("name"), "password": sent.fields.get("password", [""])[0]}
    with suppress(ValidationError):
        given = Credentials.model_validate(values)
    session = await auth.log_in(given.name, given.password.get_secret_value()) if given else None
    if session is None:
        return _sign_in_page(request, REFUSED)
    response = redirect(HOME)
    response.headers["set-cookie"] = auth.cookie(request.scope["scheme"]).setting(session.token)
    return response


@router.post(f"{SIGN_IN}/end")
async def post_sign_out(request: Request) -> Response:
    """Ends the session at once."""
    auth = auth_backend(request)
    await auth.log_out(session_of(request))
    response = redirect(SIGN_IN)
    response.headers["set-cookie"] = auth.cookie(request.scope["scheme"]).clearing()
    return response


def _sign_in_page(request: Request, status: int) -> Response:
    auth = auth_backend(request)
    return page(
        request,
        "sign_in.html",
        "Sign in",
        status=status,
        refused=status == REFUSED,
        provider=auth.provider.name if auth.provider else None,
        passwords=auth.passwords,
    )
