"""The page of one's own account: password, linked identity, and sessions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import RecommenderError
from recommender.security.linked_identities import linked_staff
from recommender.security.sessions import Session, close_every_session, open_sessions
from recommender.serving.authorization import (
    auth_backend,
    check_same_site,
    count_sign_in,
    session_cookie,
    session_of,
)
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.request_context import request_info
from recommender.serving.idempotency import read, write
from recommender.serving.own_account import change_own_password, unlink_own
from recommender.serving.staff.account_words import ROLE_NAMES
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import MINE, SIGN_IN, page, redirect
from recommender.serving.staff.pages.owner.changes import faults_of, status_of
from recommender.serving.staff.pages.provider_sign_in import way_to_provider
from recommender.store.database import Connection

WRONG = "This is not the password you have now. Check it and try again."
DIFFERENT = "These two are not the same. Type the new password twice."
UNLINKED, CHANGED = "unlinked", "changed"

router = APIRouter(include_in_schema=False)


@router.get(MINE)
async def get_account_page(request: Request, done: str = "") -> Response:
    """The account of the session; `done` is the change that led here."""
    return await account_page(request, done=done)


@router.post(f"{MINE}/password")
async def post_own_password(request: Request) -> Response:
    """Changes one's own password if the old one is right; all other sessions end."""
    session, sent = session_of(request), await read_form(request)
    old, new, again = (sent.untrimmed(name) for name in ("old", "new", "again"))
    if new != again:
        return await account_page(request, {"again": DIFFERENT}, 422)
    count_sign_in(request)
    try:
        opened = await change_own_password(auth_backend(request), session, old, new)
    except RecommenderError as error:
        return await account_page(
            request, {"new": " ".join(faults_of(error).values())}, status_of(error)
        )
    if opened is None:
        return await account_page(request, {"old": WRONG}, 422)
    return _with_session(request, opened, CHANGED)


@router.post(f"{MINE}/sessions/end")
async def post_sign_out_everywhere(request: Request) -> Response:
    """Ends every session of the account, also this one."""
    session = session_of(request)

    def end(connection: Connection) -> None:
        close_every_session(connection, session)

    await write(request, end)
    response = redirect(SIGN_IN)
    response.headers["set-cookie"] = session_cookie(request).clearing()
    return response


@router.get(f"{MINE}/identity")
async def get_linking(request: Request) -> Response:
    """The way to the provider, to link who signs in there; only from a page of this server.

    It is no form, because the content policy keeps forms from leading to another server.
    """
    check_same_site(request.headers)
    return await way_to_provider(request, MINE, session_of(request).linking)


@router.post(f"{MINE}/identity/removal")
async def post_unlinking(request: Request) -> Response:
    """Unlinks one's identities, if one could sign in with the password afterwards."""
    session, sent = session_of(request), await read_form(request)
    count_sign_in(request)
    opened = await unlink_own(auth_backend(request), session, sent.untrimmed("password"))
    if opened is None:
        return await account_page(request, {"password": WRONG}, 422)
    return _with_session(request, opened, UNLINKED)


async def account_page(
    request: Request, faults: Mapping[str, str] | None = None, status: int = 200, done: str = ""
) -> Response:
    """The page of the session's account, with what is wrong by field."""
    session, auth = session_of(request), auth_backend(request)
    now, staff_id = datetime.now(UTC), session.account.staff_id

    def look(connection: Connection) -> dict[str, object]:
        return {
            "sessions": open_sessions(connection, session, now=now),
            "linked": staff_id in linked_staff(connection),
        }

    return page(
        request,
        "my_account.html",
        "Choose your own password" if session.restricted else "My account",
        status=status,
        **await read(request, look),
        mine=session.account,
        restricted=session.restricted,
        role_names=ROLE_NAMES,
        provider=auth.provider and auth.provider.name,
        passwords=auth.passwords,
        zone=ZoneInfo(current_snapshot(request.app).practice.timezone),
        now=now,
        faults=faults or {},
        done=done,
    )


def _with_session(request: Request, opened: Session, done: str) -> Response:
    request_info(request.scope).session = opened
    response = redirect(f"{MINE}?done={done}")
    response.headers["set-cookie"] = session_cookie(request).setting(opened.token)
    return response
