"""Routes for export and erasure of a client's data, consents, and verification of the audit log."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.audit_log import ChainVerification, verify
from recommender.journal.consents import current_consent, record_consent
from recommender.journal.idempotency import StoredReply
from recommender.journal.near_ids import near_clients
from recommender.journal.privacy_requests import erase_subject, export_subject
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Context
from recommender.serving.http.problems import NO_STORE, NO_SUCH_RECORD, NOT_FOUND
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import reply_response, require_store, write_once
from recommender.serving.openapi import ApiRoute, JournalRoute, problem_responses, request_body
from recommender.serving.schemas.reference_warnings import ReferenceWarning, similar_client
from recommender.serving.schemas.request_bodies import ConsentRequest
from recommender.serving.schemas.required_scope import visible_json
from recommender.serving.schemas.responses import ResponseModel
from recommender.store.database import Connection, database_time
from recommender.values.ids import ID_PATTERN

EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One list per table.",
        "content": {JSON: {"schema": {"type": "object"}}},
    }
}

router = APIRouter(tags=["privacy"], route_class=ApiRoute)
consents_router = APIRouter(tags=["privacy"], route_class=JournalRoute)


class ErasureReport(ResponseModel):
    """The result of an erasure."""

    erasure_id: str
    rows: Annotated[Mapping[str, int], Setting(description="Rows deleted, by table.")]
    model_digests: Annotated[
        tuple[str, ...],
        Setting(description="Models trained with this client's data; retrain and retire them."),
    ]


class Verification(ResponseModel):
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
    responses=EXPORT | problem_responses(NO_STORE, NO_SUCH_RECORD),
    response_class=Response,
)
async def get_export(request: Request, context: Context, pseudonym: str) -> Response:
    """All stored data of one client in clear text. The export is recorded in the audit log."""
    store, actor = require_store(request), caller(request).actor

    def work() -> bytes:
        with store.writing() as transaction:
            return export_subject(transaction, pseudonym, actor=actor)

    return Response(await context.queues.exclusive.run(work), media_type=JSON)


@router.delete(
    "/v1/subjects/{pseudonym}",
    operation_id="eraseSubject",
    summary="Erase the data of one client",
    response_model=ErasureReport,
    responses=problem_responses(NO_STORE, NO_SUCH_RECORD),
)
async def delete_subject(request: Request, context: Context, pseudonym: str) -> Response:
    """Delete the stored data of a client and destroy the client's encryption key.

    The client is excluded from further training. The response names the models that were trained
    with the client's data; they stay active until another model replaces them.
    """
    store, actor = require_store(request), caller(request).actor
    erasure = await context.queues.exclusive.run(erase_subject, store, pseudonym, actor=actor)
    return Response(ErasureReport.model_validate(erasure).model_dump_json(), media_type=JSON)


@router.get(
    "/v1/audit-events/verification",
    operation_id="verifyAudit",
    summary="Verify the audit log",
    response_model=Verification,
    responses=problem_responses(NO_STORE),
)
async def get_verification(request: Request, context: Context) -> Response:
    """Verify the hash chain from its first stored row, and report the first invalid row."""
    store, anchors = require_store(request), context.settings.anchors

    def work() -> ChainVerification:
        with store.reading() as transaction:
            return verify(transaction, anchors)

    verification = await context.queues.exclusive.run(work)
    report = Verification.of(verification, anchored=anchors is not None)
    return Response(report.model_dump_json(), media_type=JSON)


ADDRESS = "/v1/subjects/{pseudonym}/consents"


class CurrentConsents(ResponseModel):
    """The current consents of a client."""

    consents: Annotated[
        Mapping[str, bool],
        Setting(description="The latest statement by scope; scopes never asked about are absent."),
    ]
    reference_warnings: Annotated[
        tuple[ReferenceWarning, ...],
        Setting(description="If the client was not recorded before, but a nearly equal id is."),
    ] = ()


@consents_router.post(
    ADDRESS,
    operation_id="recordConsent",
    summary="Record consents given or withdrawn",
    response_model=CurrentConsents,
    responses=problem_responses(NOT_FOUND),
    openapi_extra=request_body("ConsentRequest"),
)
async def post_consent(
    request: Request, pseudonym: Annotated[str, Path(pattern=ID_PATTERN)], body: Body
) -> Response:
    """Record consents; the latest statement applies, also to the next training.

    Models trained before a withdrawal stay active; erasure is a separate request, see DELETE.
    """
    consent, actor = body.read(ConsentRequest).consent(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        now = database_time(connection)
        near = near_clients(connection, [pseudonym]).get(pseudonym, ())
        subject = record_consent(connection, pseudonym, consent, stated_at=now, actor=actor)
        response = CurrentConsents(
            consents=current_consent(connection, subject),
            reference_warnings=(similar_client("", near),) if near else (),
        )
        return StoredReply(200, visible_json(response, caller(request).scopes), subject)

    return reply_response(await write_once(request, body, write))
