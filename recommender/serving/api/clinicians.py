"""Routes of the roster; every change names the version it is based on (If-Match)."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.errors import (
    ConflictError,
    FeedbackError,
    IntakeError,
    NotFoundError,
    RecommenderError,
)
from recommender.journal.idempotency import StoredReply, ticket_for
from recommender.journal.roster_versions import (
    Cells,
    RosterVersion,
    give_place,
    patch_clinician,
    put_clinician,
    remove_clinician,
    replace_roster,
    take_place,
)
from recommender.practice.definition import Practice
from recommender.serving.auth.middleware import caller
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.etags import etag, seen, seen_or_new, unless_seen
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    CONFLICT,
    INVALID_ROSTER,
    KEY_REUSED,
    MALFORMED,
    NO_STORE,
    NO_SUCH_RECORD,
    NOT_READY,
    PRECONDITION_REQUIRED,
    REQUEST_TIMEOUT,
    STALE,
    STORE_UNAVAILABLE,
    TOO_LARGE,
    UNEXPECTED,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    field_errors,
    problem_from_validation,
)
from recommender.serving.http.strict_json import check_headers, check_json
from recommender.serving.openapi import problem_responses, request_body, response_body
from recommender.serving.schemas.clinician import ClinicianSchema
from recommender.serving.snapshot.roster_sync import RosterSync, Write
from recommender.serving.snapshot.snapshot import ServingSnapshot, roster_of
from recommender.store.database import Transaction

JSON = "application/json"
PAGE = 100
LOOKUP_SECONDS = 2.0
"""How long whoever asks for the roster may have to wait for others who do."""
READING = (BAD_REQUEST, NO_SUCH_RECORD, UNEXPECTED, NOT_READY, BUSY)
CHANGING = (*READING, NO_STORE, CONFLICT, STALE, PRECONDITION_REQUIRED, STORE_UNAVAILABLE)
SENDING = (*CHANGING, MALFORMED, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED, INVALID_ROSTER)

COUNTING = (*CHANGING, KEY_REUSED)
IDEMPOTENT: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "A request repeated with this key within 48 hours is executed once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
}

Count = Callable[..., RosterVersion]
Found = TypeVar("Found")
router = APIRouter(tags=["roster"])


@router.get(
    "/v1/clinicians",
    operation_id="listClinicians",
    summary="List clinicians page by page",
    responses=response_body("ClinicianPage") | problem_responses(*READING),
)
async def get_clinicians(
    request: Request,
    after: Annotated[str, Query(pattern="^[A-Za-z0-9._-]{0,64}$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
) -> Response:
    """The current roster, ordered by id."""
    state = await _in_turn(request, rosters_of(request).newest)
    kept = roster_of(state)
    ids = [each for each in kept.rows if each > after]
    more = f"/v1/clinicians?after={ids[limit - 1]}&limit={limit}" if len(ids) > limit else None
    told = [state.clinicians.to_response(each, kept.rows[each]) for each in ids[:limit]]
    return _response(request, kept, kept.etag, {"clinicians": told, "next": more})


@router.get(
    "/v1/roster",
    operation_id="getRoster",
    summary="Read the whole roster",
    responses=response_body("ClinicianPage") | problem_responses(*READING),
)
async def get_roster(request: Request) -> Response:
    """The roster in the form PUT takes, with the ETag PUT requires."""
    state = await _in_turn(request, rosters_of(request).newest)
    kept = roster_of(state)
    told = [state.clinicians.to_response(each, row) for each, row in kept.rows.items()]
    return _response(request, kept, kept.etag, {"clinicians": told, "next": None})


@router.put(
    "/v1/roster",
    operation_id="putRoster",
    summary="Replace the roster",
    responses=response_body("ClinicianPage") | problem_responses(*SENDING),
    openapi_extra=request_body("RosterUpdate"),
)
async def put_roster(request: Request) -> Response:
    """Replace the roster; clinicians not listed are removed.

    A roster without changes confirms the present one and so renews `availability_as_of`.
    """
    state, rows = await _read(request, ClinicianSchema.read_roster)
    known = seen(request.headers, roster_of(state).etag)
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return replace_roster(transaction, practice, rows, seen=known, actor=actor)

    state, kept = await _changed(request, write)
    told = [state.clinicians.to_response(each, row) for each, row in kept.rows.items()]
    return _response(request, kept, kept.etag, {"clinicians": told, "next": None})


@router.get(
    "/v1/clinicians/{clinician_id}",
    operation_id="getClinician",
    summary="Read one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*READING),
)
async def get_clinician(request: Request, clinician_id: str) -> Response:
    """All facts about one clinician, with the ETag a change requires."""
    state = await _in_turn(request, rosters_of(request).newest)
    return _one(request, state, roster_of(state), clinician_id)


@router.put(
    "/v1/clinicians/{clinician_id}",
    operation_id="putClinician",
    summary="Add or replace one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*SENDING),
    openapi_extra=request_body("ClinicianUpdate"),
)
async def put_one(request: Request, clinician_id: str) -> Response:
    """Add a clinician (If-None-Match: *) or replace all facts about one (If-Match)."""
    state, cells = await _read(request, ClinicianSchema.read_update)
    known = seen_or_new(request.headers, _etag_of(state, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return put_clinician(transaction, practice, clinician_id, cells, seen=known, actor=actor)

    state, kept = await _changed(request, write)
    return _one(request, state, kept, clinician_id)


@router.patch(
    "/v1/clinicians/{clinician_id}",
    operation_id="patchClinician",
    summary="Change some facts of one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*SENDING),
    openapi_extra=request_body("ClinicianPatch"),
)
async def patch_one(request: Request, clinician_id: str) -> Response:
    """Change the facts that are sent; null removes a fact, omitted facts are unchanged."""
    return await _patched(request, clinician_id, ClinicianSchema.read_patch)


@router.put(
    "/v1/clinicians/{clinician_id}/availability",
    operation_id="putAvailability",
    summary="Replace the availability of one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*SENDING),
    openapi_extra=request_body("Availability"),
)
async def put_availability(request: Request, clinician_id: str) -> Response:
    """Replace the facts used by constraints on capacity and time; other facts are unchanged."""
    return await _patched(request, clinician_id, ClinicianSchema.read_availability)


@router.delete(
    "/v1/clinicians/{clinician_id}",
    operation_id="deleteClinician",
    summary="Remove one clinician",
    status_code=204,
    response_class=Response,
    responses=problem_responses(*CHANGING),
)
async def delete_clinician(request: Request, clinician_id: str) -> Response:
    """The clinician is no longer recommended; earlier versions of the roster remain stored."""
    state = await _in_turn(request, rosters_of(request).newest)
    known = seen(request.headers, _etag_of(state, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, _: Practice) -> RosterVersion:
        kept = remove_clinician(transaction, clinician_id, seen=known, actor=actor)
        if not kept.rows:
            raise ConflictError("roster", "would be empty", "put another clinician first")
        return kept

    _, kept = await _changed(request, write)
    return Response(status_code=204, headers=etag(kept.etag))


@router.post(
    "/v1/clinicians/{clinician_id}/places/take",
    operation_id="takePlace",
    summary="Take one open place of a clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*COUNTING),
    openapi_extra=IDEMPOTENT,
)
async def take_one_place(request: Request, clinician_id: str) -> Response:
    """Decrease the open places by one; of two concurrent requests for the last place, one gets 409.

    Unknown numbers of open places are not changed.
    """
    return await _counted(request, clinician_id, take_place)


@router.post(
    "/v1/clinicians/{clinician_id}/places/give",
    operation_id="releasePlace",
    summary="Release one place of a clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*COUNTING),
    openapi_extra=IDEMPOTENT,
)
async def give_one_place(request: Request, clinician_id: str) -> Response:
    """Increase the open places by one, when a booking is cancelled or a pairing ends."""
    return await _counted(request, clinician_id, give_place)


def rosters_of(request: Request) -> RosterSync:
    """The roster of the server that was asked."""
    rosters: RosterSync = request.app.state.rosters
    return rosters


async def _patched(
    request: Request, clinician_id: str, read: Callable[[ClinicianSchema, bytes], Cells]
) -> Response:
    state, cells = await _read(request, read)
    known = seen(request.headers, _etag_of(state, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return patch_clinician(transaction, practice, clinician_id, cells, seen=known, actor=actor)

    state, kept = await _changed(request, write)
    return _one(request, state, kept, clinician_id)


async def _counted(request: Request, clinician_id: str, count: Count) -> Response:
    actor, key = caller(request).actor, request.headers.get("idempotency-key", "")
    route = f"{request.method} {request.scope['route'].path}"
    try:
        ticket = ticket_for(actor, route, key, clinician_id.encode())
    except RecommenderError as error:
        message = f"{error.problem}; {error.remedy}"
        slip = FieldError(pointer="", code="idempotency_key", message=message)
        raise ProblemError(BAD_REQUEST, [slip]) from None
    form = rosters_of(request).current().clinicians

    def once(transaction: Transaction, practice: Practice) -> StoredReply:
        if practice.places is None:
            remedy = "count them in the roster"
            raise NotFoundError("places", "are not counted by this practice", remedy)
        kept = count(transaction, practice, clinician_id, practice.places, actor=actor)
        told = _told(kept) | {"clinician": form.to_response(clinician_id, kept.rows[clinician_id])}
        return StoredReply(200, _json({"etag": kept.etag_of(clinician_id), "body": told}))

    reply = await _in_turn(request, partial(rosters_of(request).count, ticket, once))
    kept = json.loads(reply.body)
    headers = etag(kept["etag"])
    if reply.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(_json(kept["body"]), headers=headers, media_type=JSON)


async def _read(
    request: Request, read: Callable[[ClinicianSchema, bytes], Found]
) -> tuple[ServingSnapshot, Found]:
    """The newest snapshot, and the body as its form reads it."""
    check_headers(request.headers)
    body = await request.body()

    def work() -> tuple[ServingSnapshot, Found]:
        check_json(body)
        state = rosters_of(request).newest()
        try:
            return state, read(state.clinicians, body)
        except ValidationError as error:
            raise problem_from_validation(error, INVALID_ROSTER) from None

    return await _in_turn(request, work)


async def _changed(request: Request, write: Write) -> tuple[ServingSnapshot, RosterVersion]:
    def work() -> tuple[ServingSnapshot, RosterVersion]:
        try:
            return rosters_of(request).change(write)
        except (IntakeError, FeedbackError) as error:
            part = () if isinstance(error, FeedbackError) else ("facts",)
            raise ProblemError(INVALID_ROSTER, field_errors(error, *part)) from None

    return await _in_turn(request, work)


async def _in_turn(request: Request, work: Callable[[], Found]) -> Found:
    lookups: ComputeQueue = request.app.state.lookups
    return await lookups.run(work)


def _etag_of(state: ServingSnapshot, clinician_id: str) -> str | None:
    kept = roster_of(state)
    return kept.etag_of(clinician_id) if clinician_id in kept.rows else None


def _one(
    request: Request, state: ServingSnapshot, kept: RosterVersion, clinician_id: str
) -> Response:
    tag = kept.etag_of(clinician_id)
    told = state.clinicians.to_response(clinician_id, kept.rows[clinician_id])
    return _response(request, kept, tag, {"clinician": told})


def _response(request: Request, kept: RosterVersion, tag: str, told: Mapping[str, Any]) -> Response:
    response = Response(_json({**_told(kept), **told}), headers=etag(tag), media_type=JSON)
    return unless_seen(response, request.headers) if request.method == "GET" else response


def _told(kept: RosterVersion) -> dict[str, Any]:
    at = None if kept.recorded_at is None else kept.recorded_at.isoformat()
    return {"roster_version": kept.etag, "availability_as_of": at}


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
