"""Wishes: once each, for somebody who was shown, open until a decision, gone with the client."""

import re
from datetime import UTC, datetime

import pytest

from recommender.errors import FeedbackError, NotFoundError
from recommender.journal.privacy_requests import erase_subject, export_subject
from recommender.journal.retention import Ages, sweep
from recommender.journal.wishes import LETTERS, spoken, wishes_of
from recommender.journal.work_list import WorkFilter, to_answer
from recommender.journal.work_search import search_work
from recommender.store.database import Store
from recommender.store.schema import wishes
from tests.support.journal_rows import ACTOR, count, decide, pair, recommend, wish

EVERYTHING = WorkFilter(datetime(2000, 1, 1, tzinfo=UTC), (2, 5))


def open_references(store: Store) -> list[str]:
    with store.reading() as connection:
        found = (item.wish for item in to_answer(connection, EVERYTHING, limit=50))
        return [each.reference for each in found if each is not None]


def test_the_same_wish_again_is_stored_once(a_store: Store) -> None:
    recommend(a_store)
    assert wish(a_store) == wish(a_store)
    assert count(a_store, wishes) == 1


def test_a_later_wish_has_the_same_reference_and_is_in_force(a_store: Store) -> None:
    recommend(a_store)
    first, second, third = wish(a_store), wish(a_store, clinician_id=None), wish(a_store)
    assert first.reference == second.reference == third.reference
    assert re.fullmatch(f"[{LETTERS}]{{3}}-[{LETTERS}]{{3}}", spoken(first.reference))
    with a_store.reading() as connection:
        assert [each.clinician_id for each in wishes_of(connection, "r1")] == ["k01", None, "k01"]
    assert open_references(a_store) == [third.reference]


def test_somebody_who_was_not_shown_cannot_be_asked_for(a_store: Store) -> None:
    recommend(a_store)
    with pytest.raises(FeedbackError, match="was not shown"):
        wish(a_store, clinician_id="k09")
    assert count(a_store, wishes) == 0


def test_a_decision_closes_a_wish_and_a_new_wish_opens_it_again(a_store: Store) -> None:
    recommend(a_store)
    made = wish(a_store)
    decide(a_store, "r1", "k02")
    assert open_references(a_store) == []
    wish(a_store, clinician_id=None)
    assert open_references(a_store) == [made.reference]


def test_a_reference_is_found_as_people_type_it(a_store: Store) -> None:
    recommend(a_store)
    recommend(a_store, "r2", None)
    made = wish(a_store, "r2", None)
    with a_store.reading() as connection:
        for typed in (made.reference, spoken(made.reference), f" {made.reference.lower()} "):
            (item,) = search_work(connection, typed.strip(), (), (2, 5), limit=9)
            assert item.recommendation_id == "r2"


def test_an_export_has_the_wishes_and_an_erasure_removes_them(a_store: Store) -> None:
    recommend(a_store, client_id=None)
    wish(a_store)
    pair(a_store)
    with a_store.writing() as connection:
        assert b'"wishes": [\n  {' in export_subject(connection, "c0001", actor=ACTOR)
    assert erase_subject(a_store, "c0001", actor=ACTOR).rows["wishes"] == 1
    assert count(a_store, wishes) == 0


def test_a_client_without_a_code_is_erased_by_the_reference_they_were_given(
    a_store: Store,
) -> None:
    recommend(a_store, client_id=None)
    reference = spoken(wish(a_store).reference)
    assert erase_subject(a_store, reference, actor=ACTOR).rows["recommendations"] == 1
    with pytest.raises(NotFoundError):
        erase_subject(a_store, reference, actor=ACTOR)


def test_a_sweep_removes_wishes_with_the_recommendations_they_follow(a_store: Store) -> None:
    recommend(a_store)
    wish(a_store)
    with a_store.writing() as connection:
        assert sweep(connection, Ages(ratings=84), actor=ACTOR)["wishes"] == 0
        assert sweep(connection, Ages(ratings=0), actor=ACTOR)["wishes"] == 1
