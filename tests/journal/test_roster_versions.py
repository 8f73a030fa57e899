"""The roster changes only on what was seen, every version stays, and a last place is taken once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from threading import Barrier
from typing import Any

import pytest

from recommender.errors import (
    ConflictError,
    FeedbackError,
    IntakeError,
    NotFoundError,
    RecommenderError,
    StaleError,
)
from recommender.journal.roster_versions import (
    current_roster,
    give_place,
    patch_clinician,
    put_clinician,
    remove_clinician,
    take_place,
)
from recommender.store.database import Store
from recommender.store.schema import roster_versions
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, ROSTER, count, put_roster, roster_at


def take(store: Store, clinician_id: str = "k01") -> None:
    with store.writing() as connection:
        take_place(connection, a_practice(), clinician_id, "places", actor=ACTOR)


@pytest.mark.both_databases("types")
def test_a_roster_is_read_back_as_the_engine_reads_it(a_store: Store) -> None:
    put_roster(a_store)
    with a_store.reading() as connection:
        version = current_roster(connection)
    roster = version.roster(a_practice())
    assert roster.ids == ("k01", "k02")
    assert roster.names == ("One", None)
    assert roster.columns["places"].tolist() == [1, 2]
    assert roster.taken_at == version.recorded_at
    assert roster.taken_at.tzinfo is UTC


def test_before_the_first_version_there_is_nobody(a_store: Store) -> None:
    with a_store.reading() as connection:
        version = current_roster(connection)
    assert (version.number, version.etag, dict(version.rows)) == (0, "", {})
    with pytest.raises(NotFoundError):
        version.roster(a_practice())


def test_every_version_stays_as_it_was(a_store: Store) -> None:
    first = put_roster(a_store)
    second = put_roster(a_store, {"k02": ROSTER["k02"], "k03": {"guides": 1}}, first.etag)
    with a_store.reading() as connection:
        assert roster_at(connection, first.etag) == first
        assert current_roster(connection) == second
    assert dict(first.rows) == dict(ROSTER)
    assert list(second.rows) == ["k02", "k03"]


def test_a_roster_put_again_says_that_all_is_still_so(a_store: Store) -> None:
    first = put_roster(a_store)
    again = put_roster(a_store, seen=first.etag)
    assert again.rows == first.rows
    assert again.recorded_at is not None
    assert first.recorded_at is not None
    assert again.recorded_at > first.recorded_at
    assert count(a_store, roster_versions) == 2
    with a_store.reading() as connection:
        assert current_roster(connection) == again


@pytest.mark.both_databases("locks")
def test_a_writer_who_saw_an_older_roster_is_refused(a_store: Store) -> None:
    first = put_roster(a_store)
    take(a_store)
    with pytest.raises(StaleError, match="changed since it was read"):
        put_roster(a_store, {"k01": {}}, first.etag)
    with pytest.raises(StaleError):
        put_roster(a_store, {"k01": {}})


def test_a_change_of_one_clinician_does_not_disturb_a_writer_of_another(a_store: Store) -> None:
    seen = put_roster(a_store)
    take(a_store, "k01")
    with a_store.writing() as connection:
        after = patch_clinician(
            connection,
            a_practice(),
            "k02",
            {"guides": 9, "offers": None},
            seen=seen.etag_of("k02"),
            actor=ACTOR,
        )
        with pytest.raises(StaleError):
            patch_clinician(
                connection,
                a_practice(),
                "k01",
                {"guides": 9},
                seen=seen.etag_of("k01"),
                actor=ACTOR,
            )
    assert after.rows["k02"] == {"guides": 9, "places": 2, "not_with": ["c0009", "c0001"]}
    assert after.rows["k01"]["places"] == 0


def test_a_clinician_is_put_anew_or_in_the_place_of_what_was_seen(a_store: Store) -> None:
    seen = put_roster(a_store)

    def put(clinician_id: str, etag: str | None) -> None:
        with a_store.writing() as connection:
            put_clinician(
                connection, a_practice(), clinician_id, {"guides": 1}, seen=etag, actor=ACTOR
            )

    put("k03", None)
    put("k01", seen.etag_of("k01"))
    for clinician_id, etag in (("k01", None), ("k04", "gone"), ("k01", seen.etag_of("k01"))):
        with pytest.raises(StaleError):
            put(clinician_id, etag)
    with a_store.reading() as connection:
        rows = current_roster(connection).rows
    assert {name: row.get("guides") for name, row in rows.items()} == {
        "k01": 1,
        "k02": -4,
        "k03": 1,
    }


def test_a_clinician_who_leaves_is_gone_from_the_next_version_on(a_store: Store) -> None:
    seen = put_roster(a_store)
    with a_store.writing() as connection:
        after = remove_clinician(connection, "k01", seen=seen.etag_of("k01"), actor=ACTOR)
        with pytest.raises(NotFoundError):
            remove_clinician(connection, "k01", seen="any", actor=ACTOR)
    with a_store.reading() as connection:
        assert current_roster(connection) == after
        assert "k01" in roster_at(connection, seen.etag).rows
    assert list(after.rows) == ["k02"]


@pytest.mark.parametrize(
    "rows",
    [
        {"k01": {"guides": 99}},
        {"k01": {"colour": "canary"}},
        {"k01": {"name": "canary\nline"}},
        {"jane@canary.org": {}},
    ],
)
def test_a_row_that_the_definition_does_not_have_is_refused(
    a_store: Store, rows: dict[str, Any]
) -> None:
    with pytest.raises((IntakeError, FeedbackError)) as refused:
        put_roster(a_store, rows)
    assert "canary" not in str(refused.value)
    assert count(a_store, roster_versions) == 0


@pytest.mark.both_databases("locks")
def test_two_who_take_the_last_place_at_once_are_one(a_store: Store) -> None:
    put_roster(a_store, {"k01": {"places": 1}})
    barrier = Barrier(10)

    def attempt(_: int) -> bool:
        barrier.wait()
        try:
            take(a_store)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(10))) == 1
    with a_store.reading() as connection:
        assert current_roster(connection).rows["k01"]["places"] == 0


def test_as_many_as_there_are_places_are_taken_and_one_given_back_is_there_again(
    a_store: Store,
) -> None:
    put_roster(a_store)
    take(a_store, "k02")
    take(a_store, "k02")
    with pytest.raises(ConflictError, match="no open place left"):
        take(a_store, "k02")
    with a_store.writing() as connection:
        give_place(connection, a_practice(), "k02", "places", actor=ACTOR)
    take(a_store, "k02")


def test_where_places_are_not_counted_none_is_taken(a_store: Store) -> None:
    before = put_roster(a_store, {"k01": {"guides": 1}})
    take(a_store)
    with a_store.reading() as connection:
        assert current_roster(connection) == before
    with pytest.raises(RecommenderError, match="not on the roster"):
        take(a_store, "k99")
