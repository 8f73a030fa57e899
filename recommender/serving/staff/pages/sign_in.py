"""Signing in and out, and the style sheet. Imported by `staff.router`."""

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
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import FormData, read_form
from recommender.serving.staff.page import ENTRANCE, HOME, moved, page
from recommender.serving.staff.static_files import StaticFile

REFUSED = 401
STYLE = StaticFile.read("style.css", "text/css")
ICON = StaticFile.read("icon.svg", "image/svg+xml")

router = APIRouter(include_in_schema=False)


@router.get(f"{HOME}/style.css")
async def get_style(request: Request) -> Response:
    """How every page looks."""
    return STYLE.sent(request)


@router.get(f"{HOME}/icon.svg")
async def get_icon(request: Request) -> Response:
    """What a browser's tab shows."""
    return ICON.sent(request)


@router.get(ENTRANCE)
async def get_entrance(request: Request) -> Response:
    """Where somebody signs in; a server without accounts has nothing to ask."""
    if auth_backend(request).credentials is None:
        return moved(HOME)
    return page(request, "entrance.html", wording.SIGN_IN, refused=False)


@router.post(ENTRANCE)
async def post_entrance(request: Request) -> Response:
    """Opens a session; nothing says whether the name or the password was wrong."""
    auth = auth_backend(request)
    if auth.credentials is None:
        return moved(HOME)
    check_same_site(request.headers)
    enforce_rate_limit(request, auth.logins, request.client.host if request.client else "")
    given = _credentials(await read_form(request))
    session = await auth.log_in(given.name, given.password.get_secret_value()) if given else None
    if session is None:
        return page(request, "entrance.html", wording.SIGN_IN, status=REFUSED, refused=True)
    response = moved(HOME)
    response.headers["set-cookie"] = auth.cookie.setting(session.token)
    return response


@router.post(f"{ENTRANCE}/end")
async def post_end(request: Request) -> Response:
    """Ends the session at once."""
    auth = auth_backend(request)
    await auth.log_out(session_of(request))
    response = moved(ENTRANCE)
    response.headers["set-cookie"] = auth.cookie.clearing()
    return response


def _credentials(sent: FormData) -> Credentials | None:
    try:
        return Credentials.model_validate(
            {"name": sent.text("name"), "password": sent.fields.get("password", [""])[0]}
        )
    except ValidationError:
        return None
