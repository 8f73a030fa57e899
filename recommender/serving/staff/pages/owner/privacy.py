"""Privacy requests of one client: access to all that is stored, and erasure.

A client's code is in bodies of forms only, never in an address.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import RecommenderError
from recommender.journal.privacy_requests import (
    erase_subject,
    export_subject,
    known_subject,
    stored_of_subject,
)
from recommender.security.accounts import account_names
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.http.strict_json import JSON
from recommender.serving.idempotency import read, require_store
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import PRACTICE, page
from recommender.serving.staff.pages.owner.changes import faults_of, status_of
from recommender.serving.staff.views.client_copy import ClientCopy, CopyWords, client_copy
from recommender.store.database import Connection

PRIVACY = f"{PRACTICE}/privacy"
DOWNLOAD: Mapping[str, str] = {
    "content-disposition": 'attachment; filename="client-data.json"',
    "cache-control": "no-store",
}

router = APIRouter(include_in_schema=False)


@router.get(PRIVACY)
async def get_privacy_page(request: Request) -> Response:
    """The forms for access and erasure."""
    return _page(request)


@router.post(f"{PRIVACY}/export")
async def post_export(request: Request) -> Response:
    """All that is stored of a client, as a file; the audit log records it."""
    code, store = (await read_form(request)).text("code"), require_store(request)

    def work() -> bytes:
        with store.writing() as connection:
            return export_subject(connection, code, actor=caller(request).actor)

    try:
        content = await app_state(request.app).queues.exclusive.run(work)
    except RecommenderError as error:
        return _refused(request, "export", code, error)
    return Response(content, media_type=JSON, headers=dict(DOWNLOAD))


@router.post(f"{PRIVACY}/copy")
async def post_copy(request: Request) -> Response:
    """The same as a page to read and print; the audit log records it."""
    code, store = (await read_form(request)).text("code"), require_store(request)
    state = current_snapshot(request.app)

    def work() -> ClientCopy:
        with store.writing() as connection:
            stored = stored_of_subject(connection, code, actor=caller(request).actor)
            accounts = account_names(connection)
        words = CopyWords(state.practice, state.encoding.roster.called, accounts)
        return client_copy(stored, words)

    try:
        copy = await app_state(request.app).queues.exclusive.run(work)
    except RecommenderError as error:
        return _refused(request, "export", code, error)
    zone = state.practice.timezone
    response = page(
        request,
        "client_copy.html",
        "All that is stored of a client",
        copy=copy,
        zone=ZoneInfo(zone),
        zone_line=wording.zone_line(zone),
        printed=datetime.now(UTC),
    )
    response.headers["cache-control"] = "no-store"
    return response


@router.post(f"{PRIVACY}/erasure")
async def post_erasure(request: Request) -> Response:
    """Asks for the code again, and erases once both are the same."""
    sent = await read_form(request)
    code, again = sent.text("code"), sent.text("again")

    def is_known(connection: Connection) -> None:
        known_subject(connection, code)

    try:
        await read(request, is_known)
    except RecommenderError as error:
        return _refused(request, "erasure", code, error)
    if again != code:
        fault = "These two codes are not the same: nothing was erased." if again else ""
        return page(
            request,
            "owner_erasure.html",
            "Erase a client",
            status=422 if again else 200,
            code=code,
            fault=fault,
        )
    erased = await app_state(request.app).queues.exclusive.run(
        erase_subject, require_store(request), code, actor=caller(request).actor
    )
    return page(request, "owner_erased.html", "Erased", erased=erased)


def _refused(request: Request, form: str, code: str, error: RecommenderError) -> Response:
    return _page(request, form, code, " ".join(faults_of(error).values()), status_of(error))


def _page(
    request: Request, form: str = "", code: str = "", fault: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "owner_privacy.html",
        "Privacy requests",
        status=status,
        form=form,
        code=code,
        fault=fault,
    )
