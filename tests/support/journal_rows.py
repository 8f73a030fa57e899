"""Builders with defaults of what a journal keeps: each test says only what matters to it."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.schema import Table

from recommender.journal import roster_versions as versions_module
from recommender.journal.closings import CLOSED, REOPENED, RecordedClosing, record_closing
from recommender.journal.consents import Consent
from recommender.journal.pairings import Pairing, PairingEvent, record_event, record_pairing
from recommender.journal.ratings import Rating, StoredRating, record_rating
from recommender.journal.recommendations import (
    Decision,
    ShortlistRow,
    ShownRecommendation,
    find_recommendation,
    record_decision,
)
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.journal.roster_versions import RosterVersion, replace_roster
from recommender.journal.subjects import Subject
from recommender.journal.wishes import RecordedWish, record_wish
from recommender.store.database import Store
from recommender.store.schema import roster_versions
from tests.support.builders import a_practice

ACTOR = "key-1"
TODAY = date(2026, 11, 23)
SAID_AT = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
CANARY = "canary-7f3a"
AGREES = Consent("2026-1", {"match": True, "train": True})
ANSWERS: Mapping[str, Any] = {
    "concern": "anxiety",
    "wanted": ["cbt"],
    "directive": 4,
    "agrees": True,
}
ROSTER: Mapping[str, Mapping[str, Any]] = {
    "k01": {"name": "One", "offers": ["cbt"], "guides": 3, "places": 1},
    "k02": {"offers": ["act", "emdr"], "guides": -4, "places": 2, "not_with": ["c0009", "c0001"]},
}


def a_recommendation(
    name: str = "r1", client_id: str | None = "c0001", **changes: Any
) -> ShownRecommendation:
    """Two clinicians shown to a client who agreed to be learned from."""
    said = {"recommendation_id": name, "notice": CANARY, "score": 4.25}
    made: dict[str, Any] = {
        "recommendation_id": name,
        "client_id": client_id,
        "answers": ANSWERS,
        "asked_on": date(2026, 10, 1),
        "consent": AGREES,
        "practice_digest": "d" * 64,
        "roster_version": "0123456789abcdef",
        "model_digest": "m" * 64,
        "mode": "model",
        "shortlist": (ShortlistRow("k01", 4.25), ShortlistRow("k02", 3.5, 0.5)),
        "response": json.dumps(said, indent=3).encode(),
    }
    return ShownRecommendation(**(made | changes))


def recommend(
    store: Store, name: str = "r1", client_id: str | None = "c0001", **changes: Any
) -> Subject:
    with store.writing() as connection:
        made = a_recommendation(name, client_id, **changes)
        return record_recommendation(connection, prepare_recommendation(made), actor=ACTOR)


def decide(store: Store, name: str = "r1", clinician_id: str = "k01", *, actor: str = ACTOR) -> str:
    """A decision on a recommendation, which need not be recorded."""
    with store.writing() as connection:
        return record_decision(connection, Decision(name, clinician_id), actor=actor)


def wish(
    store: Store, name: str = "r1", clinician_id: str | None = "k01", *, actor: str = ACTOR
) -> RecordedWish:
    """A wish for a clinician, or for help to choose where there is none."""
    with store.writing() as connection:
        recorded = find_recommendation(connection, name)
        return record_wish(connection, recorded, clinician_id, actor=actor)


def close(store: Store, name: str = "r1", reason: str = "no_answer") -> RecordedClosing:
    with store.writing() as connection:
        return record_closing(connection, name, CLOSED, reason, actor=ACTOR)


def reopen(store: Store, name: str = "r1") -> RecordedClosing:
    with store.writing() as connection:
        return record_closing(connection, name, REOPENED, None, actor=ACTOR)


def pair(
    store: Store,
    pairing_id: str = "p1",
    client_id: str = "c0001",
    clinician_id: str = "k01",
    recommendation_id: str | None = "r1",
    began: date | None = date(2026, 10, 5),
) -> None:
    """A pairing, attended once where a day is given."""
    with store.writing() as connection:
        pairing = Pairing(pairing_id, client_id, clinician_id, recommendation_id)
        record_pairing(connection, pairing, actor=ACTOR)
        if began:
            event = PairingEvent(pairing_id, "attended", began, session=1)
            record_event(connection, event, actor=ACTOR, today=TODAY)


def a_rating(pairing_id: str = "p1", **changes: Any) -> Rating:
    given: dict[str, Any] = {
        "session": 3,
        "instrument": "wai_sr",
        "metric": "sum",
        "score": 48.0,
        "rated_on": date(2026, 10, 20),
        "known_on": date(2026, 10, 21),
    }
    return Rating(pairing_id, **(given | changes))


def rate(store: Store, pairing_id: str = "p1", **changes: Any) -> StoredRating:
    with store.writing() as connection:
        rating = a_rating(pairing_id, **changes)
        return record_rating(connection, a_practice(), rating, actor=ACTOR, today=TODAY)


def roster_at(connection: Connection, etag: str) -> RosterVersion:
    """An earlier version of the roster."""
    of_etag = select(roster_versions).where(roster_versions.c.etag == etag)
    row = connection.execute(of_etag).one()
    rows = versions_module._rows_at(connection, row.number)
    return RosterVersion(row.number, etag, row.recorded_at, rows)


def put_roster(
    store: Store, rows: Mapping[str, Mapping[str, Any]] = ROSTER, seen: str = ""
) -> RosterVersion:
    with store.writing() as connection:
        return replace_roster(connection, a_practice(), rows, seen=seen, actor=ACTOR)


def count(store: Store, table: Table) -> int:
    with store.reading() as connection:
        return rows_in(connection, table)


def rows_in(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
