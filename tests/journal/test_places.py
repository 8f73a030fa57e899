"""Open places held by decisions and given back when a pairing is withdrawn."""

import pytest

from recommender.errors import ConflictError
from recommender.journal.pairings import (
    Pairing,
    PairingEvent,
    record_event,
    record_pairing,
)
from recommender.journal.places import counting_places
from recommender.journal.recommendations import Decision, record_decision
from recommender.journal.roster_versions import current_roster
from recommender.store.database import Store
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, TODAY, put_roster, recommend


def places(store: Store) -> list[int]:
    with store.reading() as connection:
        rows = current_roster(connection).rows
    return [int(rows[name]["places"]) for name in ("k01", "k02")]


def decide(store: Store, clinician_id: str, name: str = "r1") -> None:
    with (
        store.writing() as connection,
        counting_places(connection, a_practice(), name, actor=ACTOR),
    ):
        record_decision(connection, Decision(name, clinician_id), actor=ACTOR)


def begin(store: Store, pairing_id: str, clinician_id: str = "k01") -> None:
    with (
        store.writing() as connection,
        counting_places(connection, a_practice(), "r1", actor=ACTOR),
    ):
        pairing = Pairing(pairing_id, "c0001", clinician_id, "r1")
        record_pairing(connection, pairing, actor=ACTOR)


def undo(store: Store, pairing_id: str) -> None:
    with (
        store.writing() as connection,
        counting_places(connection, a_practice(), "r1", actor=ACTOR),
    ):
        event = PairingEvent(pairing_id, "withdrawn", TODAY)
        record_event(connection, event, actor=ACTOR, today=TODAY)


def test_a_place_is_given_back_when_the_start_is_undone_and_taken_when_it_is_repeated(
    a_store: Store,
) -> None:
    put_roster(a_store)
    recommend(a_store)
    seen = [places(a_store)]
    decide(a_store, "k01")
    seen.append(places(a_store))
    begin(a_store, "p1")
    seen.append(places(a_store))
    undo(a_store, "p1")
    seen.append(places(a_store))
    begin(a_store, "p2")
    seen.append(places(a_store))
    assert seen == [[1, 2], [0, 2], [0, 2], [1, 2], [0, 2]]


def test_a_place_given_back_is_not_given_back_again_by_the_next_decision(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store)
    decide(a_store, "k01")
    begin(a_store, "p1")
    undo(a_store, "p1")
    decide(a_store, "k02")
    assert places(a_store) == [1, 1]
    begin(a_store, "p2", "k02")
    undo(a_store, "p2")
    assert places(a_store) == [1, 2]


def test_the_start_is_refused_when_the_place_has_gone_meanwhile(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store)
    recommend(a_store, "r2", "c0002")
    decide(a_store, "k01")
    begin(a_store, "p1")
    undo(a_store, "p1")
    decide(a_store, "k01", "r2")
    with pytest.raises(ConflictError, match="no open place left"):
        begin(a_store, "p2")
    assert places(a_store) == [0, 2]


def test_versions_of_a_request_hold_one_place_together(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store, "r1")
    decide(a_store, "k01", "r1")
    recommend(a_store, "r2", replaces="r1")
    assert places(a_store) == [0, 2]
    decide(a_store, "k02", "r2")
    assert places(a_store) == [1, 1]
    decide(a_store, "k01", "r2")
    assert places(a_store) == [0, 2]


def test_the_same_clinician_on_a_newer_version_takes_no_second_place(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store, "r1")
    decide(a_store, "k01", "r1")
    recommend(a_store, "r2", replaces="r1")
    decide(a_store, "k01", "r2")
    assert places(a_store) == [0, 2]
    decide(a_store, "k02", "r1")
    assert places(a_store) == [1, 1]
    decide(a_store, "k01", "r2")
    assert places(a_store) == [0, 2]
