from datetime import date

from sqlalchemy import event

from recommender.journal.pairings import PairingEvent, record_event
from recommender.journal.ratings import withdraw_rating
from recommender.journal.recommendations import Decision, record_decision
from recommender.journal.work_list import BEGUN, DECIDED, OPEN, RATED, WorkItem, work_list
from recommender.serving.staff.pages import work_list as page
from recommender.store.database import Store
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, TODAY, pair, rate, recommend


def listed(store: Store, sought: str = "") -> tuple[WorkItem, ...]:
    with store.reading() as connection:
        return work_list(connection, limit=50, sought=sought)


def decide(store: Store, name: str, clinician_id: str = "k01") -> None:
    with store.writing() as connection:
        record_decision(connection, Decision(name, clinician_id), actor=ACTOR)


def test_each_recommendation_is_listed_newest_first_with_what_became_of_it(a_store: Store) -> None:
    for number in range(1, 5):
        recommend(a_store, f"r{number}", f"c000{number}")
    decide(a_store, "r2", "k02")
    decide(a_store, "r2", "k01")
    pair(a_store, "p3", "c0003", recommendation_id="r3")
    pair(a_store, "p4", "c0004", recommendation_id="r4")
    rate(a_store, "p4")
    items = listed(a_store)

    states = {"r4": RATED, "r3": BEGUN, "r2": DECIDED, "r1": OPEN}
    assert {item.recommendation_id: item.state for item in items} == states
    assert [item.recommendation_id for item in items] == list(states)
    assert [item.pairing_ids for item in items] == [("p4",), ("p3",), (), ()]
    decided = items[2].decided
    assert decided is not None
    assert decided.decision.clinician_id == "k01"


def test_a_withdrawn_rating_does_not_count(a_store: Store) -> None:
    recommend(a_store)
    pair(a_store)
    rating = rate(a_store)
    with a_store.writing() as connection:
        withdraw_rating(connection, rating.rating_id, seen=1, reason="mistyped", actor=ACTOR)

    assert [item.state for item in listed(a_store)] == [BEGUN]


def test_a_client_or_an_id_may_be_sought(a_store: Store) -> None:
    for number in (1, 2):
        recommend(a_store, f"r{number}", f"c000{number}")

    for sought in ("c0002", "r2"):
        assert [item.recommendation_id for item in listed(a_store, sought)] == ["r2"]
    assert listed(a_store, "c0003") == ()


def test_the_page_makes_as_many_queries_for_one_request_as_for_many(a_store: Store) -> None:
    statements: list[str] = []
    event.listen(
        a_store.engine, "before_cursor_execute", lambda *said: statements.append(str(said[2]))
    )

    def queries() -> int:
        statements.clear()
        with a_store.reading() as connection:
            items = page._items(connection, "", a_practice())
        assert all(item.state == BEGUN for item in items)
        return sum(statement.startswith("SELECT") for statement in statements)

    counts = []
    for number in range(1, 9):
        recommend(a_store, f"r{number}", f"c000{number}")
        pair(a_store, f"p{number}", f"c000{number}", recommendation_id=f"r{number}")
        counts.append(queries())

    assert counts == [6] * 8


def test_a_begun_pairing_without_its_early_rating_is_due(a_store: Store) -> None:
    first, _ = a_practice().alliance.early_sessions
    recommend(a_store, "r1")
    pair(a_store, "p1", began=None)
    with a_store.reading() as connection:
        assert [item.state for item in page._items(connection, "", a_practice())] == [BEGUN]
    attend(a_store, "p1", first)
    with a_store.reading() as connection:
        assert [item.state for item in page._items(connection, "", a_practice())] == [page.DUE]


def attend(store: Store, pairing_id: str, session: int) -> None:
    with store.writing() as connection:
        attended = PairingEvent(pairing_id, "attended", date(2026, 10, 20), session=session)
        record_event(connection, attended, actor=ACTOR, today=TODAY)
