"""Requests that lead nowhere are closed for a reason, and opened again with one press."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from recommender.errors import ConflictError, FeedbackError, NotFoundError
from recommender.journal.audit_log import verify
from recommender.journal.closings import (
    CLOSED,
    REASONS,
    REOPENED,
    RESUMED,
    closing_in_force,
    closings_by_recommendation,
    record_closing,
)
from recommender.journal.pairings import Pairing, PairingEvent, record_event, record_pairing
from recommender.journal.places import counting_places
from recommender.journal.privacy_requests import erase_subject, export_subject
from recommender.journal.rated_pairings import exposures
from recommender.journal.recommendations import Decision, record_decision
from recommender.journal.roster_versions import current_roster
from recommender.journal.work_items import ANSWER, BOOK, DECIDE
from recommender.journal.work_list import TASKS, WorkFilter, newest_requests
from recommender.journal.work_search import search_work
from recommender.store.database import Store
from recommender.store.schema import audit, closings
from tests.support.builders import a_practice
from tests.support.journal_rows import (
    ACTOR,
    SAID_AT,
    TODAY,
    close,
    count,
    decide,
    pair,
    put_roster,
    recommend,
    reopen,
    wish,
)

EVERYTHING = WorkFilter(SAID_AT, (2, 5))


def listed(store: Store) -> dict[str, list[str | None]]:
    """Ids of the requests of each list with any."""
    with store.reading() as connection:
        items = {
            task: [each.recommendation_id for each in look(connection, EVERYTHING, limit=9)]
            for task, look in TASKS.items()
        }
        newest = newest_requests(connection, EVERYTHING, limit=9)
    open_requests = {each.recommendation_id for each in newest}
    assert open_requests == {name for names in items.values() for name in names}
    return {task: names for task, names in items.items() if names}


def kinds(store: Store, name: str = "r1") -> list[str]:
    with store.reading() as connection:
        found = closings_by_recommendation(connection, [name])
    return [each.kind for each in found.get(name, ())]


def found(store: Store, sought: str = "c0001") -> dict[str | None, tuple[str, str | None]]:
    """State and reason by request, as search finds them."""
    with store.reading() as connection:
        items = search_work(connection, sought, (), (2, 5), limit=9)
    return {each.recommendation_id: (each.state, each.closed_for) for each in items}


def to_decide(store: Store) -> None:
    recommend(store)


def to_book(store: Store) -> None:
    recommend(store)
    decide(store)


def to_answer(store: Store) -> None:
    recommend(store)
    wish(store)


@pytest.mark.both_databases("correlated subqueries, the trigger of the table")
@pytest.mark.parametrize(
    ("before", "task"), [(to_decide, DECIDE), (to_book, BOOK), (to_answer, ANSWER)]
)
def test_a_closed_request_leaves_the_work_list_is_found_by_search_and_comes_back(
    a_store: Store, before: Callable[[Store], None], task: str
) -> None:
    before(a_store)
    assert listed(a_store) == {task: ["r1"]}
    close(a_store, reason="went_elsewhere")
    assert listed(a_store) == {}
    assert found(a_store) == {"r1": ("closed", "went_elsewhere")}
    reopen(a_store)
    assert listed(a_store) == {task: ["r1"]}
    assert kinds(a_store) == [CLOSED, REOPENED]
    with a_store.reading() as connection:
        actions = list(connection.execute(select(audit.c.action).order_by(audit.c.seq)).scalars())
        assert verify(connection).holds
    assert actions[-2:] == ["request.closed", "request.reopened"]


def test_a_closed_request_takes_no_decision_until_it_is_reopened(a_store: Store) -> None:
    recommend(a_store)
    close(a_store)
    with pytest.raises(ConflictError, match="is closed; reopen it first"):
        decide(a_store)
    reopen(a_store)
    decide(a_store)


def test_it_is_closed_once_and_reopened_once(a_store: Store) -> None:
    recommend(a_store)
    with pytest.raises(ConflictError, match="is not closed"):
        reopen(a_store)
    close(a_store)
    with pytest.raises(ConflictError, match="is closed already"):
        close(a_store)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(CLOSED, None), (CLOSED, "tired"), (REOPENED, "other"), (RESUMED, None)],
)
def test_only_known_kinds_and_reasons_are_stored(
    a_store: Store, kind: str, reason: str | None
) -> None:
    recommend(a_store)
    with a_store.writing() as connection, pytest.raises(FeedbackError):
        record_closing(connection, "r1", kind, reason, actor=ACTOR)
    with a_store.writing() as connection, pytest.raises(NotFoundError):
        record_closing(connection, "unknown", CLOSED, REASONS[0], actor=ACTOR)


def test_what_has_started_and_what_was_replaced_is_not_closed(a_store: Store) -> None:
    recommend(a_store)
    recommend(a_store, "r2", replaces="r1")
    with pytest.raises(ConflictError, match="was replaced; close the newest version"):
        close(a_store, "r1")
    pair(a_store, recommendation_id="r2")
    with pytest.raises(ConflictError, match="has started"):
        close(a_store, "r2")


@pytest.mark.parametrize(
    ("go_on", "task", "name"),
    [
        (lambda store: wish(store, clinician_id="k02"), ANSWER, "r1"),
        (lambda store: recommend(store, "r2", replaces="r1"), DECIDE, "r2"),
        (lambda store: pair(store, began=None), BOOK, "r1"),
    ],
    ids=["a wish", "a later version", "a pairing"],
)
def test_a_client_who_goes_on_with_a_closed_request_is_on_the_list_again(
    a_store: Store, go_on: Callable[[Store], object], task: str, name: str
) -> None:
    recommend(a_store)
    if task == BOOK:
        decide(a_store)
    close(a_store)
    go_on(a_store)
    assert listed(a_store) == {task: [name]}
    assert kinds(a_store) == [CLOSED, RESUMED]


def places(store: Store) -> int:
    with store.reading() as connection:
        return int(current_roster(connection).rows["k01"]["places"])


def test_a_closed_request_holds_no_place_and_reopening_takes_it_again(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store)
    recommend(a_store, "r2", "c0002")

    def counted(write: Callable[..., object], *given: object, name: str = "r1") -> int:
        with (
            a_store.writing() as connection,
            counting_places(connection, a_practice(), name, actor=ACTOR),
        ):
            write(connection, *given, actor=ACTOR)
        return places(a_store)

    assert counted(record_decision, Decision("r1", "k01")) == 0
    assert counted(record_closing, "r1", CLOSED, "other") == 1
    assert counted(record_closing, "r1", REOPENED, None) == 0
    assert counted(record_closing, "r1", CLOSED, "other") == 1
    assert counted(record_decision, Decision("r2", "k01"), name="r2") == 0
    with pytest.raises(ConflictError):
        counted(record_closing, "r1", REOPENED, None)
    with a_store.reading() as connection:
        assert closing_in_force(connection, "r1") is not None


def test_going_on_with_a_closed_request_takes_the_place_with_the_pairing(a_store: Store) -> None:
    put_roster(a_store)
    recommend(a_store)
    practice, decision = a_practice(), Decision("r1", "k01")
    with a_store.writing() as connection:
        with counting_places(connection, practice, "r1", actor=ACTOR):
            record_decision(connection, decision, actor=ACTOR)
        with counting_places(connection, practice, "r1", actor=ACTOR):
            record_closing(connection, "r1", CLOSED, "other", actor=ACTOR)
    wish(a_store)
    assert places(a_store) == 1
    with a_store.writing() as connection:
        with counting_places(connection, practice, "r1", actor=ACTOR):
            record_pairing(connection, Pairing("p1", "c0001", "k01", "r1"), actor=ACTOR)
        event = PairingEvent("p1", "booked", TODAY)
        record_event(connection, event, actor=ACTOR, today=TODAY)
    assert places(a_store) == 0


def test_closed_requests_are_in_no_count_of_a_clinician(a_store: Store) -> None:
    recommend(a_store)
    recommend(a_store, "r2", "c0002")
    decide(a_store, "r2")
    with a_store.reading() as connection:
        before = exposures(connection, since=SAID_AT)["k01"]
    close(a_store)
    close(a_store, "r2")
    with a_store.reading() as connection:
        after = exposures(connection, since=SAID_AT)
    assert (before.shown, before.chosen) == (2, 1)
    assert after == {}
    reopen(a_store, "r2")
    with a_store.reading() as connection:
        assert exposures(connection, since=SAID_AT)["k01"].chosen == 1


def test_closings_are_exported_and_erased_with_their_client(a_store: Store) -> None:
    recommend(a_store)
    recommend(a_store, "r2", "c0002")
    close(a_store, reason="duplicate")
    close(a_store, "r2")
    with a_store.writing() as connection:
        exported = json.loads(export_subject(connection, "c0001", actor=ACTOR))
    assert [each["reason"] for each in exported["closings"]] == ["duplicate"]
    erased = erase_subject(a_store, "c0001", actor=ACTOR)
    assert erased.rows["closings"] == 1
    assert count(a_store, closings) == 1
