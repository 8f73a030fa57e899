"""What a client agrees to after they were first asked, or takes back. Imported by `serving.app`."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.consents import current_consent, record_consent
from recommender.journal.idempotency import StoredReply
from recommender.serving.auth.middleware import caller
from recommender.serving.http.problems import NOT_FOUND
from recommender.serving.http.strict_json import read_body
from recommender.serving.openapi import KEEPING, json_body, problem_responses
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.request_bodies import ConsentRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import reply_response, write_once
from recommender.store.database import Connection, database_time

ADDRESS = "/v1/subjects/{pseudonym}/consents"

router = APIRouter(tags=["privacy"])


class CurrentConsents(ResponseModel):
    """What a client agrees to now."""

    consents: Annotated[
        Mapping[str, bool],
        Setting(description="Scope to what was said last; a scope never asked about is not there."),
    ]


@router.post(
    ADDRESS,
    operation_id="recordConsent",
    summary="Record what a client agrees to or takes back",
    response_model=CurrentConsents,
    responses=problem_responses(*KEEPING, NOT_FOUND),
    openapi_extra=json_body("ConsentRequest"),
)
async def post_consent(
    request: Request, pseudonym: Annotated[str, Path(pattern=ID_PATTERN)]
) -> Response:
    """What was said last holds: the next training leaves out whoever took it back.

    Models that learned before go on answering; to be forgotten is another request, see DELETE.
    """
    asked, body = await read_body(request, ConsentRequest)
    consent, actor = asked.consent(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        now = database_time(connection)
        subject = record_consent(connection, pseudonym, consent, stated_at=now, actor=actor)
        told = CurrentConsents(consents=current_consent(connection, subject))
        return StoredReply(200, told.model_dump_json().encode(), subject)

    return reply_response(await write_once(request, body, write), ADDRESS)
