"""Every event reaches every endpoint at least once, or its failure can be seen and repeated."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from recommender.errors import NotFoundError
from recommender.journal.privacy_requests import erase_subject, export_subject
from recommender.journal.ratings import correct_rating, withdraw_rating
from recommender.journal.recommendations import Decision, record_decision
from recommender.journal.retention import Ages, sweep
from recommender.journal.webhook_events import DECIDED, RATED
from recommender.security.keys import Pepper
from recommender.store.database import Store, database_time, open_store
from recommender.store.schema import audit, webhook_deliveries, webhook_events
from recommender.webhooks.deliveries import (
    CLAIM,
    JITTER,
    MAX_ATTEMPTS,
    OFF_AFTER,
    PAUSES,
    Delivery,
    Result,
    deliver_due,
    list_deliveries,
    oldest_waiting,
    retry_failed,
)
from recommender.webhooks.endpoints import list_endpoints, remove_endpoint, switch_on
from recommender.webhooks.sending import Attempt, send
from tests.support.builders import a_practice
from tests.support.journal_rows import ACTOR, TODAY, a_rating, count, decide, pair, rate, recommend
from tests.support.server import PEPPER
from tests.support.webhook_receiver import running_receiver, subscribe


@dataclass(slots=True)
class Desk:
    """A server that delivers when the test lets it, at the time the test says."""

    store: Store
    workers: ThreadPoolExecutor
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(seconds=5))
    pepper: Pepper = field(default_factory=lambda: Pepper.of(PEPPER))

    def deliver(self, drawn: float = 0.5) -> tuple[Result, ...]:
        return deliver_due(
            self.store,
            self.pepper,
            send,
            self.workers,
            clock=lambda _: self.now,
            draw=lambda: drawn,
        )

    def deliver_all(self) -> int:
        total = 0
        while results := self.deliver():
            total += len(results)
        return total

    def later(self, wait: timedelta) -> None:
        self.now += wait

    def listed(self, state: str | None = None) -> tuple[Delivery, ...]:
        with self.store.reading() as connection:
            return list_deliveries(connection, state=state, limit=1000)

    @property
    def only(self) -> Delivery:
        (delivery,) = self.listed()
        return delivery


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def desk(a_store: Store, workers: ThreadPoolExecutor) -> Desk:
    return Desk(a_store, workers)


@pytest.mark.both_databases("row numbers, locks, deletes that cascade")
def test_a_decision_and_each_version_of_a_rating_are_sent(desk: Desk) -> None:
    store = desk.store
    with running_receiver() as receiver:
        subscribe(store, receiver.url)
        recommend(store)
        pair(store)
        decide(store)
        stored = rate(store)
        with store.writing() as connection:
            correct_rating(
                connection,
                a_practice(),
                stored.rating_id,
                a_rating(score=50.0),
                seen=1,
                reason="typed_wrongly",
                actor=ACTOR,
                today=TODAY,
            )
            withdraw_rating(connection, stored.rating_id, seen=2, reason="wish", actor=ACTOR)
        assert desk.deliver_all() == 4
        bodies = b"".join(each.body for each in receiver.received)
    for part in (b"recommendation.decided", b"recorded", b"corrected", b"withdrawn", b'"p1"'):
        assert part in bodies
    names = {name for each in receiver.received for name in json.loads(each.body)["data"]}
    assert names == {"recommendation_id", "pairing_id", "rating_id", "change"}
    for hidden in (b"c0001", b"k01", ACTOR.encode()):
        assert hidden not in bodies
    assert {each.state for each in desk.listed()} == {"delivered"}
    assert {each.event.kind for each in desk.listed()} == {DECIDED, RATED}


def test_what_is_rolled_back_is_not_sent_and_nothing_is_stored_for_nobody(desk: Desk) -> None:
    decide(desk.store)
    assert count(desk.store, webhook_events) == 0
    subscribe(desk.store, "https://example.org/", [DECIDED])

    def decide_and_fail() -> None:
        with desk.store.writing() as connection:
            record_decision(connection, Decision("r1", "k01"), actor=ACTOR)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide_and_fail()
    assert count(desk.store, webhook_events) == count(desk.store, webhook_deliveries) == 0


def test_an_endpoint_gets_only_the_kinds_it_subscribed_to(desk: Desk) -> None:
    with running_receiver() as decided, running_receiver() as both:
        subscribe(desk.store, decided.url, [DECIDED])
        subscribe(desk.store, both.url)
        pair(desk.store)
        rate(desk.store)
        decide(desk.store)
        assert desk.deliver_all() == 3
        assert (len(decided.received), len(both.received)) == (1, 2)
        assert decided.ids[0] in both.ids


def test_a_failed_attempt_is_repeated_later_with_the_same_id_and_body(desk: Desk) -> None:
    with running_receiver(500, 302, 204) as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store)
        assert [each.became for each in desk.deliver()] == ["retried"]
        assert desk.deliver() == ()
        assert (desk.only.outcome, desk.only.status) == ("refused", 500)
        desk.later(PAUSES[0])
        assert [each.became for each in desk.deliver()] == ["retried"]
        desk.later(PAUSES[0])
        assert desk.deliver() == (), "the second pause is longer"
        desk.later(PAUSES[1])
        assert [each.became for each in desk.deliver()] == ["delivered"]
        assert len(set(receiver.ids)) == 1
        assert len({each.body for each in receiver.received}) == 1
        stamps = [int(each.headers["webhook-timestamp"]) for each in receiver.received]
        assert stamps == sorted(set(stamps))
    assert (desk.only.state, desk.only.attempts) == ("delivered", 3)


def test_pauses_grow_from_a_minute_to_a_day_over_three_days() -> None:
    assert PAUSES[0] == timedelta(minutes=1)
    assert PAUSES[-1] == timedelta(days=1)
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=4) / (1 + JITTER)


@pytest.mark.parametrize(("drawn", "factor"), [(0.0, 1 - JITTER), (0.5, 1.0), (1.0, 1 + JITTER)])
def test_a_pause_is_changed_at_random_so_that_repeats_do_not_come_at_once(
    desk: Desk, drawn: float, factor: float
) -> None:
    with running_receiver(500) as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store)
        desk.deliver(drawn)
    assert desk.only.due_at == desk.now + PAUSES[0] * factor


def test_after_the_last_attempt_a_delivery_has_failed_and_can_be_repeated(desk: Desk) -> None:
    with running_receiver(*[503] * MAX_ATTEMPTS, 204) as receiver:
        endpoint, _ = subscribe(desk.store, receiver.url)
        decide(desk.store)
        for pause in (*PAUSES, timedelta()):
            assert len(desk.deliver()) == 1
            desk.later(pause)
        assert len(receiver.received) == MAX_ATTEMPTS
        assert [each.outcome for each in desk.listed("failed")] == ["refused"]
        assert desk.deliver() == ()
        with desk.store.writing() as connection:
            wanted = endpoint.endpoint_id
            again = retry_failed(connection, endpoint_id=wanted, now=desk.now, actor=ACTOR)
        assert again == 1
        assert [each.became for each in desk.deliver()] == ["delivered"]
        assert len(set(receiver.ids)) == 1
    with desk.store.writing() as connection, pytest.raises(NotFoundError):
        retry_failed(connection, now=desk.now, actor=ACTOR)


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(audit.c.action).order_by(audit.c.seq)).scalars())


def test_a_receiver_that_is_gone_is_switched_off_and_misses_nothing(desk: Desk) -> None:
    with running_receiver(410, 204) as receiver:
        endpoint, _ = subscribe(desk.store, receiver.url)
        decide(desk.store, "r1")
        (result,) = desk.deliver()
        assert result.switched_off
        assert "webhook.switched_off" in actions(desk.store)
        with desk.store.reading() as connection:
            assert list_endpoints(connection)[0].off_reason == "gone"
        decide(desk.store, "r2")
        assert desk.deliver() == ()
        assert [each.outcome for each in desk.listed("failed")] == ["endpoint_off"] * 2
        with desk.store.writing() as connection:
            switch_on(connection, endpoint.endpoint_id, actor=ACTOR)
            retry_failed(connection, now=desk.now, actor=ACTOR)
        assert desk.deliver_all() == 2


def test_an_endpoint_is_switched_off_after_five_days_without_an_accepted_message(
    desk: Desk,
) -> None:
    with running_receiver(500, 204, 500) as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store, "r1")
        desk.deliver()
        desk.later(OFF_AFTER)
        assert [each.became for each in desk.deliver()] == ["delivered"], "that ends the failing"
        for number in range(3):
            decide(desk.store, f"r{number + 2}")
            (result,) = desk.deliver()
            assert result.switched_off == (number == 2)
            with desk.store.writing() as connection:
                later = webhook_deliveries.c.state == "waiting"
                connection.execute(webhook_deliveries.delete().where(later))
            desk.later(OFF_AFTER / 2)


def test_one_receiver_that_fails_does_not_hold_up_another(desk: Desk) -> None:
    with running_receiver(500) as broken, running_receiver() as sound:
        subscribe(desk.store, broken.url)
        for number in range(12):
            decide(desk.store, f"r{number}")
        subscribe(desk.store, sound.url)
        decide(desk.store, "last")
        desk.deliver()
        assert len(sound.received) == 1


@pytest.mark.both_databases("locks")
def test_two_servers_on_one_database_send_each_event_once(
    desk: Desk, a_store_url: str, workers: ThreadPoolExecutor
) -> None:
    with running_receiver() as receiver:
        subscribe(desk.store, receiver.url)
        for number in range(30):
            decide(desk.store, f"r{number}")
        other = Desk(open_store(a_store_url), workers, desk.now)
        servers = [desk, other]
        both = threading.Barrier(2)

        def run(server: Desk) -> None:
            both.wait(10)
            while server.listed("waiting"):
                # What the other has begun to send is waited for without asking all the time.
                if not server.deliver():
                    time.sleep(0.01)

        threads = [threading.Thread(target=run, args=(server,)) for server in servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        other.store.close()
        assert len(receiver.ids) == len(set(receiver.ids)) == 30
    assert {each.attempts for each in desk.listed("delivered")} == {1}


def test_a_server_that_is_killed_while_it_sends_is_followed_by_another(desk: Desk) -> None:
    with running_receiver() as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store)

        class KilledError(BaseException):
            pass

        def die(*_: object) -> Attempt:
            raise KilledError

        with pytest.raises(KilledError):
            deliver_due(desk.store, desk.pepper, die, desk.workers, clock=lambda _: desk.now)
        assert desk.deliver() == (), "another may still be sending it"
        desk.later(CLAIM)
        assert [each.became for each in desk.deliver()] == ["delivered"]


def test_what_came_late_of_a_claim_that_ended_changes_nothing(desk: Desk) -> None:
    with running_receiver(500, 204) as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store)

        def slow(url: str, headers: object, body: bytes) -> Attempt:
            desk.later(CLAIM)
            desk.deliver()
            return Attempt("timed_out")

        alone = ThreadPoolExecutor(1)
        late = deliver_due(desk.store, desk.pepper, slow, alone, clock=lambda _: desk.now)
        alone.shutdown()
        assert late == ()
        assert (desk.only.attempts, desk.only.outcome) == (2, "refused")
        assert len(receiver.received) == 1


def test_with_another_pepper_nothing_is_sent_because_nobody_could_verify_it(desk: Desk) -> None:
    with running_receiver() as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store)
        other = Desk(desk.store, desk.workers, desk.now, Pepper.of(PEPPER + "!"))
        assert other.deliver() == ()
        assert receiver.received == []
        assert desk.deliver_all() == 1


@pytest.mark.both_databases("deletes that cascade, and a row that is locked against them")
def test_a_removed_endpoint_is_sent_nothing_more(desk: Desk) -> None:
    with running_receiver() as receiver:
        endpoint, _ = subscribe(desk.store, receiver.url)
        decide(desk.store)
        with desk.store.writing() as connection:
            remove_endpoint(connection, endpoint.endpoint_id, actor=ACTOR)
        assert desk.deliver() == ()
        assert receiver.received == []
        assert count(desk.store, webhook_deliveries) == 0


@pytest.mark.both_databases("deletes that cascade")
def test_events_about_an_erased_client_are_erased_with_them_and_exported_before(
    desk: Desk,
) -> None:
    store = desk.store
    subscribe(store, "https://example.org/")
    for name, of, client in (("r1", "p1", "c0001"), ("r2", "p2", "c0002")):
        recommend(store, name, client)
        pair(store, of, client, recommendation_id=name)
        decide(store, name)
        rate(store, of)
    with store.writing() as connection:
        exported = export_subject(connection, "c0001", actor=ACTOR)
    assert exported.count(b'"kind": "pairing.rated"') == 1
    erased = erase_subject(store, "c0001", actor=ACTOR)
    assert erased.rows["webhook_events"] == 2
    left = {(each.event.recommendation_id, each.event.pairing_id) for each in desk.listed()}
    assert left == {("r2", None), (None, "p2")}


def swept(store: Store) -> int:
    with store.writing() as connection:
        return sweep(connection, Ages(), actor=ACTOR)["webhook_events"]


def test_events_that_ended_are_deleted_after_thirty_days_and_waiting_ones_are_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_receiver(204, 500) as receiver:
        subscribe(desk.store, receiver.url)
        decide(desk.store, "r1")
        desk.deliver()
        decide(desk.store, "r2")
        desk.deliver()
    assert swept(desk.store) == 0

    def in_a_month(connection: Connection) -> datetime:
        return database_time(connection) + timedelta(days=31)

    monkeypatch.setattr("recommender.journal.webhook_events.database_time", in_a_month)
    assert swept(desk.store) == 1
    assert desk.only.event.recommendation_id == "r2"


def test_the_oldest_waiting_event_is_known(desk: Desk) -> None:
    with running_receiver() as receiver:
        subscribe(desk.store, receiver.url)
        with desk.store.reading() as connection:
            assert oldest_waiting(connection) is None
        decide(desk.store, "r1")
        decide(desk.store, "r2")
        with desk.store.reading() as connection:
            assert oldest_waiting(connection) == min(each.recorded_at for each in desk.listed())
        desk.deliver_all()
        with desk.store.reading() as connection:
            assert oldest_waiting(connection) is None
