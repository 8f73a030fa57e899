"""Routes that record and read pairings and their events."""

from datetime import date
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.idempotency import StoredReply
from recommender.journal.pairings import (
    Pairing,
    PairingEvent,
    events_of,
    find_pairing,
    pairing_outcome,
    record_event,
    record_pairing,
    subject_of_pairing,
)
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import NOT_FOUND
from recommender.serving.http.strict_json import JSON, read_body
from recommender.serving.openapi import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    created,
    json_body,
    problem_responses,
)
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.request_bodies import EventRequest, PairingRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import read, reply_response, write_once
from recommender.serving.services.recommendation_service import today
from recommender.store.database import Connection

ADDRESS = "/v1/pairings/{pairing_id}"
EVENTS = f"{ADDRESS}/events"
PairingId = Annotated[str, Path(pattern=ID_PATTERN)]
_ITS_ID = {"parameters": {"pairing_id": "$response.body#/pairing_id"}}
LINKS = {
    operation: {"operationId": operation, **_ITS_ID}
    for operation in ("getPairing", "recordEvent", "listEvents")
}

router = APIRouter(tags=["pairings"])


class PairingCreated(ResponseModel):
    """A recorded pairing."""

    pairing_id: str
    client_id: str
    clinician_id: str
    recommendation_id: str | None

    @classmethod
    def of(cls, pairing: Pairing) -> Self:
        """One pairing."""
        return cls(
            pairing_id=pairing.pairing_id,
            client_id=pairing.client_id,
            clinician_id=pairing.clinician_id,
            recommendation_id=pairing.recommendation_id,
        )


class PairingRecord(PairingCreated):
    """A pairing and its course as far as it is known."""

    started_on: date | None = None
    sessions: int | None = None
    ended_on: date | None = None


class EventRecord(ResponseModel):
    """One event of a pairing."""

    kind: str
    happened_on: date
    session: int | None
    reason: str | None

    @classmethod
    def of(cls, event: PairingEvent) -> Self:
        """One event."""
        return cls(
            kind=event.kind,
            happened_on=event.happened_on,
            session=event.session,
            reason=event.reason,
        )


class EventCreated(EventRecord):
    """A recorded event."""

    event_id: str
    pairing_id: str
    pairing_known: Annotated[
        bool, Setting(description="Whether the pairing is recorded; events may be sent earlier.")
    ]


class EventHistory(ResponseModel):
    """The events of a pairing, in the order of recording."""

    pairing_id: str
    events: tuple[EventRecord, ...]


@router.post(
    "/v1/pairings",
    operation_id="recordPairing",
    summary="Record a pairing",
    status_code=201,
    response_model=PairingCreated,
    responses={201: created(PairingCreated, LINKS), **problem_responses(*WRITE_PROBLEMS)},
    openapi_extra=json_body("PairingRequest"),
)
async def post_pairing(request: Request) -> Response:
    """Events and ratings sent before the pairing are attached to it."""
    asked, body = await read_body(request, PairingRequest)
    pairing, actor = asked.pairing(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        subject = record_pairing(connection, pairing, actor=actor)
        return StoredReply(201, PairingCreated.of(pairing).model_dump_json().encode(), subject)

    return reply_response(await write_once(request, body, write), ADDRESS)


@router.get(
    ADDRESS,
    operation_id="getPairing",
    summary="Read a pairing and its course",
    response_model=PairingRecord,
    responses=problem_responses(*READ_PROBLEMS),
)
async def get_pairing(request: Request, pairing_id: PairingId) -> Response:
    """The course is derived from the events."""

    def look(connection: Connection) -> PairingRecord:
        pairing = find_pairing(connection, pairing_id)
        course = pairing_outcome(events_of(connection, pairing_id))
        known = PairingRecord.of(pairing)
        found = {name: getattr(course, name) for name in ("started_on", "sessions", "ended_on")}
        return known.model_copy(update=found)

    return Response((await read(request, look)).model_dump_json(), media_type=JSON)


@router.post(
    EVENTS,
    operation_id="recordEvent",
    summary="Record an event of a pairing",
    status_code=201,
    response_model=EventCreated,
    responses={201: created(EventCreated), **problem_responses(*WRITE_PROBLEMS, NOT_FOUND)},
    openapi_extra=json_body("EventRequest"),
)
async def post_event(request: Request, pairing_id: PairingId) -> Response:
    """One of a pairing that is not known here is kept as well, and waits for it."""
    state = current_snapshot(request.app)
    asked, body = await read_body(request, EventRequest)
    event, actor = asked.of(pairing_id), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        kept = record_event(connection, event, actor=actor, today=today(state.practice))
        subject = subject_of_pairing(connection, pairing_id)
        told = EventCreated(
            **EventRecord.of(event).model_dump(),
            event_id=kept,
            pairing_id=pairing_id,
            pairing_known=subject is not None,
        )
        return StoredReply(201, told.model_dump_json().encode(), subject)

    return reply_response(await write_once(request, body, write), EVENTS)


@router.get(
    EVENTS,
    operation_id="listEvents",
    summary="List the events of a pairing",
    response_model=EventHistory,
    responses=problem_responses(*READ_PROBLEMS),
)
async def get_events(request: Request, pairing_id: PairingId) -> Response:
    """In the order of recording; also for a pairing that is not recorded yet."""
    found = await read(request, partial(_events, pairing_id))
    told = EventHistory(pairing_id=pairing_id, events=tuple(map(EventRecord.of, found)))
    return Response(told.model_dump_json(), media_type=JSON)


def _events(pairing_id: str, connection: Connection) -> tuple[PairingEvent, ...]:
    found = events_of(connection, pairing_id)
    if not found and subject_of_pairing(connection, pairing_id) is None:
        raise NotFoundError("pairing_id", "is not recorded", "check it, or record the pairing")
    return found
