"""What is past its age goes, what is not stays, and the sweep says what it did."""

import pytest
from sqlalchemy import text

from recommender.errors import NotFoundError
from recommender.journal.audit_log import verify
from recommender.journal.recommendations import find_recommendation, shortlist_of
from recommender.journal.retention import Ages, sweep
from recommender.store.database import Store
from recommender.store.schema import NEVER_CHANGED, metadata, payloads
from tests.support.journal_rows import ACTOR, count, pair, rate, recommend

MOMENTS = ("recorded_at", "created_at", "at", "stated_at")


def age(store: Store, months: int) -> None:
    """Makes every row so much older, which only an owner of the database can."""
    sqlite = store.engine.dialect.name == "sqlite"
    with store.writing() as connection:
        for name in NEVER_CHANGED:
            guard = f"{name}_never_changed"
            drop, disable = "DROP TRIGGER IF EXISTS", f"ALTER TABLE {name} DISABLE TRIGGER"
            connection.execute(text(f"{drop if sqlite else disable} {guard}"))
        for table in metadata.sorted_tables:
            for column in {each.name for each in table.columns} & set(MOMENTS):
                older = (
                    f"datetime({column}, '-{months} months')"
                    if sqlite
                    else f"{column} - interval '{months} months'"
                )
                connection.execute(text(f"UPDATE {table.name} SET {column} = {older}"))


def swept(store: Store, ages: Ages | None = None) -> dict[str, int]:
    with store.writing() as connection:
        return {k: v for k, v in sweep(connection, ages or Ages(), actor=ACTOR).items() if v}


def a_story(store: Store) -> None:
    recommend(store)
    pair(store)
    rate(store)


def test_what_is_young_stays(a_store: Store) -> None:
    a_story(a_store)
    age(a_store, 23)
    assert swept(a_store) == {}


def test_content_goes_after_two_years_and_what_was_ranked_stays(a_store: Store) -> None:
    a_story(a_store)
    age(a_store, 25)
    assert swept(a_store) == {"payloads": 1}
    with a_store.reading() as connection:
        assert len(shortlist_of(connection, "r1")) == 2
        with pytest.raises(NotFoundError, match="stored without its content"):
            find_recommendation(connection, "r1")


@pytest.mark.both_databases("triggers")
def test_outcomes_and_the_key_go_after_seven_years(a_store: Store) -> None:
    a_story(a_store)
    age(a_store, 85)
    counts = swept(a_store)
    assert counts["ratings"] == counts["pairings"] == counts["recommendations"] == 1
    assert counts["subjects"] == 1
    assert counts["audit"] == 4
    left = {table.name for table in metadata.sorted_tables if count(a_store, table)}
    assert left == {"audit", "audit_head", "audit_pruned"}


def test_a_practice_may_keep_for_longer_or_for_ever(a_store: Store) -> None:
    a_story(a_store)
    age(a_store, 200)
    assert swept(a_store, Ages(None, None, None)) == {}
    assert swept(a_store, Ages(payload=12, ratings=None, audit=None)) == {"payloads": 1}


@pytest.mark.both_databases("triggers")
def test_the_sweep_is_in_the_chain_and_the_chain_holds(a_store: Store) -> None:
    a_story(a_store)
    swept(a_store)
    with a_store.reading() as connection:
        assert verify(connection).holds
        last = connection.execute(text("SELECT action FROM audit ORDER BY seq DESC LIMIT 1"))
        assert last.scalar_one() == "retention.swept"


@pytest.mark.parametrize(("months", "kept"), [(24, 0), (26, 1), (None, 1)])
def test_ages_are_calendar_months(a_store: Store, months: int | None, kept: int) -> None:
    recommend(a_store)
    age(a_store, 25)
    swept(a_store, Ages(payload=months))
    assert count(a_store, payloads) == kept
