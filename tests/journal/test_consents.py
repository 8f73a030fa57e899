"""What a client said last holds, whenever it was told us."""

from datetime import timedelta

import pytest

from recommender.errors import FeedbackError
from recommender.journal.consents import Consent, current_consents, record_consent
from recommender.store.database import Store
from recommender.store.schema import consents
from tests.support.journal_rows import ACTOR, SAID_AT, count


def say(store: Store, days: int = 0, **scopes: bool) -> str:
    with store.writing() as connection:
        at = SAID_AT + timedelta(days=days)
        consent = Consent("2026-1", scopes)
        return record_consent(connection, "c0001", consent, stated_at=at, actor=ACTOR).subject_id


def standing(store: Store) -> dict[tuple[str, str], bool]:
    with store.reading() as connection:
        return current_consents(connection)


def test_each_scope_stands_by_itself(a_store: Store) -> None:
    who = say(a_store, match=True, train=False)
    assert standing(a_store) == {(who, "match"): True, (who, "train"): False}


def test_what_is_taken_back_is_one_more_row(a_store: Store) -> None:
    who = say(a_store, 0, train=True)
    say(a_store, 1, train=False)
    assert standing(a_store) == {(who, "train"): False}
    assert count(a_store, consents) == 2


def test_what_was_said_earlier_does_not_hold_because_it_arrives_later(a_store: Store) -> None:
    who = say(a_store, 1, train=False)
    say(a_store, 0, train=True)
    assert standing(a_store) == {(who, "train"): False}


@pytest.mark.both_databases("order of rows")
def test_of_two_statements_at_one_moment_the_refusal_holds(a_store: Store) -> None:
    who = say(a_store, 0, train=False)
    say(a_store, 0, train=True)
    assert standing(a_store) == {(who, "train"): False}


def test_an_unknown_scope_is_refused(a_store: Store) -> None:
    with pytest.raises(FeedbackError, match="choose from match, train, research"):
        say(a_store, canary=True)
