"""Keys of programs and web pages: a key is shown once, when it is made."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from recommender.errors import RecommenderError
from recommender.security.keys import (
    LIFETIME,
    KeyFacts,
    KeyRequest,
    NewKey,
    create_key,
    list_keys,
    revoke_key,
)
from recommender.security.scopes import Role, role_named
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import read, write
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import PRACTICE, page, redirect
from recommender.serving.staff.pages.owner.changes import faults_of, pepper_of, status_of
from recommender.store.database import Connection
from recommender.values.ids import ID_PATTERN

KEYS = f"{PRACTICE}/keys"
ROLE_NAMES: Mapping[Role, str] = {
    Role.TOOL: "Matching tool: asks, and sees what clients may see",
    Role.BROWSER: "Public web page: the key is not a secret, and works on named pages only",
    Role.STAFF: "Intake: also sees reasons, decides and rates",
    Role.SCIENTIST: "Data: models and training tables",
    Role.ADMIN: "Owner: roster, keys and privacy",
}

router = APIRouter(include_in_schema=False)


@router.get(KEYS)
async def get_keys_page(request: Request) -> Response:
    """Every key without its secret."""
    return await _page(request)


@router.post(KEYS)
async def post_key(request: Request) -> Response:
    """Makes a key and shows it, which is stored as a hash only."""
    sent = await read_form(request)

    def create(connection: Connection) -> NewKey:
        wanted = KeyRequest(
            sent.text("name"),
            role_named(sent.text("role")),
            lifetime=_lifetime(sent.text("days")),
            origins=tuple(sent.text("origins").split()),
            sandbox=bool(sent.text("sandbox")),
        )
        return create_key(
            connection,
            wanted,
            pepper_of(request),
            now=datetime.now(UTC),
            actor=caller(request).actor,
        )

    try:
        issued = await write(request, create)
    except RecommenderError as error:
        return await _page(request, sent, faults_of(error), status_of(error))
    return await _page(request, issued=issued)


@router.post(f"{KEYS}/{{key_id}}/revocation")
async def post_revocation(
    request: Request, key_id: Annotated[str, Path(pattern=ID_PATTERN)]
) -> Response:
    """Ends a key at once."""

    def revoke(connection: Connection) -> KeyFacts:
        return revoke_key(connection, key_id, now=datetime.now(UTC), actor=caller(request).actor)

    await write(request, revoke)
    return redirect(KEYS)


async def _page(
    request: Request,
    sent: FormData | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    issued: NewKey | None = None,
) -> Response:
    keys, now = await read(request, list_keys), datetime.now(UTC)
    return page(
        request,
        "owner_keys.html",
        "Keys",
        status=status,
        zone=ZoneInfo(current_snapshot(request.app).practice.timezone),
        live=[each for each in keys if each.live(now)],
        ended=[each for each in keys if not each.live(now)],
        roles=ROLE_NAMES,
        days=LIFETIME.days,
        sent=sent or FormData({}),
        faults=faults or {},
        issued=issued,
    )


def _lifetime(text: str) -> timedelta:
    if not text.isdecimal() or len(text) > 4:
        raise RecommenderError("lifetime", "is not a number of days", "give 1 to 730")
    return timedelta(days=int(text))
