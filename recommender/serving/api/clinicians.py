"""Routes of the roster; every change names the version it is based on (If-Match)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.errors import ConflictError, FeedbackError, IntakeError, NotFoundError
from recommender.journal.idempotency import StoredReply
from recommender.journal.near_ids import near_clients
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
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Context, app_state
from recommender.serving.http.cursors import DIGITS, next_link, next_page
from recommender.serving.http.etags import etag, required_or_new, required_version, unless_matched
from recommender.serving.http.problems import (
    BUSY,
    CONFLICT,
    INVALID_ROSTER,
    KEY_REUSED,
    NO_STORE,
    NO_SUCH_RECORD,
    NOT_READY,
    PRECONDITION_REQUIRED,
    STALE,
    ProblemError,
    field_errors,
    problem_from_validation,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON, Body, JsonBody
from recommender.serving.idempotency import idempotency_ticket, reply_response, sandbox_of
from recommender.serving.openapi import (
    CHANGE,
    IF_MATCH,
    NEW_ONLY,
    READ_AGAIN,
    ApiRoute,
    key_parameter,
    problem_responses,
    request_body,
    response_body,
)
from recommender.serving.schemas.clinician import ClinicianSchema
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    ReferenceWarning,
    similar_client,
)
from recommender.serving.schemas.required_scope import visible_json
from recommender.serving.snapshot.roster_sync import Write
from recommender.serving.snapshot.snapshot import ServingSnapshot, roster_version_of
from recommender.store.database import Transaction
from recommender.tables.references import REFUSAL_RULE, fields_of_rule

PAGE_SIZE = 100
READ = (NO_SUCH_RECORD, NOT_READY, BUSY)
CHANGES = (*READ, NO_STORE, CONFLICT, STALE, PRECONDITION_REQUIRED)
REPLACE = (*CHANGES, INVALID_ROSTER)

Count = Callable[..., RosterVersion]
Parsed = TypeVar("Parsed")
router = APIRouter(tags=["roster"], route_class=ApiRoute)


@router.get(
    "/v1/clinicians",
    operation_id="listClinicians",
    summary="List clinicians page by page",
    responses=response_body("ClinicianPage") | problem_responses(*READ),
    openapi_extra=READ_AGAIN,
)
async def get_clinicians(
    request: Request,
    context: Context,
    after: Annotated[str, Query(pattern="^[A-Za-z0-9._-]{0,64}$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000), DIGITS] = PAGE_SIZE,
) -> Response:
    """The current roster, ordered by id."""
    snapshot = await context.queues.lookups.run(context.rosters.newest)
    version = roster_version_of(snapshot)
    ids = [each for each in version.rows if each > after]
    address = f"{request_info(request.scope).root_path}/v1/clinicians"
    query = {"after": ids[limit - 1], "limit": str(limit)} if len(ids) > limit else None
    more = next_page(address, query)
    page = [snapshot.clinicians.to_response(each, version.rows[each]) for each in ids[:limit]]
    response = _response(request, version, version.etag, {"clinicians": page, "next": more})
    response.headers.update(next_link(more))
    return response


@router.get(
    "/v1/roster",
    operation_id="getRoster",
    summary="Read the whole roster",
    responses=response_body("ClinicianPage") | problem_responses(*READ),
    openapi_extra=READ_AGAIN,
)
async def get_roster(request: Request, context: Context) -> Response:
    """The roster in the form PUT takes, with the ETag PUT requires."""
    snapshot = await context.queues.lookups.run(context.rosters.newest)
    return _whole(request, snapshot, roster_version_of(snapshot))


@router.put(
    "/v1/roster",
    operation_id="putRoster",
    summary="Replace the roster",
    responses=response_body("ClinicianPage") | problem_responses(*REPLACE),
    openapi_extra=request_body("RosterUpdate") | CHANGE,
)
async def put_roster(request: Request, body: Body) -> Response:
    """Replace the roster; clinicians not listed are removed.

    A roster without changes confirms the present one and so renews `availability_as_of`.
    """
    snapshot, rows = await _parsed(request, body, ClinicianSchema.read_roster)
    seen = required_version(request.headers, roster_version_of(snapshot).etag)
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return replace_roster(transaction, practice, rows, seen=seen, actor=actor)

    changed = await _changed(request, write, tuple(rows), "/clinicians/{}/facts")
    return _whole(request, *changed)


@router.get(
    "/v1/clinicians/{clinician_id}",
    operation_id="getClinician",
    summary="Read one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*READ),
    openapi_extra=READ_AGAIN,
)
async def get_clinician(request: Request, context: Context, clinician_id: str) -> Response:
    """All facts about one clinician, with the ETag a change requires."""
    snapshot = await context.queues.lookups.run(context.rosters.newest)
    return _one(request, snapshot, roster_version_of(snapshot), clinician_id=clinician_id)


@router.put(
    "/v1/clinicians/{clinician_id}",
    operation_id="putClinician",
    summary="Add or replace one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*REPLACE),
    openapi_extra=request_body("ClinicianUpdate") | {"parameters": [IF_MATCH, NEW_ONLY]},
)
async def put_one(request: Request, clinician_id: str, body: Body) -> Response:
    """Add a clinician (If-None-Match: *) or replace all facts about one (If-Match)."""
    snapshot, cells = await _parsed(request, body, ClinicianSchema.read_update)
    seen = required_or_new(request.headers, _etag_of(snapshot, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return put_clinician(transaction, practice, clinician_id, cells, seen=seen, actor=actor)

    changed = await _changed(request, write, (clinician_id,), "/facts")
    return _one(request, *changed, clinician_id=clinician_id)


@router.patch(
    "/v1/clinicians/{clinician_id}",
    operation_id="patchClinician",
    summary="Change some facts of one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*REPLACE),
    openapi_extra=request_body("ClinicianPatch") | CHANGE,
)
async def patch_one(request: Request, clinician_id: str, body: Body) -> Response:
    """Change the facts that are sent; null removes a fact, omitted facts are unchanged."""
    return await _patched(request, clinician_id, body, ClinicianSchema.read_patch)


@router.put(
    "/v1/clinicians/{clinician_id}/availability",
    operation_id="putAvailability",
    summary="Replace the availability of one clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*REPLACE),
    openapi_extra=request_body("Availability") | CHANGE,
)
async def put_availability(request: Request, clinician_id: str, body: Body) -> Response:
    """Replace the facts used by constraints on capacity and time; other facts are unchanged."""
    return await _patched(request, clinician_id, body, ClinicianSchema.read_availability)


@router.delete(
    "/v1/clinicians/{clinician_id}",
    operation_id="deleteClinician",
    summary="Remove one clinician",
    status_code=204,
    response_class=Response,
    responses=problem_responses(*CHANGES),
    openapi_extra=CHANGE,
)
async def delete_clinician(request: Request, context: Context, clinician_id: str) -> Response:
    """The clinician is no longer recommended; earlier versions of the roster remain stored."""
    snapshot = await context.queues.lookups.run(context.rosters.newest)
    seen = required_version(request.headers, _etag_of(snapshot, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, _: Practice) -> RosterVersion:
        version = remove_clinician(transaction, clinician_id, seen=seen, actor=actor)
        if not version.rows:
            raise ConflictError("roster", "would be empty", "add another clinician first")
        return version

    _, version, _ = await _changed(request, write)
    return Response(status_code=204, headers=etag(version.etag))


@router.post(
    "/v1/clinicians/{clinician_id}/places/take",
    operation_id="takePlace",
    summary="Take one open place of a clinician",
    responses=response_body("ClinicianResponse") | problem_responses(*CHANGES, KEY_REUSED),
    openapi_extra={"parameters": [key_parameter(required=True)]},
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
    responses=response_body("ClinicianResponse") | problem_responses(*CHANGES, KEY_REUSED),
    openapi_extra={"parameters": [key_parameter(required=True)]},
)
async def give_one_place(request: Request, clinician_id: str) -> Response:
    """Increase the open places by one, when a booking is cancelled or a pairing ends."""
    return await _counted(request, clinician_id, give_place)


async def _patched(
    request: Request,
    clinician_id: str,
    body: JsonBody,
    read: Callable[[ClinicianSchema, Any], Cells],
) -> Response:
    snapshot, cells = await _parsed(request, body, read)
    seen = required_version(request.headers, _etag_of(snapshot, clinician_id))
    actor = caller(request).actor

    def write(transaction: Transaction, practice: Practice) -> RosterVersion:
        return patch_clinician(transaction, practice, clinician_id, cells, seen=seen, actor=actor)

    changed = await _changed(request, write, (clinician_id,), "/facts")
    return _one(request, *changed, clinician_id=clinician_id)


async def _counted(request: Request, clinician_id: str, count: Count) -> Response:
    context, actor = app_state(request.app), caller(request).actor
    ticket = idempotency_ticket(request, None, required=True)
    assert ticket is not None
    clinicians = context.snapshots.require().clinicians

    def write(transaction: Transaction, practice: Practice) -> StoredReply:
        if practice.places is None:
            remedy = "count them in the roster"
            raise NotFoundError("places", "are not counted by this practice", remedy)
        version = count(transaction, practice, clinician_id, practice.places, actor=actor)
        clinician = clinicians.to_response(clinician_id, version.rows[clinician_id])
        body = _json({**_facts(version), "clinician": clinician})
        return StoredReply(200, body, headers=etag(version.etag_of(clinician_id)))

    def counted() -> StoredReply:
        sandbox = sandbox_of(request)
        if sandbox is None:
            return context.rosters.change_once(ticket, write)
        practice = context.snapshots.require().practice
        return sandbox.execute(ticket, lambda rows: write(rows, practice), actor=actor)

    return reply_response(await context.queues.lookups.run(counted))


async def _parsed(
    request: Request, body: JsonBody, read: Callable[[ClinicianSchema, Any], Parsed]
) -> tuple[ServingSnapshot, Parsed]:
    """The newest snapshot and the parsed body; large bodies are parsed in a worker thread."""
    context = app_state(request.app)

    def work() -> tuple[ServingSnapshot, Parsed]:
        value, snapshot = body.value, context.rosters.newest()
        try:
            return snapshot, read(snapshot.clinicians, value)
        except ValidationError as error:
            model = snapshot.clinicians.model_of(error)
            raise problem_from_validation(error, model, INVALID_ROSTER) from None

    return await context.queues.lookups.run(work)


async def _changed(
    request: Request, write: Write, about: Sequence[str] = (), pointer: str = ""
) -> tuple[ServingSnapshot, RosterVersion, tuple[ReferenceWarning, ...]]:
    """The snapshot and version after a change, and warnings about the clinicians it is about.

    `pointer` is that of the facts of one of them in the request, with `{}` for their place.
    """
    context = app_state(request.app)
    warnings: list[ReferenceWarning] = []

    def checked(transaction: Transaction, practice: Practice) -> RosterVersion:
        version = write(transaction, practice)
        for place, clinician_id in enumerate(about):
            facts = version.rows[clinician_id]
            warnings.extend(_unresolved(transaction, practice, facts, pointer.format(place)))
        return version

    change = context.rosters.rehearse if caller(request).sandbox else context.rosters.change
    try:
        changed = await context.queues.lookups.run(change, checked)
    except FeedbackError as error:
        raise ProblemError(INVALID_ROSTER, field_errors(error)) from None
    except IntakeError as error:
        fields = context.snapshots.require().practice.clinician
        faults = field_errors(with_json_remedies(error, fields), "facts")
        raise ProblemError(INVALID_ROSTER, faults) from None
    return *changed, tuple(warnings[:MAX_WARNINGS])


def _unresolved(
    transaction: Transaction, practice: Practice, facts: Cells, pointer: str
) -> Iterator[ReferenceWarning]:
    """Clients on lists of a clinician who are not recorded, while a nearly equal id is."""
    lists = {
        name: [str(each) for each in facts[name]]
        for name, field in practice.clinician.items()
        if field.kind == "ids" and field.people_named == "clients" and name in facts
    }
    refusals = fields_of_rule(REFUSAL_RULE, practice, "clinician")
    near = near_clients(transaction, {each for listed in lists.values() for each in listed})
    for name, listed in lists.items():
        for number, each in enumerate(listed):
            if each in near:
                missed = [one for one in near[each] if name in refusals and one not in listed]
                yield similar_client(f"{pointer}/{name}/{number}", near[each], missed)


def _etag_of(snapshot: ServingSnapshot, clinician_id: str) -> str | None:
    version = roster_version_of(snapshot)
    return version.etag_of(clinician_id) if clinician_id in version.rows else None


def _one(
    request: Request,
    snapshot: ServingSnapshot,
    version: RosterVersion,
    warnings: Sequence[ReferenceWarning] = (),
    *,
    clinician_id: str,
) -> Response:
    tag = version.etag_of(clinician_id)
    clinician = snapshot.clinicians.to_response(clinician_id, version.rows[clinician_id])
    content = {"clinician": clinician, **_with_warnings(request, warnings)}
    return _response(request, version, tag, content)


def _whole(
    request: Request,
    snapshot: ServingSnapshot,
    version: RosterVersion,
    warnings: Sequence[ReferenceWarning] = (),
) -> Response:
    rows = version.rows.items()
    clinicians = [snapshot.clinicians.to_response(each, row) for each, row in rows]
    content = {"clinicians": clinicians, "next": None, **_with_warnings(request, warnings)}
    return _response(request, version, version.etag, content)


def _with_warnings(request: Request, warnings: Sequence[ReferenceWarning]) -> dict[str, Any]:
    """The member of a response with warnings; absent without any."""
    scopes = caller(request).scopes
    shown = [json.loads(visible_json(each, scopes)) for each in warnings]
    return {"reference_warnings": shown} if shown else {}


def _response(
    request: Request, version: RosterVersion, tag: str, content: Mapping[str, Any]
) -> Response:
    body = _json({**_facts(version), **content})
    response = Response(body, headers=etag(tag), media_type=JSON)
    return unless_matched(response, request.headers) if request.method == "GET" else response


def _facts(version: RosterVersion) -> dict[str, Any]:
    at = None if version.recorded_at is None else version.recorded_at.isoformat()
    return {"roster_version": version.etag, "availability_as_of": at}


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
