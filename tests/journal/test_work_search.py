"""Requests and pairings found by what people type."""

from typing import Any

import pytest
from sqlalchemy import event

from recommender.journal.work_search import search_work
from recommender.store.database import Store
from tests.support.journal_rows import decide, pair, recommend

NAME = "4c947ae2" + "0" * 24


def found(store: Store, sought: str, clinician_ids: tuple[str, ...] = ()) -> list[str | None]:
    with store.reading() as connection:
        items = search_work(connection, sought, clinician_ids, (2, 5), limit=50)
    return [each.recommendation_id or each.pairing_id for each in items]


@pytest.mark.both_databases("collation, LIKE")
@pytest.mark.parametrize(
    "typed", ["C-1042", "c-1042", "1042", "c1042", "104", "4c947ae2", "4C94", NAME]
)
def test_a_request_is_found_by_part_of_its_client_code_or_the_start_of_its_id(
    a_store: Store, typed: str
) -> None:
    recommend(a_store, NAME, "C-1042")
    recommend(a_store, "a" * 32, "C-2001")
    assert found(a_store, typed) == [NAME]


@pytest.mark.parametrize("typed", ["1", "%", "_", "c_1042x", "zz", "4c9", "0000"])
def test_a_text_that_is_short_or_in_no_code_finds_nothing(a_store: Store, typed: str) -> None:
    recommend(a_store, NAME, "C-1042")
    assert found(a_store, typed) == []


def test_a_request_is_found_by_the_clinician_it_was_decided_for(a_store: Store) -> None:
    recommend(a_store)
    decide(a_store, "r1", "k02")
    assert found(a_store, "fig", ("k02",)) == ["r1"]
    assert found(a_store, "fig", ("k01",)) == []


def test_a_pairing_that_came_of_no_request_is_found_by_its_client(a_store: Store) -> None:
    pair(a_store, recommendation_id=None)
    assert found(a_store, "c0001") == ["p1"]


def test_no_table_of_requests_or_what_followed_is_read_from_end_to_end(a_store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(
        a_store.engine,
        "before_cursor_execute",
        lambda *said: asked.append((str(said[2]), said[3])),
    )
    recommend(a_store, NAME, "C-1042")
    asked.clear()
    for typed in ("4c947ae2", "C-1042", "K7M-4PX"):
        found(a_store, typed, ("k01",))
    with a_store.reading() as connection:
        plans = {
            str(row[3])
            for text, values in asked
            if text.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        }
    read = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert read <= {"subjects", "CONSTANT", "(subquery-1)", "(subquery-2)"}, plans
    assert {plan.split("USING ")[1].split(" (")[0] for plan in plans if "_clinician" in plan} == {
        f"INDEX ix_{table}_clinician" for table in ("decisions", "pairings", "wishes")
    }
