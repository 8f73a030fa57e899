"""What is to be done next, by task."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from recommender.journal.pairings import PairingEvent, record_event
from recommender.journal.ratings import withdraw_rating
from recommender.journal.work_items import ANSWER, BOOK, DECIDE, NOTHING, OVER, RATE, RATED
from recommender.journal.work_list import (
    TASKS,
    WorkFilter,
    newest_requests,
    recently_rated,
    to_decide,
)
from recommender.store.database import Store
from tests.support.journal_rows import ACTOR, TODAY, decide, pair, rate, recommend, wish

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EARLY = (2, 5)
EVERYTHING = WorkFilter(LONG_AGO, EARLY)
STEPS_A_REQUEST = 150
"""Instructions of SQLite for a request that a list passes over; a second runs tens of millions."""


def tasks(store: Store, wanted: WorkFilter = EVERYTHING) -> dict[str, list[str | None]]:
    """Ids of the requests of each list."""
    with store.reading() as connection:
        return {
            task: [each.recommendation_id for each in look(connection, wanted, limit=50)]
            for task, look in TASKS.items()
        }


def task_of(store: Store, name: str) -> str:
    """What the list of the newest requests says of one."""
    with store.reading() as connection:
        items = newest_requests(connection, EVERYTHING, limit=50)
    return next(each.task for each in items if each.recommendation_id == name)


def follow(store: Store, pairing_id: str, kind: str, session: int | None = None) -> None:
    with store.writing() as connection:
        event = PairingEvent(pairing_id, kind, date(2026, 10, 20), session=session)
        record_event(connection, event, actor=ACTOR, today=TODAY)


@pytest.mark.both_databases("order of rows, correlated subqueries")
def test_a_request_is_in_the_list_of_what_is_to_be_done_next(a_store: Store) -> None:
    for number in range(1, 7):
        recommend(a_store, f"r{number}", f"c000{number}")
    for number in (2, 3, 4, 5):
        decide(a_store, f"r{number}")
    pair(a_store, "p3", "c0003", recommendation_id="r3", began=None)
    pair(a_store, "p4", "c0004", recommendation_id="r4")
    follow(a_store, "p4", "attended", EARLY[0])
    pair(a_store, "p5", "c0005", recommendation_id="r5")
    rate(a_store, "p5")
    wish(a_store, "r6", actor="matching-page")

    assert tasks(a_store) == {
        ANSWER: ["r6"],
        DECIDE: ["r1"],
        BOOK: ["r3", "r2"],
        RATE: ["r4"],
    }
    assert [task_of(a_store, f"r{number}") for number in range(1, 7)] == [
        DECIDE,
        BOOK,
        BOOK,
        RATE,
        NOTHING,
        ANSWER,
    ]


def test_a_request_whose_pairing_was_withdrawn_is_to_be_booked_again(a_store: Store) -> None:
    recommend(a_store)
    decide(a_store, "r1")
    pair(a_store)
    assert tasks(a_store)[BOOK] == []
    follow(a_store, "p1", "withdrawn")
    assert tasks(a_store)[BOOK] == ["r1"]
    assert task_of(a_store, "r1") == BOOK


def test_a_decision_answers_a_wish_and_a_later_wish_is_to_be_answered(a_store: Store) -> None:
    recommend(a_store)
    wish(a_store, "r1", actor="matching-page")
    decide(a_store, "r1")
    assert (tasks(a_store)[ANSWER], tasks(a_store)[BOOK]) == ([], ["r1"])
    wish(a_store, "r1", None, actor="matching-page")
    assert (tasks(a_store)[ANSWER], tasks(a_store)[BOOK]) == (["r1"], [])


def test_a_pairing_that_came_of_no_request_is_asked_for_its_rating_too(a_store: Store) -> None:
    pair(a_store, recommendation_id=None)
    follow(a_store, "p1", "attended", EARLY[0])
    with a_store.reading() as connection:
        (item,) = TASKS[RATE](connection, EVERYTHING, limit=50)
    assert (item.pairing_id, item.client_id, item.recommendation_id) == ("p1", "c0001", None)


def test_a_rating_that_was_withdrawn_is_due_again_until_the_pairing_ends(a_store: Store) -> None:
    recommend(a_store)
    pair(a_store)
    follow(a_store, "p1", "attended", EARLY[0])
    rating = rate(a_store)
    with a_store.reading() as connection:
        (item,) = recently_rated(connection, EVERYTHING, limit=50)
    assert (item.pairing_id, item.state) == ("p1", RATED)
    assert tasks(a_store)[RATE] == []
    with a_store.writing() as connection:
        withdraw_rating(connection, rating.rating_id, seen=1, reason="mistyped", actor=ACTOR)
        assert recently_rated(connection, EVERYTHING, limit=50) == ()
    assert tasks(a_store)[RATE] == ["r1"]
    follow(a_store, "p1", "ended")
    assert tasks(a_store)[RATE] == []
    with a_store.reading() as connection:
        (item,) = newest_requests(connection, EVERYTHING, limit=50)
    assert (item.task, item.state) == (NOTHING, OVER)


def test_the_list_is_that_of_one_caller_or_of_today(a_store: Store) -> None:
    recommend(a_store)
    assert tasks(a_store, WorkFilter(LONG_AGO, EARLY, ACTOR))[DECIDE] == ["r1"]
    assert tasks(a_store, WorkFilter(LONG_AGO, EARLY, "key-2"))[DECIDE] == []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert tasks(a_store, WorkFilter(tomorrow, EARLY))[DECIDE] == []


def test_a_list_makes_as_many_queries_for_one_request_as_for_many(a_store: Store) -> None:
    statements: list[str] = []
    event.listen(
        a_store.engine, "before_cursor_execute", lambda *said: statements.append(str(said[2]))
    )
    counts = []
    for number in range(1, 5):
        recommend(a_store, f"r{number}", f"c000{number}")
        statements.clear()
        tasks(a_store)
        counts.append(sum(each.startswith("SELECT") for each in statements))
    assert len(set(counts)) == 1, counts


def steps(store: Store, look: Callable[[], object]) -> int:
    """Instructions that SQLite runs for a look, in hundreds."""
    hundreds = [0]

    def count() -> int:
        hundreds[0] += 1
        return 0

    def connected(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(count, 100)

    event.listen(store.engine, "checkout", connected)
    look()
    event.remove(store.engine, "checkout", connected)
    return 100 * hundreds[0]


def test_a_list_that_finds_nothing_takes_few_steps_for_each_request_it_passes(
    a_store: Store,
) -> None:
    """100,000 requests that are all decided are passed over in 15 million steps, half a second."""
    counts = []
    for number in range(1, 121):
        recommend(a_store, f"r{number}", f"c{number:04}")
        decide(a_store, f"r{number}")
        if number in (60, 120):
            with a_store.reading() as connection:

                def look() -> object:
                    return to_decide(connection, EVERYTHING, limit=50)

                assert look() == ()
            counts.append(steps(a_store, lambda: tasks(a_store)))
    assert counts[1] - counts[0] <= 60 * STEPS_A_REQUEST, counts
