"""Routes that record and read pairings and their events."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.contradictions import asked_on, event_contradictions
from recommender.journal.idempotency import StoredReply
from recommender.journal.near_ids import near_clients, near_pairings
from recommender.journal.pairings import (
    Pairing,
    PairingEvent,
    events_of,
    find_pairing,
    pairing_outcome,
    pairings_from,
    record_event,
    record_pairing,
    recorded_pairing,
    subject_of_pairing,
)
from recommender.journal.places import counting_places
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.problems import NOT_FOUND
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import created, read, reply_response, write_once
from recommender.serving.openapi import JournalRoute, links, problem_responses, request_body
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.contradictions import Contradictions, contradiction_records
from recommender.serving.schemas.reference_warnings import (
    ReferenceWarning,
    similar_client,
    unknown_clinician,
)
from recommender.serving.schemas.request_bodies import EventRequest, PairingRequest
from recommender.serving.schemas.required_scope import visible_json
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection
from recommender.values.ids import ID_PATTERN

ADDRESS = "/v1/pairings/{pairing_id}"
EVENTS = f"{ADDRESS}/events"
PairingId = Annotated[str, Path(pattern=ID_PATTERN)]
LINKS = links("pairing_id", "getPairing", "recordEvent", "listEvents")

router = APIRouter(tags=["pairings"], route_class=JournalRoute)


class PairingCreated(ResponseModel):
    """A recorded pairing."""

    pairing_id: str
    client_id: str
    clinician_id: str
    recommendation_id: str | None


class NewPairing(PairingCreated):
    """A recorded pairing, and what its ids may have missed."""

    reference_warnings: Annotated[
        tuple[ReferenceWarning, ...],
        Setting(
            description="If the clinician is not on the roster, or the client was not recorded "
            "before but a nearly equal id is."
        ),
    ] = ()
    open_pairings: Annotated[
        tuple[str, ...],
        Setting(
            description="Other pairings of this recommendation that neither ended nor were "
            "withdrawn. If this one repeats one of them, send it the event `withdrawn`."
        ),
    ] = ()


class PairingRecord(PairingCreated):
    """A pairing and its course as far as it is known."""

    started_on: date | None = None
    sessions: int | None = None
    ended_on: date | None = None
    withdrawn: Annotated[
        bool, Setting(description="Whether it was recorded by mistake and withdrawn.")
    ] = False
    first_time: Annotated[
        str | None,
        Setting(
            description="The hour of the first appointment on the practice's clock, until a "
            "session was attended; null if it was booked without one."
        ),
    ] = None


class EventRecord(ResponseModel):
    """One event of a pairing."""

    kind: str
    happened_on: date
    session: int | None
    reason: str | None
    local_time: Annotated[
        str | None,
        Setting(description="The hour of a booked appointment on the practice's clock."),
    ]


class EventCreated(EventRecord):
    """A recorded event."""

    event_id: str
    pairing_id: str
    pairing_known: Annotated[
        bool, Setting(description="Whether the pairing is recorded; events may be sent earlier.")
    ]
    did_you_mean: Annotated[
        tuple[str, ...],
        Setting(description="Recorded pairings with nearly equal ids, if this one is not."),
    ] = ()
    contradictions: Contradictions = ()


class EventHistory(ResponseModel):
    """The events of a pairing, in the order of recording."""

    pairing_id: str
    events: tuple[EventRecord, ...]


@router.post(
    "/v1/pairings",
    operation_id="recordPairing",
    summary="Record a pairing",
    status_code=201,
    response_model=NewPairing,
    responses={201: {"links": LINKS}},
    openapi_extra=request_body("PairingRequest"),
)
async def post_pairing(request: Request, snapshot: Snapshot, body: Body) -> Response:
    """Events and ratings sent before the pairing are attached to it.

    A client may go from one clinician to another of one recommendation, and events may arrive
    late: a second pairing of a recommendation is recorded, and `open_pairings` names the others.
    """
    pairing, actor = body.read(PairingRequest).pairing(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        warnings = _warnings(connection, snapshot, pairing)
        others = _open_pairings(connection, pairing.recommendation_id)
        practice, of_recommendation = snapshot.practice, pairing.recommendation_id
        with counting_places(connection, practice, of_recommendation, actor=actor):
            subject = record_pairing(connection, pairing, actor=actor)
        facts = PairingCreated.model_validate(pairing).model_dump()
        response = NewPairing(**facts, reference_warnings=warnings, open_pairings=others)
        body = visible_json(response, caller(request).scopes)
        return created(body, ADDRESS.format(pairing_id=pairing.pairing_id), subject)

    return reply_response(await write_once(request, body, write))


def _open_pairings(connection: Connection, recommendation_id: str | None) -> tuple[str, ...]:
    if recommendation_id is None:
        return ()
    begun = pairings_from(connection, [recommendation_id]).get(recommendation_id, ())
    return tuple(each.pairing.pairing_id for each in begun if each.outcome.is_open)


def _warnings(
    connection: Connection, snapshot: ServingSnapshot, pairing: Pairing
) -> tuple[ReferenceWarning, ...]:
    warnings = []
    near = near_clients(connection, [pairing.client_id]).get(pairing.client_id)
    if near:
        warnings.append(similar_client("/client_id", near))
    roster, name = snapshot.encoding.roster, pairing.clinician_id
    if name not in roster.ids:
        suggestions = roster.near_misses([name]).get(name, ())
        warnings.append(unknown_clinician("/clinician_id", suggestions))
    return tuple(warnings)


@router.get(
    ADDRESS,
    operation_id="getPairing",
    summary="Read a pairing and its course",
    response_model=PairingRecord,
)
async def get_pairing(request: Request, pairing_id: PairingId) -> Response:
    """The course is derived from the events."""

    def look(connection: Connection) -> PairingRecord:
        pairing = find_pairing(connection, pairing_id)
        outcome = pairing_outcome(events_of(connection, pairing_id))
        return PairingRecord(
            **PairingCreated.model_validate(pairing).model_dump(),
            started_on=outcome.started_on,
            sessions=outcome.sessions,
            ended_on=outcome.ended_on,
            withdrawn=outcome.withdrawn,
            first_time=outcome.first_time,
        )

    return Response((await read(request, look)).model_dump_json(), media_type=JSON)


@router.post(
    EVENTS,
    operation_id="recordEvent",
    summary="Record an event of a pairing",
    status_code=201,
    response_model=EventCreated,
    responses=problem_responses(NOT_FOUND),
    openapi_extra=request_body("EventRequest"),
)
async def post_event(
    request: Request, pairing_id: PairingId, snapshot: Snapshot, body: Body
) -> Response:
    """Events of a pairing that is not recorded yet are stored and attached to it later.

    An event that contradicts earlier ones is recorded; `contradictions` says what does not fit.
    Refused (409) after the event `withdrawn`.
    """
    event, actor = body.read(EventRequest).of(pairing_id), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        before = events_of(connection, pairing_id)
        practice, pairing = snapshot.practice, recorded_pairing(connection, pairing_id)
        of_recommendation = pairing.recommendation_id if pairing else None
        with counting_places(connection, practice, of_recommendation, actor=actor):
            event_id = record_event(connection, event, actor=actor, today=today(practice))
        subject = subject_of_pairing(connection, pairing_id)
        asked = asked_on(connection, pairing) if pairing else None
        response = EventCreated(
            **EventRecord.model_validate(event).model_dump(),
            event_id=event_id,
            pairing_id=pairing_id,
            pairing_known=subject is not None,
            did_you_mean=() if subject else near_pairings(connection, pairing_id),
            contradictions=contradiction_records(event_contradictions(event, before, asked)),
        )
        location = EVENTS.format(pairing_id=pairing_id)
        return created(response.model_dump_json().encode(), location, subject)

    return reply_response(await write_once(request, body, write))


@router.get(
    EVENTS,
    operation_id="listEvents",
    summary="List the events of a pairing",
    response_model=EventHistory,
)
async def get_events(request: Request, pairing_id: PairingId) -> Response:
    """In the order of recording; also for a pairing that is not recorded yet."""
    events = await read(request, partial(_events, pairing_id))
    history = EventHistory(
        pairing_id=pairing_id, events=tuple(map(EventRecord.model_validate, events))
    )
    return Response(history.model_dump_json(), media_type=JSON)


def _events(pairing_id: str, connection: Connection) -> tuple[PairingEvent, ...]:
    events = events_of(connection, pairing_id)
    if not events and subject_of_pairing(connection, pairing_id) is None:
        raise NotFoundError("pairing_id", "is not recorded", "check it, or record the pairing")
    return events
