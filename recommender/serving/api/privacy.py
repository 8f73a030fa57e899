"""Routes for export and erasure of a client's data, consents, and verification of the audit log."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.audit_log import ChainVerification, verify
from recommender.journal.consents import current_consent, record_consent
from recommender.journal.idempotency import StoredReply
from recommender.journal.privacy_requests import Erasure, erase_subject, export_subject
from recommender.serving.auth.middleware import caller
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    NO_STORE,
    NO_SUCH_RECORD,
    NOT_FOUND,
    STORE_UNAVAILABLE,
    UNEXPECTED,
    ProblemError,
)
from recommender.serving.http.strict_json import read_body
from recommender.serving.openapi import WRITE_PROBLEMS, json_body, problem_responses
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.request_bodies import ConsentRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import reply_response, write_once
from recommender.store.database import Connection, Store, database_time

JSON = "application/json"
REFUSED = (BAD_REQUEST, NO_STORE, UNEXPECTED, BUSY, STORE_UNAVAILABLE)
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One list per table.",
        "content": {JSON: {"schema": {"type": "object"}}},
    }
}
AT_A_TIME = 1
"""Exports, erasures and verifications run one at a time: each may read much data."""
SELDOM_SECONDS = 60.0
"""Maximum expected wait of such a request."""

Found = TypeVar("Found")
router = APIRouter(tags=["privacy"])


class PrivacyResponse(BaseModel):
    """A part of a response."""

    model_config = ConfigDict(frozen=True)


class ErasureReport(PrivacyResponse):
    """The result of an erasure."""

    erasure_id: str
    rows: Annotated[Mapping[str, int], Setting(description="Rows deleted, by table.")]
    model_digests: Annotated[
        tuple[str, ...],
        Setting(description="Models trained with this client's data; retrain and retire them."),
    ]

    @classmethod
    def of(cls, erased: Erasure) -> "ErasureReport":
        """The response to an erasure."""
        return cls(
            erasure_id=erased.erasure_id, rows=erased.rows, model_digests=erased.model_digests
        )


class Verification(PrivacyResponse):
    """The result of verifying the audit log."""

    valid: bool
    rows: int
    last_valid: Annotated[int, Setting(description="Number of the last valid row.")]
    last_valid_hash: str
    anchored: Annotated[
        bool, Setting(description="Whether hashes stored outside the database were checked too.")
    ]
    first_invalid: int | None
    problem: str | None

    @classmethod
    def of(cls, verdict: ChainVerification, *, anchored: bool) -> "Verification":
        """The response to a verification."""
        return cls(
            valid=verdict.holds,
            rows=verdict.rows,
            last_valid=verdict.head.seq,
            last_valid_hash=verdict.head.row_hash,
            anchored=anchored,
            first_invalid=verdict.first_bad,
            problem=verdict.problem,
        )


@router.get(
    "/v1/subjects/{pseudonym}/export",
    operation_id="exportSubject",
    summary="Export the data of one client",
    responses=EXPORT | problem_responses(*REFUSED, NO_SUCH_RECORD),
    response_class=Response,
)
async def get_export(request: Request, pseudonym: str) -> Response:
    """All stored data of one client in clear text. The export is recorded in the audit log."""
    store, actor = _store(request), caller(request).actor

    def work() -> bytes:
        with store.writing() as transaction:
            return export_subject(transaction, pseudonym, actor=actor)

    return Response(await _alone(request, work), media_type=JSON)


@router.delete(
    "/v1/subjects/{pseudonym}",
    operation_id="eraseSubject",
    summary="Erase the data of one client",
    response_model=ErasureReport,
    responses=problem_responses(*REFUSED, NO_SUCH_RECORD),
)
async def delete_subject(request: Request, pseudonym: str) -> Response:
    """Delete the stored data of a client and destroy the client's encryption key.

    The client is excluded from further training. The response names the models that were trained
    with the client's data; they stay active until another model replaces them.
    """
    work = partial(erase_subject, _store(request), pseudonym, actor=caller(request).actor)
    told = ErasureReport.of(await _alone(request, work))
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    "/v1/audit-events/verification",
    operation_id="verifyAudit",
    summary="Verify the audit log",
    response_model=Verification,
    responses=problem_responses(*REFUSED),
)
async def get_verification(request: Request) -> Response:
    """Verify the hash chain from its first stored row, and report the first invalid row."""
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
    """The current consents of a client."""

    consents: Annotated[
        Mapping[str, bool],
        Setting(description="The latest statement by scope; scopes never asked about are absent."),
    ]


@router.post(
    ADDRESS,
    operation_id="recordConsent",
    summary="Record consents given or withdrawn",
    response_model=CurrentConsents,
    responses=problem_responses(*WRITE_PROBLEMS, NOT_FOUND),
    openapi_extra=json_body("ConsentRequest"),
)
async def post_consent(
    request: Request, pseudonym: Annotated[str, Path(pattern=ID_PATTERN)]
) -> Response:
    """Record consents; the latest statement applies, also to the next training.

    Models trained before a withdrawal stay active; erasure is a separate request, see DELETE.
    """
    asked, body = await read_body(request, ConsentRequest)
    consent, actor = asked.consent(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        now = database_time(connection)
        subject = record_consent(connection, pseudonym, consent, stated_at=now, actor=actor)
        told = CurrentConsents(consents=current_consent(connection, subject))
        return StoredReply(200, told.model_dump_json().encode(), subject)

    return reply_response(await write_once(request, body, write), ADDRESS)
