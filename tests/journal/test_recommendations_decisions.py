"""A decision is kept with who took it, also where it departs or names what nobody knows."""

import pytest
from sqlalchemy import select

from recommender.errors import FeedbackError
from recommender.journal.recommendations import Decision, decisions_of, record_decision
from recommender.store.database import Store
from recommender.store.schema import decisions
from tests.support.journal_rows import ACTOR, count, recommend


def decide(store: Store, **changes: str) -> str:
    given = {"recommendation_id": "r1", "clinician_id": "k01"} | changes
    with store.writing() as connection:
        return record_decision(connection, Decision(**given), actor=ACTOR)


def test_a_decision_is_kept_with_reason_and_actor(a_store: Store) -> None:
    recommend(a_store)
    name = decide(a_store, clinician_id="k07", kind="override", reason="client_wish")
    with a_store.reading() as connection:
        row = connection.execute(select(decisions)).one()
    assert (row.decision_id, row.clinician_id, row.kind) == (name, "k07", "override")
    assert (row.reason, row.actor) == ("client_wish", ACTOR)


@pytest.mark.both_databases("order of rows")
def test_a_change_of_mind_is_one_more_row(a_store: Store) -> None:
    recommend(a_store)
    assert decide(a_store) != decide(a_store, clinician_id="k02")
    assert count(a_store, decisions) == 2


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"clinician_id": "k07"}, "clinician_id"),
        ({"kind": "override"}, "reason"),
        ({"kind": "guess"}, "kind"),
        ({"kind": "override", "reason": "She asked for Jane"}, "reason"),
        ({"clinician_id": "jane@canary.org"}, "clinician_id"),
    ],
)
def test_a_decision_that_would_not_say_what_happened_is_refused(
    a_store: Store, changes: dict[str, str], where: str
) -> None:
    recommend(a_store)
    with pytest.raises(FeedbackError) as refused:
        decide(a_store, **changes)
    assert {fault.where for fault in refused.value.faults} == {where}
    assert count(a_store, decisions) == 0


def test_a_decision_on_an_unknown_recommendation_is_stored(a_store: Store) -> None:
    decide(a_store, recommendation_id="r9")
    recommend(a_store, "r9")
    with a_store.reading() as connection:
        assert len(decisions_of(connection, "r9")) == 1
