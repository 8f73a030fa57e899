"""A request that replaces another is in the list in its place; what was recorded stays."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete

from recommender.journal.recommendations import find_recommendation
from recommender.journal.request_versions import all_versions, newest_versions, versions_of
from recommender.journal.work_items import ANSWER, BOOK, DECIDE, REPLACED
from recommender.journal.work_list import TASKS, WorkFilter, newest_requests
from recommender.journal.work_search import search_work
from recommender.store.database import Store
from recommender.store.schema import recommendations
from tests.support.journal_rows import decide, recommend, wish

EVERYTHING = WorkFilter(datetime(2000, 1, 1, tzinfo=UTC), (2, 5))

pytestmark = pytest.mark.both_databases("correlated subqueries")


def listed(store: Store) -> dict[str, list[str | None]]:
    """Ids of the requests of each list that has any."""
    with store.reading() as connection:
        found = {
            task: [each.recommendation_id for each in look(connection, EVERYTHING, limit=50)]
            for task, look in TASKS.items()
        }
    return {task: ids for task, ids in found.items() if ids}


def changed_twice(store: Store) -> None:
    recommend(store, "r1")
    recommend(store, "other", "c0002")
    recommend(store, "r2", replaces="r1")
    recommend(store, "r3", replaces="r2")


def test_every_version_is_found_from_each_oldest_first(a_store: Store) -> None:
    changed_twice(a_store)
    with a_store.reading() as connection:
        for name in ("r1", "r2", "r3"):
            versions = [each.recommendation_id for each in versions_of(connection, name)]
            assert versions == ["r1", "r2", "r3"]
        newest = newest_versions(connection, ["r1", "r2", "r3", "other"])
        assert {name: each.recommendation_id for name, each in newest.items()} == {
            "r1": "r3",
            "r2": "r3",
        }
        assert find_recommendation(connection, "r2").shown.replaces == "r1"


def test_all_versions_of_some_requests_are_found_also_after_the_first_was_deleted(
    a_store: Store,
) -> None:
    changed_twice(a_store)
    with a_store.reading() as connection:
        for name in ("r1", "r2", "r3"):
            assert all_versions(connection, [name]) == ("r1", "r2", "r3")
        assert all_versions(connection, {"other", "r3"}) == ("other", "r1", "r2", "r3")
        assert all_versions(connection, ["unknown"]) == ("unknown",)
        assert all_versions(connection, []) == ()
    with a_store.writing() as connection:
        gone = recommendations.c.recommendation_id == "r1"
        connection.execute(delete(recommendations).where(gone))
    with a_store.reading() as connection:
        assert all_versions(connection, ["r1"]) == ("r1", "r2", "r3")
        assert all_versions(connection, ["r2"]) == all_versions(connection, ["r3"]) == ("r2", "r3")


def test_only_the_newest_version_is_to_be_decided_and_search_finds_the_others(
    a_store: Store,
) -> None:
    changed_twice(a_store)
    assert listed(a_store) == {DECIDE: ["r3", "other"]}
    with a_store.reading() as connection:
        newest = newest_requests(connection, EVERYTHING, limit=50)
        found = search_work(connection, "c0001", (), (2, 5), limit=50)
    assert [each.recommendation_id for each in newest] == ["r3", "other"]
    states = {each.recommendation_id: each.state == REPLACED for each in found}
    assert states == {"r1": True, "r2": True, "r3": False}


def test_a_wish_on_an_earlier_version_is_answered_on_the_newest(a_store: Store) -> None:
    recommend(a_store, "r1")
    wish(a_store, "r1", actor="matching-page")
    recommend(a_store, "r2", replaces="r1")
    assert listed(a_store) == {ANSWER: ["r2"]}
    decide(a_store, "r2")
    assert listed(a_store) == {BOOK: ["r2"]}


def test_a_request_changed_after_its_decision_is_to_be_decided_anew(a_store: Store) -> None:
    recommend(a_store, "r1")
    decide(a_store, "r1")
    assert listed(a_store) == {BOOK: ["r1"]}
    recommend(a_store, "r2", replaces="r1")
    assert listed(a_store) == {DECIDE: ["r2"]}


def test_a_decision_on_an_earlier_version_after_the_change_counts(a_store: Store) -> None:
    recommend(a_store, "r1")
    recommend(a_store, "r2", replaces="r1")
    decide(a_store, "r1")
    assert listed(a_store) == {BOOK: ["r1"]}
