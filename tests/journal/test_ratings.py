"""Ratings are taken as training takes them, and corrected without being overwritten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from recommender.errors import ConflictError, FeedbackError, NotFoundError, StaleError
from recommender.journal.ratings import (
    StoredRating,
    correct_rating,
    current_ratings,
    rating_history,
    withdraw_rating,
)
from recommender.store.database import Store
from recommender.store.schema import rating_versions, ratings
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, TODAY, a_rating, count, pair, rate

ITEMS = tuple([4.0] * 11 + [None])


def correct(store: Store, kept: StoredRating, seen: int, **changes: Any) -> StoredRating:
    with store.writing() as connection:
        return correct_rating(
            connection,
            a_practice(),
            kept.rating_id,
            a_rating(**changes),
            seen=seen,
            reason="typing_error",
            actor="key-2",
            today=TODAY,
        )


def test_a_total_and_items_are_worth_what_training_says(a_store: Store) -> None:
    # (48 - 12) / (60 - 12), and items of 4 on 1 to 5.
    assert rate(a_store).pomp == pytest.approx(36 / 48)
    answered = rate(a_store, session=4, metric="items", score=None, items=tuple([4.0] * 12))
    assert answered.pomp == pytest.approx(3 / 4)


def test_a_form_with_too_few_answers_is_kept_and_worth_nothing(a_store: Store) -> None:
    few = tuple([4.0] * 3 + [None] * 9)
    kept = rate(a_store, metric="items", score=None, items=few)
    assert kept.pomp is None
    with a_store.reading() as connection:
        assert rating_history(connection, kept.rating_id)[0].rating.items == few


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"score": 61.0}, "score"),
        ({"score": None}, "score"),
        ({"instrument": "mood"}, "instrument"),
        ({"metric": "items"}, "score"),
        ({"metric": "items", "score": None, "items": tuple([9.0] * 12)}, "item_1"),
        ({"session": 0}, "session"),
        ({"rated_on": date(2026, 12, 1)}, "rated_on"),
        ({"known_on": date(2026, 10, 1)}, "known_on"),
        ({"rated_on": date(2026, 10, 1)}, "rated_on"),
        ({"rater": "mother"}, "rater"),
        ({"pairing_id": "jane@canary.org"}, "pairing_id"),
    ],
)
def test_what_training_would_refuse_is_refused_at_the_door(
    a_store: Store, changes: dict[str, Any], where: str
) -> None:
    pair(a_store)
    with pytest.raises(FeedbackError) as refused:
        rate(a_store, **({"pairing_id": "p1"} | changes))
    assert where in [fault.where for fault in refused.value.faults]
    assert "canary" not in str(refused.value)
    assert count(a_store, ratings) == 0


def test_a_rating_without_a_day_known_was_known_the_day_it_came(a_store: Store) -> None:
    kept = rate(a_store, known_on=None)
    with a_store.reading() as connection:
        assert rating_history(connection, kept.rating_id)[0].rating.known_on == TODAY


@pytest.mark.both_databases("unique indexes")
def test_one_session_is_rated_once_by_one_rater_on_one_form(a_store: Store) -> None:
    rate(a_store)
    with pytest.raises(ConflictError, match="was rated before"):
        rate(a_store, score=30.0)
    rate(a_store, session=4)
    rate(a_store, rater="clinician")
    assert count(a_store, ratings) == 3


@pytest.mark.both_databases("locks")
def test_two_at_once_on_one_session_are_one(a_store: Store) -> None:
    def attempt(score: float) -> bool:
        try:
            rate(a_store, score=score)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(attempt, (40.0, 41.0, 42.0, 43.0)))
    assert sum(won) == 1
    assert count(a_store, rating_versions) == 1


@pytest.mark.both_databases("types")
def test_a_correction_stands_and_what_it_corrects_stays_visible(a_store: Store) -> None:
    kept = rate(a_store, score=12.0)
    again = correct(a_store, kept, 1, score=48.0)
    assert (again.rating_id, again.version, again.pomp) == (kept.rating_id, 2, 0.75)
    with a_store.reading() as connection:
        history = rating_history(connection, kept.rating_id)
        current = current_ratings(connection)
    assert [(each.version, each.rating.score, each.actor) for each in history] == [
        (1, 12.0, ACTOR),
        (2, 48.0, "key-2"),
    ]
    assert history[1].reason == "typing_error"
    assert [rating.score for rating in current] == [48.0]


def test_who_corrects_an_older_version_is_told(a_store: Store) -> None:
    kept = rate(a_store)
    correct(a_store, kept, 1, score=40.0)
    with pytest.raises(StaleError, match="not the newest version"):
        correct(a_store, kept, 1, score=30.0)
    assert count(a_store, rating_versions) == 2


def test_a_correction_stays_with_its_session_and_form(a_store: Store) -> None:
    kept = rate(a_store)
    with pytest.raises(FeedbackError, match="differs from the rating corrected"):
        correct(a_store, kept, 1, session=4)


def test_a_withdrawn_rating_no_longer_counts_and_may_be_corrected_back(a_store: Store) -> None:
    kept = rate(a_store)
    with a_store.writing() as connection:
        withdraw_rating(connection, kept.rating_id, seen=1, reason="wrong_client", actor=ACTOR)
        assert current_ratings(connection) == ()
        assert rating_history(connection, kept.rating_id)[-1].withdrawn
    correct(a_store, kept, 2)
    with a_store.reading() as connection:
        assert current_ratings(connection) == (a_rating(),)


def test_a_rating_nobody_made_has_no_history(a_store: Store) -> None:
    with a_store.reading() as connection, pytest.raises(NotFoundError):
        rating_history(connection, "none")
