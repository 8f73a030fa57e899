"""Route that allocates a waiting list; nothing is recorded."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.allocation.allocate import allocate
from recommender.allocation.outcome import Allocation, allocation_warnings
from recommender.allocation.terms import (
    forgotten_clinicians,
    members,
    places_of,
    unknown_clinicians,
)
from recommender.errors import ConflictError, IntakeError, RecommenderError
from recommender.practice.columns import Columns
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Context, Snapshot
from recommender.serving.http.problems import (
    BUSY,
    CONFLICT,
    INVALID,
    LIST_TOO_LONG,
    MAX_ERRORS,
    NOT_READY,
    FieldError,
    ProblemError,
    field_errors,
    not_on_roster,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON, Body, JsonBody
from recommender.serving.openapi import ApiRoute, problem_responses, request_body
from recommender.serving.recommendation_service import refused_request, today
from recommender.serving.schemas.allocation_request import ParsedWaitingList
from recommender.serving.schemas.allocation_response import (
    AllocationResponse,
    Assignment,
    ClinicianCapacity,
    MarginalCapacity,
    UnplacedClient,
)
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.reference_warnings import (
    MAX_WARNINGS,
    ReferenceWarning,
    reference_warnings,
    unknown_clinician,
)
from recommender.serving.schemas.required_scope import visible_json
from recommender.serving.schemas.responses import DECIMALS, NOTICE, AllianceScale, ModelInUse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.trial_draws import TrialDraws
from recommender.tables.cells import People
from recommender.tables.references import references_of_one, table_warnings

MAX_PAIRS = 250_000
"""Clients times clinicians of one request: some seconds of one core."""

router = APIRouter(tags=["allocations"], route_class=ApiRoute)


@router.post(
    "/v1/allocations",
    operation_id="allocate",
    summary="Allocate a waiting list",
    response_model=AllocationResponse,
    responses=problem_responses(INVALID, LIST_TOO_LONG, CONFLICT, NOT_READY, BUSY),
    openapi_extra=request_body("AllocationRequest"),
)
async def post_allocations(
    request: Request, context: Context, snapshot: Snapshot, body: Body
) -> Response:
    """Assign as many clients as possible, earlier priority classes first.

    Among all such allocations this one has the largest sum of predicted alliance. Promised
    clinicians are never changed. The result equals that of `recommender allocate`. After a trial
    that ended for harm the model's order is withdrawn, and nobody is allocated by it (409).
    """
    info = request_info(request.scope)
    info.model = snapshot.digest
    response = await context.queues.allocations.run(allocate_request, snapshot, body, context.draws)
    info.mode = response.mode
    return Response(visible_json(response, caller(request).scopes), media_type=JSON)


def allocate_request(
    snapshot: ServingSnapshot, body: JsonBody, draws: TrialDraws
) -> AllocationResponse:
    """The response to an allocation request.

    Raises
    ------
    ConflictError
        When a trial ended for harm, and nobody restored the model's order.
    ProblemError
        When the body is not strict JSON or fails validation, the list is too long, or it names
        clinicians, fields or levels that do not exist.
    """
    if draws.order_withdrawn():
        problem = "ended for harm, so that the model's order is withdrawn"
        remedy = "allocate without it; see `recommender trial restore --reason CODE`"
        raise ConflictError("trial", problem, remedy)
    request = _read(snapshot, body)
    people = People(
        tuple(each.client_id for each in request.clients),
        (None,) * len(request.clients),
        _columns(snapshot, request),
    )
    _check(snapshot, request, people)
    day = request.asked_on or today(snapshot.practice)
    allocation = allocate(
        people, request.clients, snapshot.encoding, snapshot.model, request.terms, day=day
    )
    return _to_response(snapshot, request, allocation, people)


def _read(snapshot: ServingSnapshot, body: JsonBody) -> ParsedWaitingList:
    try:
        request = snapshot.form.read_list(body.value)
    except ValidationError as error:
        refusal = refused_request(snapshot, error, snapshot.form.lists)
        if any(each.pointer == "/clients" and each.code == "too_long" for each in refusal.errors):
            raise ProblemError(LIST_TOO_LONG, refusal.errors) from None
        raise refusal from None
    max_clients = MAX_PAIRS // len(snapshot.encoding.roster)
    if len(request.clients) > max_clients:
        message = f"has more members than this roster allows: {max_clients}"
        raise ProblemError(
            LIST_TOO_LONG, [FieldError(pointer="/clients", code="too_long", message=message)]
        )
    return request


def _columns(snapshot: ServingSnapshot, request: ParsedWaitingList) -> Columns:
    """The encoded answers; if they cannot be encoded, the faults of each client."""
    asked = snapshot.practice.asked
    try:
        return asked.read(request.answers)
    except IntakeError:
        errors: list[FieldError] = []
        for row, answers in enumerate(request.answers):
            try:
                asked.read([answers])
            except IntakeError as error:
                faults = with_json_remedies(error, asked.fields)
                errors += field_errors(faults, "clients", str(row), "answers")
        raise ProblemError(INVALID, errors[:MAX_ERRORS]) from None


def _check(snapshot: ServingSnapshot, request: ParsedWaitingList, people: People) -> None:
    """Refuses what the engine would refuse, with pointers into the request."""
    lost = unknown_clinicians(request.clients, request.terms.limits, snapshot.encoding.roster)
    errors = [
        not_on_roster(f"/clients/{row}/promised_clinician_id", lost[each.promised_clinician_id])
        for row, each in enumerate(request.clients)
        if each.promised_clinician_id in lost
    ]
    for row, limit in enumerate(request.terms.limits):
        if limit.clinician_id in lost:
            place = f"/limits/{row}/clinician_id"
            errors.append(not_on_roster(place, lost[limit.clinician_id]))
        try:
            members(snapshot.practice, people.columns, limit)
        except RecommenderError as error:
            errors.append(_rejected(f"/limits/{row}", error))
    try:
        places_of(snapshot.encoding.roster, snapshot.practice, request.terms)
    except RecommenderError as error:
        errors.append(_rejected("/places", error))
    if errors:
        raise ProblemError(INVALID, errors[:MAX_ERRORS])


def _rejected(pointer: str, error: RecommenderError) -> FieldError:
    return FieldError(pointer=pointer, code="rejected", message=f"{error.problem}; {error.remedy}")


def _to_response(
    snapshot: ServingSnapshot, request: ParsedWaitingList, allocation: Allocation, people: People
) -> AllocationResponse:
    practice, roster = snapshot.practice, snapshot.encoding.roster
    warnings: list[ReferenceWarning] = []
    for row, client_id in enumerate(people.ids):
        client = people.columns.row(row)
        found = references_of_one(practice, client, client_id, roster)
        warnings += reference_warnings(found, client, f"/clients/{row}")
        former = request.clients[row].former_clinician_id
        if former is not None and former not in roster.ids:
            near = roster.near_misses([former]).get(former, ())
            warnings.append(unknown_clinician(f"/clients/{row}/former_clinician_id", near))
    phrases: Mapping[str, str] = {name: c.say for name, c in snapshot.practice.constraints.items()}
    return AllocationResponse(
        mode=allocation.mode,
        model=ModelInUse.of(snapshot.model.manifest, snapshot.digest, snapshot.version),
        asked_on=allocation.day,
        roster_version=allocation.roster_version,
        scale=AllianceScale.of(snapshot.model),
        assignments=tuple(Assignment.of(each) for each in allocation.assigned),
        unplaced=tuple(UnplacedClient.of(each, phrases) for each in allocation.unplaced),
        places=tuple(ClinicianCapacity.of(each) for each in allocation.places_used),
        marginal_capacity=tuple(MarginalCapacity.of(each) for each in allocation.marginal_places),
        points=round(allocation.points, DECIMALS) + 0.0,
        warnings=tuple(
            str(each)
            for each in (
                *table_warnings(practice, people, roster, every_client=False),
                *forgotten_clinicians(request.clients, roster),
                *allocation_warnings(allocation),
            )
        ),
        reference_warnings=tuple(warnings[:MAX_WARNINGS]),
        notice=NOTICE,
    )
