"""The addresses of a person's rights: what is kept of them, that it be forgotten, that it holds.

Who may call them is decided in one place for all routes. Imported by `serving.app`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.audit_log import ChainVerification, verify
from recommender.journal.consents import current_consent, record_consent
from recommender.journal.erasure import Erasure, erase_subject
from recommender.journal.idempotency import StoredReply
from recommender.journal.subject_export import export_subject
from recommender.serving.auth.middleware import caller
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    NO_STORE,
    NOT_FOUND,
    NOT_KEPT,
    STORE_AWAY,
    UNEXPECTED,
    ProblemError,
)
from recommender.serving.http.strict_json import read_body
from recommender.serving.openapi import KEEPING, json_body, problem_responses
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.request_bodies import ConsentRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import reply_response, write_once
from recommender.store.database import Connection, Store, database_time

JSON = "application/json"
REFUSED = (BAD_REQUEST, NO_STORE, UNEXPECTED, BUSY, STORE_AWAY)
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One list a table.",
        "content": {JSON: {"schema": {"type": "object"}}},
    }
}
AT_A_TIME = 1
"""Exports, erasures and walks of the chain: each may read much, and recommendations come first."""
SELDOM_SECONDS = 60.0
"""How long one of them may have to wait for others."""

Found = TypeVar("Found")
router = APIRouter(tags=["privacy"])


class PrivacyResponse(BaseModel):
    """A part of a response."""

    model_config = ConfigDict(frozen=True)


class ErasureReport(PrivacyResponse):
    """What an erasure did."""

    erasure_id: str
    rows: Annotated[Mapping[str, int], Setting(description="Rows deleted, by table.")]
    model_digests: Annotated[
        tuple[str, ...],
        Setting(description="Models that learned from this client; train anew, and retire these."),
    ]

    @classmethod
    def of(cls, erased: Erasure) -> "ErasureReport":
        """An erasure as it is told."""
        return cls(
            erasure_id=erased.erasure_id, rows=erased.rows, model_digests=erased.model_digests
        )


class Verification(PrivacyResponse):
    """What a walk along the audit chain found."""

    holds: bool
    rows: int
    newest: Annotated[int, Setting(description="Number of the newest row that holds.")]
    newest_hash: str
    anchored: Annotated[
        bool, Setting(description="Whether it was held against hashes kept outside the database.")
    ]
    first_bad: int | None
    problem: str | None

    @classmethod
    def of(cls, verdict: ChainVerification, *, anchored: bool) -> "Verification":
        """A verdict as it is told."""
        return cls(
            holds=verdict.holds,
            rows=verdict.rows,
            newest=verdict.head.seq,
            newest_hash=verdict.head.row_hash,
            anchored=anchored,
            first_bad=verdict.first_bad,
            problem=verdict.problem,
        )


@router.get(
    "/v1/subjects/{pseudonym}/export",
    operation_id="exportSubject",
    summary="All that is kept of one client",
    responses=EXPORT | problem_responses(*REFUSED, NOT_KEPT),
    response_class=Response,
)
async def get_export(request: Request, pseudonym: str) -> Response:
    """Everything of one client in clear text, answers and answers' responses with it.

    That it was exported, and by whom, is kept in the audit chain.
    """
    store, actor = _store(request), caller(request).actor

    def work() -> bytes:
        with store.writing() as transaction:
            return export_subject(transaction, pseudonym, actor=actor)

    return Response(await _alone(request, work), media_type=JSON)


@router.delete(
    "/v1/subjects/{pseudonym}",
    operation_id="eraseSubject",
    summary="Forget one client",
    response_model=ErasureReport,
    responses=problem_responses(*REFUSED, NOT_KEPT),
)
async def delete_subject(request: Request, pseudonym: str) -> Response:
    """Deletes what is kept of a client and destroys their key; the receipt says what went.

    The client is never learned from again. Models that did learn from them are named: they answer
    until a training without the client takes their place.
    """
    work = partial(erase_subject, _store(request), pseudonym, actor=caller(request).actor)
    told = ErasureReport.of(await _alone(request, work))
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    "/v1/audit-events/verification",
    operation_id="verifyAudit",
    summary="Whether the audit chain is whole",
    response_model=Verification,
    responses=problem_responses(*REFUSED),
)
async def get_verification(request: Request) -> Response:
    """Walks the chain from its first kept row, and names the first that does not hold."""
    store, anchors = _store(request), request.app.state.settings.anchors

    def work() -> ChainVerification:
        with store.reading() as transaction:
            return verify(transaction, anchors)

    told = Verification.of(await _alone(request, work), anchored=anchors is not None)
    return Response(told.model_dump_json(), media_type=JSON)


def _store(request: Request) -> Store:
    store: Store | None = request.app.state.store
    if store is None:
        raise ProblemError(NO_STORE)
    return store


async def _alone(request: Request, work: Callable[[], Found]) -> Found:
    seldom: ComputeQueue = request.app.state.seldom
    return await seldom.run(work)


ADDRESS = "/v1/subjects/{pseudonym}/consents"


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
