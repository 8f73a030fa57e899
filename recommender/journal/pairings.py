"""Pairings of a client with a clinician, and their events: booked, attended, ended, withdrawn."""

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from recommender.errors import ConflictError, Fault, NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.closings import lock_request, resume_closed
from recommender.journal.consents import adopt_consents
from recommender.journal.subjects import Subject, subject_for, subject_with
from recommender.journal.validation import choice_faults, code_faults, day_faults, id_faults, refuse
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import pairing_events, pairings, subjects
from recommender.tables.pairings import MAX_DAYS_AHEAD

BOOKED, ATTENDED, ENDED, WITHDRAWN = "booked", "attended", "ended", "withdrawn"
EVENTS = (BOOKED, ATTENDED, "missed", "cancelled", ENDED, WITHDRAWN)
_EVENT = ("pairing_id", "kind", "happened_on", "session", "reason", "local_time")
TIME_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
"""The hour of an appointment, such as 17:00."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One client with one clinician, from a recommendation or without one."""

    pairing_id: str
    client_id: str
    clinician_id: str
    recommendation_id: str | None = None


@dataclass(frozen=True, slots=True)
class PairingEvent:
    """One event of a pairing, of one of the kinds `EVENTS`; its reason is a code.

    `happened_on` is the practice's day; for `booked` the day of the appointment, up to a year
    ahead. `session` counts from 1; `attended` needs it. `withdrawn` says that the pairing was
    recorded by mistake: nothing is learned from it, and nothing more may be recorded of it.
    `local_time` is the hour of a booked appointment on the practice's clock, where it is known.
    """

    pairing_id: str
    kind: str
    happened_on: date
    session: int | None = None
    reason: str | None = None
    local_time: str | None = None


@dataclass(frozen=True, slots=True)
class PairingOutcome:
    """How a pairing went, as far as is known.

    `started_on` is the day of the first session attended or, without any, the first day booked;
    `sessions` the highest number attended. One that is withdrawn was recorded by mistake.
    `first_time` is the hour of the first appointment, until a session was attended.
    """

    started_on: date | None
    sessions: int | None
    ended_on: date | None
    withdrawn: bool = False
    first_time: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it neither ended nor was withdrawn."""
        return self.ended_on is None and not self.withdrawn


@dataclass(frozen=True, slots=True)
class BegunPairing:
    """A pairing that came of a recommendation, how it went, and when it was recorded (UTC)."""

    pairing: Pairing
    outcome: PairingOutcome
    recorded_at: datetime


def record_pairing(connection: Connection, pairing: Pairing, *, actor: str) -> Subject:
    """Stores a pairing and gives its subject; earlier feedback on its id then belongs to it.

    Raises
    ------
    FeedbackError
        When an id is no pseudonym.
    ConflictError
        When the pairing id is in use.
    """
    refuse(
        id_faults(
            pairing_id=pairing.pairing_id,
            client_id=pairing.client_id,
            clinician_id=pairing.clinician_id,
            recommendation_id=pairing.recommendation_id,
        )
    )
    advisory_lock(connection, f"pairing/{pairing.pairing_id}")
    known = select(pairings.c.pairing_id).where(pairings.c.pairing_id == pairing.pairing_id)
    if connection.execute(known).first():
        raise ConflictError("pairing_id", "is there already", "give each pairing an id of its own")
    subject = subject_for(connection, pairing.client_id)
    connection.execute(
        insert(pairings).values(
            pairing_id=pairing.pairing_id,
            subject_id=subject.subject_id,
            clinician_id=pairing.clinician_id,
            recommendation_id=pairing.recommendation_id,
            actor=actor,
            recorded_at=database_time(connection),
        )
    )
    if pairing.recommendation_id:
        lock_request(connection, pairing.recommendation_id)
        resume_closed(connection, pairing.recommendation_id, actor=actor)
        adopt_consents(connection, subject, pairing.recommendation_id)
    names = ("pairing_id", "clinician_id", "recommendation_id")
    details = {name: getattr(pairing, name) for name in names}
    append(connection, AuditEntry(actor, "pairing.recorded", {}, subject, details))
    return subject


def record_event(connection: Connection, event: PairingEvent, *, actor: str, today: date) -> str:
    """Stores an event and gives its id; the pairing may be unknown.

    Raises
    ------
    FeedbackError
        When kind, day, session or reason are not valid.
    ConflictError
        When the pairing was withdrawn.
    """
    latest = today + timedelta(days=MAX_DAYS_AHEAD) if event.kind == BOOKED else today
    faults = id_faults(pairing_id=event.pairing_id) + choice_faults("kind", event.kind, EVENTS)
    faults += day_faults("happened_on", event.happened_on, latest)
    faults += code_faults(reason=event.reason)
    if event.kind == ATTENDED and event.session is None:
        faults.append(Fault("session", "is missing", "give the number of the session, from 1"))
    if event.session is not None and event.session < 1:
        faults.append(Fault("session", "is below 1", "count sessions from 1"))
    faults += _time_faults(event)
    refuse(faults)
    advisory_lock(connection, f"pairing/{event.pairing_id}")
    refuse_withdrawn(events_of(connection, event.pairing_id))
    event_id = secrets.token_hex(16)
    details = {name: getattr(event, name) for name in _EVENT}
    at = database_time(connection)
    connection.execute(
        insert(pairing_events).values(**details, event_id=event_id, actor=actor, recorded_at=at)
    )
    subject = subject_of_pairing(connection, event.pairing_id)
    append(
        connection, AuditEntry(actor, "pairing.followed", {"event_id": event_id}, subject, details)
    )
    return event_id


def _time_faults(event: PairingEvent) -> list[Fault]:
    if event.local_time is None:
        return []
    if event.kind != BOOKED:
        return [Fault("local_time", "is only for an appointment that is booked", "leave it out")]
    if not re.fullmatch(TIME_PATTERN, event.local_time):
        return [Fault("local_time", "is not a time of the day", "write it like 17:00")]
    return []


def find_pairing(connection: Connection, pairing_id: str) -> Pairing:
    """The pairing of this id.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    pairing = recorded_pairing(connection, pairing_id)
    if pairing is None:
        raise NotFoundError("pairing_id", "is not recorded", "check it, or record the pairing")
    return pairing


def recorded_pairing(connection: Connection, pairing_id: str) -> Pairing | None:
    """The pairing of this id; None while it is not recorded."""
    statement = select(pairings, subjects.c.client_id).join(subjects)
    row = connection.execute(statement.where(pairings.c.pairing_id == pairing_id)).first()
    if row is None:
        return None
    return _pairing_of(row)


def refuse_withdrawn(events: Sequence[PairingEvent]) -> None:
    """Refuses to record more of a pairing that was withdrawn.

    Raises
    ------
    ConflictError
        When one of its events withdraws it.
    """
    if any(event.kind == WITHDRAWN for event in events):
        raise ConflictError("pairing_id", "was withdrawn", "record a new pairing")


def pairings_from(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[BegunPairing, ...]]:
    """Pairings that came of each of some recommendations, oldest first; makes two queries."""
    statement = (
        select(pairings, subjects.c.client_id)
        .join(subjects)
        .where(pairings.c.recommendation_id.in_(recommendation_ids))
        .order_by(pairings.c.recorded_at, pairings.c.pairing_id)
    )
    rows = connection.execute(statement).all()
    outcomes = outcomes_of(connection, [row.pairing_id for row in rows])
    begun: dict[str, tuple[BegunPairing, ...]] = {}
    for row in rows:
        outcome = outcomes.get(row.pairing_id, PairingOutcome(None, None, None))
        earlier = begun.get(row.recommendation_id, ())
        begun[row.recommendation_id] = (
            *earlier,
            BegunPairing(_pairing_of(row), outcome, row.recorded_at),
        )
    return begun


def subject_of_pairing(connection: Connection, pairing_id: str) -> Subject | None:
    """The subject of a pairing; None when the pairing is unknown."""
    statement = select(pairings.c.subject_id).where(pairings.c.pairing_id == pairing_id)
    known = connection.execute(statement).scalar()
    return subject_with(connection, known) if known else None


def events_of(connection: Connection, pairing_id: str) -> tuple[PairingEvent, ...]:
    """What happened in a pairing, in the order it was recorded."""
    statement = select(pairing_events).where(pairing_events.c.pairing_id == pairing_id)
    order = (pairing_events.c.recorded_at, pairing_events.c.event_id)
    return tuple(_event(row) for row in connection.execute(statement.order_by(*order)))


def outcomes_of(
    connection: Connection, pairing_ids: Collection[str] | None = None
) -> dict[str, PairingOutcome]:
    """How each pairing went, or each of some, in one query; those without events are left out."""
    statement = select(pairing_events)
    if pairing_ids is not None:
        statement = statement.where(pairing_events.c.pairing_id.in_(pairing_ids))
    events: dict[str, list[PairingEvent]] = {}
    for row in connection.execute(statement):
        events.setdefault(row.pairing_id, []).append(_event(row))
    return {pairing_id: pairing_outcome(some) for pairing_id, some in events.items()}


def _pairing_of(row: Row[Any]) -> Pairing:
    return Pairing(row.pairing_id, row.client_id, row.clinician_id, row.recommendation_id)


def _event(row: Row[Any]) -> PairingEvent:
    return PairingEvent(**{name: getattr(row, name) for name in _EVENT})


def pairing_outcome(events: Sequence[PairingEvent]) -> PairingOutcome:
    """How a pairing went, from its events in any order."""
    booked, attended, ended = (
        [event for event in events if event.kind == kind] for kind in (BOOKED, ATTENDED, ENDED)
    )
    days = [event.happened_on for event in attended or booked]
    first = None if attended else min(booked, key=lambda each: each.happened_on, default=None)
    return PairingOutcome(
        started_on=min(days, default=None),
        sessions=max((event.session or 0 for event in attended), default=None),
        ended_on=max((event.happened_on for event in ended), default=None),
        withdrawn=any(event.kind == WITHDRAWN for event in events),
        first_time=first.local_time if first else None,
    )


def is_undone(begun: Iterable[BegunPairing], decided_at: datetime) -> bool:
    """Whether pairings began since a decision, all of which were withdrawn."""
    since = [each for each in begun if each.recorded_at >= decided_at]
    return bool(since) and all(each.outcome.withdrawn for each in since)
