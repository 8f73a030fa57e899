"""Ratings recorded anew under another session or questionnaire."""

import pytest

from recommender.errors import ConflictError
from recommender.journal.rating_moves import move_rating
from recommender.journal.ratings import (
    Rating,
    StoredRating,
    current_ratings,
    rating_history,
    withdraw_rating,
)
from recommender.store.database import Store
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, TODAY, a_rating, pair, rate


def move(store: Store, rating_id: str, rating: Rating, seen: int = 1) -> StoredRating:
    with store.writing() as connection:
        return move_rating(
            connection,
            a_practice(),
            rating_id,
            rating,
            seen=seen,
            reason="wrong_form",
            actor=ACTOR,
            today=TODAY,
        )


def sessions(store: Store) -> list[int]:
    with store.reading() as connection:
        return [each.session for each in current_ratings(connection)]


def test_a_rating_of_the_wrong_session_is_withdrawn_there_and_recorded_under_the_right_one(
    a_store: Store,
) -> None:
    pair(a_store)
    wrong = rate(a_store)
    moved = move(a_store, wrong.rating_id, a_rating(session=4))
    assert moved.rating_id != wrong.rating_id
    assert sessions(a_store) == [4]
    with a_store.reading() as connection:
        last = rating_history(connection, wrong.rating_id)[-1]
    assert (last.withdrawn, last.reason) == (True, "wrong_form")


def test_a_rating_is_moved_to_where_one_was_withdrawn_before(a_store: Store) -> None:
    pair(a_store)
    first, other = rate(a_store), rate(a_store, session=4)
    with a_store.writing() as connection:
        withdraw_rating(connection, other.rating_id, seen=1, reason="other", actor=ACTOR)
    moved = move(a_store, first.rating_id, a_rating(session=4))
    assert (moved.rating_id, moved.version) == (other.rating_id, 3)
    assert sessions(a_store) == [4]


def test_a_rating_is_not_moved_to_where_one_is_in_force_and_stays(a_store: Store) -> None:
    pair(a_store)
    first = rate(a_store)
    rate(a_store, session=4)
    with pytest.raises(ConflictError, match="was rated before"):
        move(a_store, first.rating_id, a_rating(session=4))
    assert sessions(a_store) == [3, 4]
