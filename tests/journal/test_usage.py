from datetime import UTC, datetime, timedelta

import pytest

from recommender.journal.rated_pairings import (
    Exposure,
    exposures,
    model_uses,
    rated_pairings,
    requests_counted,
)
from recommender.journal.recommendations import ShortlistRow, intakes
from recommender.store.database import Store
from tests.support.journal_rows import ANSWERS, close, decide, pair, rate, recommend

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_clinician_is_counted_as_shown_first_chosen_and_begun(a_store: Store) -> None:
    recommend(a_store, "r1")
    recommend(a_store, "r2", "c0002", shortlist=(ShortlistRow("k02", 4.0),))
    decide(a_store, "r1", "k01")
    decide(a_store, "r1", "k02")
    pair(a_store, clinician_id="k02")
    rate(a_store)
    pair(a_store, "p2", "c0002", clinician_id="k02", recommendation_id=None)
    with a_store.reading() as connection:
        found = exposures(connection, since=LONG_AGO)
        assert exposures(connection, since=datetime.now(UTC) + timedelta(days=1)) == {}
    assert found == {"k01": Exposure(1, 1, 0, 0), "k02": Exposure(2, 1, 1, 2, 1)}


def test_requests_that_fitted_nobody_are_counted_and_closed_ones_are_not(a_store: Store) -> None:
    for number in range(3):
        recommend(a_store, f"r{number}", f"c000{number}", shortlist=())
    close(a_store, "r2")
    with a_store.reading() as connection:
        assert exposures(connection, since=LONG_AGO) == {}
        assert requests_counted(connection, since=LONG_AGO) == 2
        assert requests_counted(connection, since=datetime.now(UTC) + timedelta(days=1)) == 0


@pytest.mark.both_databases("aggregates")
def test_models_are_told_by_what_they_answered_the_last_one_first(a_store: Store) -> None:
    for number, digest in enumerate("aab"):
        recommend(a_store, f"r{number}", f"c000{number}", model_digest=digest * 64)
    with a_store.reading() as connection:
        last, before = model_uses(connection)
    assert (last.digest, last.requests, last.mode) == ("b" * 64, 1, "model")
    assert (before.digest, before.requests) == ("a" * 64, 2)
    assert before.first_at <= before.last_at <= last.first_at


def test_intakes_come_newest_first_without_those_nothing_was_predicted_for(
    a_store: Store,
) -> None:
    recommend(a_store, "r1")
    recommend(a_store, "r2", "c0002", answers={**ANSWERS, "concern": "grief"})
    recommend(a_store, "r3", "c0003", mode="constraints_only")
    with a_store.reading() as connection:
        found = intakes(connection, limit=10, without="constraints_only")
        assert len(intakes(connection, limit=1, without="")) == 1
    assert [each["concern"] for each in found] == ["grief", "anxiety"]


def test_a_rated_pairing_counts_once_its_start_is_known(a_store: Store) -> None:
    recommend(a_store, "r1")
    pair(a_store)
    rate(a_store)
    pair(a_store, "p2", "c0002", recommendation_id=None)
    rate(a_store, "p2")
    pair(a_store, "p3", "c0003", recommendation_id=None)
    with a_store.reading() as connection:
        found = rated_pairings(connection)
    assert [(each.pairing_id, each.clinician_id) for each in found] == [
        ("p1", "k01"),
        ("p2", "k01"),
    ]
    assert [len(each.ratings) for each in found] == [1, 1]
