"""Route that allocates a waiting list; nothing is recorded."""

from collections.abc import Mapping
from functools import partial

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from recommender.allocation.allocate import allocate
from recommender.allocation.outcome import Allocation
from recommender.allocation.terms import members, places_of
from recommender.errors import IntakeError, RecommenderError
from recommender.practice.columns import Columns, read_rows
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    INVALID,
    LIST_TOO_LONG,
    MALFORMED,
    MAX_ERRORS,
    NOT_READY,
    TOO_LARGE,
    UNEXPECTED,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    field_errors,
    problem_from_validation,
)
from recommender.serving.http.strict_json import JSON, check_headers, check_json
from recommender.serving.openapi import json_body, problem_responses
from recommender.serving.schemas.allocation_request import ParsedWaitingList
from recommender.serving.schemas.allocation_response import (
    AllocationResponse,
    Assignment,
    ClinicianCapacity,
    MarginalCapacity,
    UnplacedClient,
)
from recommender.serving.schemas.responses import DECIMALS, NOTICE, AllianceScale, ModelInUse
from recommender.serving.services.recommendation_service import today
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.tables.cells import People

MOST_PAIRS = 250_000
"""Clients times clinicians of one request: some seconds of one core."""
AT_A_TIME = 1
"""Lists allocated at once; they wait in a line of their own, not before single requests."""
LISTS_WAITING = 4
PATIENCE_SECONDS = 30.0

router = APIRouter(tags=["allocations"])


@router.post(
    "/v1/allocations",
    operation_id="allocate",
    summary="Allocate a waiting list",
    response_model=AllocationResponse,
    responses=problem_responses(
        *(BAD_REQUEST, MALFORMED, TOO_LARGE, UNSUPPORTED, INVALID, LIST_TOO_LONG, UNEXPECTED),
        *(NOT_READY, BUSY),
    ),
    openapi_extra=json_body("AllocationRequest", kept=False),
)
async def post_allocations(request: Request) -> Response:
    """Assign as many clients as possible, earlier priority classes first.

    Among all such allocations this one has the largest sum of predicted alliance. Promised
    clinicians are never changed. The result equals that of `recommender allocate`.
    """
    state = current_snapshot(request.app)
    check_headers(request.headers)
    body = await request.body()
    request.state.model = state.digest
    lists: ComputeQueue = request.app.state.lists
    told = await lists.run(partial(allocated, state, body))
    request.state.mode = told.mode
    return Response(told.model_dump_json(), media_type=JSON)


def allocated(state: ServingSnapshot, body: bytes) -> AllocationResponse:
    """The allocation of a list that was sent.

    Raises
    ------
    ProblemError
        When the body is not sound JSON or does not fit the form, the list is too long, or names
        whom or what this practice does not have.
    """
    asked = _read(state, body)
    people = People(
        tuple(each.client_id for each in asked.clients),
        (None,) * len(asked.clients),
        _columns(state, asked),
    )
    _check(state, asked, people)
    day = asked.asked_on or today(state.practice)
    found = allocate(people, asked.clients, state.encoding, state.model, asked.terms, day=day)
    return _told(state, found)


def _read(state: ServingSnapshot, body: bytes) -> ParsedWaitingList:
    check_json(body)
    try:
        asked = state.form.read_list(body)
    except ValidationError as error:
        refused = problem_from_validation(error)
        if any(each.pointer == "/clients" and each.code == "too_long" for each in refused.errors):
            raise ProblemError(LIST_TOO_LONG, refused.errors) from None
        raise refused from None
    if len(asked.clients) * len(state.encoding.roster) > MOST_PAIRS:
        most = MOST_PAIRS // len(state.encoding.roster)
        said = f"has more members than this roster allows: {most}"
        raise ProblemError(
            LIST_TOO_LONG, [FieldError(pointer="/clients", code="too_long", message=said)]
        )
    return asked


def _columns(state: ServingSnapshot, asked: ParsedWaitingList) -> Columns:
    """The answers of all; read one by one only to say whose cannot be read."""
    fields = state.practice.fields("client", "score", "filter")
    try:
        return read_rows(fields, asked.answers)
    except IntakeError:
        slips: list[FieldError] = []
        for row, answers in enumerate(asked.answers):
            try:
                read_rows(fields, [answers])
            except IntakeError as error:
                slips += field_errors(error, "clients", str(row), "answers")
        raise ProblemError(INVALID, slips[:MAX_ERRORS]) from None


def _check(state: ServingSnapshot, asked: ParsedWaitingList, people: People) -> None:
    """Refuses what the engine would refuse too, but says where it stands in the request."""
    known = set(state.encoding.roster.ids)
    slips = [
        FieldError(
            pointer=f"/clients/{row}/promised_clinician_id",
            code="unknown",
            message="is not on the roster",
        )
        for row, each in enumerate(asked.clients)
        if each.promised_clinician_id is not None and each.promised_clinician_id not in known
    ]
    for row, limit in enumerate(asked.terms.limits):
        if limit.clinician_id is not None and limit.clinician_id not in known:
            place = f"/limits/{row}/clinician_id"
            slips.append(FieldError(pointer=place, code="unknown", message="is not on the roster"))
        try:
            members(state.practice, people.columns, limit)
        except RecommenderError as error:
            slips.append(_slip(f"/limits/{row}", error))
    try:
        places_of(state.encoding.roster, state.practice, asked.terms)
    except RecommenderError as error:
        slips.append(_slip("/places", error))
    if slips:
        raise ProblemError(INVALID, slips[:MAX_ERRORS])


def _slip(pointer: str, error: RecommenderError) -> FieldError:
    return FieldError(pointer=pointer, code="refused", message=f"{error.problem}; {error.remedy}")


def _told(state: ServingSnapshot, found: Allocation) -> AllocationResponse:
    says: Mapping[str, str] = {name: c.say for name, c in state.practice.constraints.items()}
    return AllocationResponse(
        mode=found.mode,
        model=ModelInUse.of(state.model.manifest, state.digest, state.version),
        asked_on=found.day,
        roster_version=found.roster_version,
        scale=AllianceScale.of(state.model),
        assignments=tuple(Assignment.of(each) for each in found.assigned),
        unplaced=tuple(UnplacedClient.of(each, says) for each in found.unplaced),
        places=tuple(ClinicianCapacity.of(each) for each in found.places_used),
        marginal_capacity=tuple(MarginalCapacity.of(each) for each in found.marginal_places),
        points=round(found.points, DECIMALS) + 0.0,
        notice=NOTICE,
    )
