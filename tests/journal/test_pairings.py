"""Pairings and what came of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from recommender.errors import ConflictError, FeedbackError
from recommender.journal.pairings import (
    PairingEvent,
    PairingOutcome,
    events_of,
    pairing_outcome,
    pairings_from,
    record_event,
)
from recommender.journal.rated_pairings import exposures, rated_matches, rated_pairings
from recommender.store.database import Store
from recommender.store.schema import pairings
from tests.support.journal_rows import ACTOR, TODAY, count, pair, rate, recommend


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


def test_nothing_more_is_recorded_of_a_pairing_that_was_withdrawn(a_store: Store) -> None:
    pair(a_store, recommendation_id=None)
    follow(a_store, "withdrawn", TODAY)
    with pytest.raises(ConflictError, match="was withdrawn"):
        follow(a_store, "attended", TODAY, 2)
    with pytest.raises(ConflictError, match="was withdrawn"):
        follow(a_store, "withdrawn", TODAY)
    with pytest.raises(ConflictError, match="was withdrawn"):
        rate(a_store)
    with a_store.reading() as connection:
        events = events_of(connection, "p1")
    assert [event.kind for event in events] == ["attended", "withdrawn"]
    assert pairing_outcome(events).withdrawn
    assert not pairing_outcome(events).is_open


def test_pairings_of_a_recommendation_come_with_how_they_went(a_store: Store) -> None:
    pair(a_store)
    pair(a_store, "p2", began=None)
    pair(a_store, "p3", recommendation_id=None)
    follow(a_store, "withdrawn", TODAY)
    with a_store.reading() as connection:
        begun = pairings_from(connection, ["r1", "r2"])
    assert list(begun) == ["r1"]
    assert [(each.pairing.pairing_id, each.outcome.withdrawn) for each in begun["r1"]] == [
        ("p1", True),
        ("p2", False),
    ]


def test_a_pairing_that_was_withdrawn_is_in_no_statistic(a_store: Store) -> None:
    recommend(a_store)
    pair(a_store)
    rate(a_store)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    with a_store.reading() as connection:
        assert [each.pairing_id for each in rated_pairings(connection)] == ["p1"]
        assert len(rated_matches(connection, limit=9)) == 1
        assert exposures(connection, since=since)["k01"].begun == 1
    follow(a_store, "withdrawn", TODAY)
    with a_store.reading() as connection:
        assert rated_pairings(connection) == ()
        assert rated_matches(connection, limit=9) == ()
        assert exposures(connection, since=since)["k01"].begun == 0
