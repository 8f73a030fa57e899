"""Pairings and what came of them."""

from datetime import date, timedelta

import pytest

from recommender.errors import ConflictError, FeedbackError
from recommender.journal.pairings import (
    PairingEvent,
    PairingOutcome,
    events_of,
    pairing_outcome,
    record_event,
)
from recommender.store.database import Store
from recommender.store.schema import pairings
from tests.support.journal_rows import ACTOR, TODAY, count, pair


def follow(store: Store, kind: str, day: date, session: int | None = None, of: str = "p1") -> None:
    with store.writing() as connection:
        record_event(connection, PairingEvent(of, kind, day, session), actor=ACTOR, today=TODAY)


def test_a_course_begins_with_the_first_session_attended() -> None:
    day = date(2026, 10, 1)
    told = (
        PairingEvent("p1", "attended", day + timedelta(days=14), session=2),
        PairingEvent("p1", "booked", day),
        PairingEvent("p1", "missed", day),
        PairingEvent("p1", "attended", day + timedelta(days=7), session=1),
        PairingEvent("p1", "ended", day + timedelta(days=30), reason="moved_away"),
    )
    assert pairing_outcome(told) == PairingOutcome(
        day + timedelta(days=7), 2, day + timedelta(days=30)
    )


def test_a_course_without_attendance_begins_on_the_first_day_booked() -> None:
    told = (
        PairingEvent("p1", "booked", date(2026, 10, 9)),
        PairingEvent("p1", "booked", date(2026, 10, 2)),
    )
    assert pairing_outcome(told) == PairingOutcome(date(2026, 10, 2), None, None)
    assert pairing_outcome(()) == PairingOutcome(None, None, None)


@pytest.mark.both_databases("order of rows")
def test_events_are_kept_in_the_order_they_were_told(a_store: Store) -> None:
    pair(a_store, began=None, recommendation_id=None)
    follow(a_store, "booked", date(2027, 1, 7))
    follow(a_store, "attended", date(2026, 10, 5), 1)
    with a_store.reading() as connection:
        assert [event.kind for event in events_of(connection, "p1")] == ["booked", "attended"]


def test_an_event_that_cannot_be_is_refused(a_store: Store) -> None:
    for kind, day, session in (
        ("attended", TODAY + timedelta(days=1), 1),
        ("attended", TODAY, None),
        ("attended", TODAY, 0),
        ("booked", TODAY + timedelta(days=367), None),
        ("vanished", TODAY, None),
    ):
        with pytest.raises(FeedbackError):
            follow(a_store, kind, day, session)


@pytest.mark.both_databases("unique indexes")
def test_a_pairing_id_is_given_once(a_store: Store) -> None:
    pair(a_store)
    with pytest.raises(ConflictError, match="is there already"):
        pair(a_store, client_id="c0002")
    assert count(a_store, pairings) == 1
