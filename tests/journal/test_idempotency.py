"""A request sent again is done once and answered as the first time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, text

from recommender.errors import InFlightError, KeyReusedError, RecommenderError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.idempotency import (
    IdempotencyStore,
    IdempotencyTicket,
    StoredReply,
    forget_expired,
    ticket_for,
)
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.store.database import Store, connect
from recommender.store.schema import audit, idempotency
from tests.support.journal_rows import ACTOR, CANARY, a_recommendation, count


def a_ticket(
    key: str = "k1", content: object = (("a", 1), ("b", 2)), principal: str = "tool"
) -> IdempotencyTicket:
    return ticket_for(principal, "POST /v1/ratings", key, content)


def done(connection: Connection) -> StoredReply:
    append(connection, AuditEntry(ACTOR, "thing.done"))
    return StoredReply(201, b'{"id":"x"}', headers={"Location": "/x"})


def age(store: Store, hours: int) -> None:
    """Makes every reply so much older."""
    older = (
        f"datetime(created_at, '-{hours} hours')"
        if store.engine.dialect.name == "sqlite"
        else f"created_at - interval '{hours} hours'"
    )
    with store.writing() as connection:
        connection.execute(text(f"UPDATE idempotency SET created_at = {older}"))


@pytest.mark.both_databases("upserts")
def test_a_repeated_request_is_answered_as_before_and_done_once(a_store: Store) -> None:
    requests = IdempotencyStore(a_store)
    first = requests.once(a_ticket(content={"a": 1, "b": 2}), done)
    again = IdempotencyStore(a_store).once(a_ticket(content={"b": 2, "a": 1}), done)
    assert (first.status, first.body, first.replayed) == (201, b'{"id":"x"}', False)
    assert (again.status, again.body, again.replayed) == (201, b'{"id":"x"}', True)
    assert again.headers == first.headers == {"Location": "/x"}
    assert count(a_store, audit) == 1


def test_one_key_is_another_for_another_caller_or_route(a_store: Store) -> None:
    requests = IdempotencyStore(a_store)
    for ticket in (
        a_ticket(),
        a_ticket(principal="other"),
        IdempotencyTicket("tool", "POST /x", "k1", "f"),
    ):
        assert not requests.once(ticket, done).replayed
    assert count(a_store, audit) == 3


def test_a_key_with_another_body_is_refused(a_store: Store) -> None:
    requests = IdempotencyStore(a_store)
    requests.once(a_ticket(), done)
    with pytest.raises(KeyReusedError, match="came before with a different request"):
        requests.once(a_ticket(content={"a": 2}), done)
    assert count(a_store, audit) == 1


def test_a_request_that_fails_may_be_tried_again(a_store: Store) -> None:
    def fail(connection: Connection) -> StoredReply:
        done(connection)
        raise ZeroDivisionError

    requests = IdempotencyStore(a_store)
    with pytest.raises(ZeroDivisionError):
        requests.once(a_ticket(), fail)
    assert count(a_store, audit) == count(a_store, idempotency) == 0
    assert not requests.once(a_ticket(content={}), done).replayed


@pytest.mark.both_databases("locks")
def test_two_at_once_are_one_and_the_other_is_told_to_wait(a_store: Store) -> None:
    requests, begun, go_on = IdempotencyStore(a_store), Event(), Event()

    def slow(connection: Connection) -> StoredReply:
        begun.set()
        go_on.wait(5)
        return done(connection)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(requests.once, a_ticket(), slow)
        begun.wait(5)
        with pytest.raises(InFlightError, match="still being worked on"):
            requests.once(a_ticket(), done)
        go_on.set()
        assert not first.result().replayed
    assert requests.once(a_ticket(), done).replayed
    assert count(a_store, audit) == 1


@pytest.mark.both_databases("locks")
def test_two_processes_at_once_are_one(a_store_url: str, a_store: Store) -> None:
    # Each has connections and memory of its own, as two servers have.
    barrier = Barrier(4)

    def send(_: int) -> bool | None:
        store = connect(a_store_url)
        barrier.wait()
        try:
            return IdempotencyStore(store).once(a_ticket(), done).replayed
        except InFlightError:
            return None
        finally:
            store.close()

    with ThreadPoolExecutor(4) as pool:
        replayed = list(pool.map(send, range(4)))
    assert replayed.count(False) == 1
    assert count(a_store, audit) == 1


def test_work_may_be_done_before_the_transaction(a_store: Store) -> None:
    requests = IdempotencyStore(a_store)
    with requests.claimed(a_ticket()):
        assert requests.known(a_ticket()) is None
        with pytest.raises(InFlightError):
            requests.once(a_ticket(), done)
        requests.settle(a_ticket(), done)
    with requests.claimed(a_ticket()):
        known = requests.known(a_ticket())
    assert known is not None
    assert known.replayed


@pytest.mark.both_databases("types")
def test_a_reply_is_kept_for_two_days(a_store: Store) -> None:
    requests = IdempotencyStore(a_store)
    requests.once(a_ticket(), done)
    age(a_store, 47)
    assert requests.once(a_ticket(), done).replayed
    age(a_store, 2)
    assert not requests.once(a_ticket(content={}), done).replayed
    age(a_store, 49)
    with a_store.writing() as connection:
        assert forget_expired(connection) == 1


def test_a_reply_about_a_client_is_sealed_and_replayed(a_store: Store) -> None:
    def shown(connection: Connection) -> StoredReply:
        made = a_recommendation()
        return StoredReply(
            200,
            made.response,
            record_recommendation(connection, prepare_recommendation(made), actor=ACTOR),
        )

    requests = IdempotencyStore(a_store)
    first, again = (requests.once(a_ticket(), shown) for _ in range(2))
    assert first.body == again.body
    with a_store.reading() as connection:
        body = connection.execute(idempotency.select()).one().body
    assert CANARY.encode() in first.body
    assert CANARY.encode() not in bytes(body)


@pytest.mark.parametrize("key", ["", "k" * 256, "ké", "k\n"])
def test_a_key_nobody_can_send_in_a_header_is_refused(key: str) -> None:
    with pytest.raises(RecommenderError, match="cannot be used as a key"):
        a_ticket(key)


class Sendings(RuleBasedStateMachine):
    """Any order of sendings, failures and days gone by, beside a model of what must come of it."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        with self.store.writing() as connection:
            connection.execute(idempotency.delete())
        self.requests = IdempotencyStore(self.store)
        self.before = count(self.store, audit)
        self.answered: dict[str, tuple[str, bytes]] = {}
        self.written = 0

    @rule(key=st.sampled_from("abc"), body=st.sampled_from("12"), fails=st.booleans())
    def send(self, key: str, body: str, fails: bool) -> None:
        reply = f"{self.written}".encode()

        def write(connection: Connection) -> StoredReply:
            append(connection, AuditEntry(ACTOR, "thing.done"))
            if fails:
                raise ZeroDivisionError
            return StoredReply(200, reply)

        known = self.answered.get(key)
        if known and known[0] != body:
            with pytest.raises(KeyReusedError):
                self.requests.once(a_ticket(key, body), write)
        elif known:
            again = self.requests.once(a_ticket(key, body), write)
            assert (again.body, again.replayed) == (known[1], True)
        elif fails:
            with pytest.raises(ZeroDivisionError):
                self.requests.once(a_ticket(key, body), write)
        else:
            first = self.requests.once(a_ticket(key, body), write)
            assert (first.body, first.replayed) == (reply, False)
            self.answered[key] = (body, reply)
            self.written += 1

    @rule()
    def three_days_pass(self) -> None:
        age(self.store, 72)
        self.answered.clear()

    @invariant()
    def as_much_was_written_as_was_answered(self) -> None:
        assert count(self.store, audit) - self.before == self.written


def test_no_order_of_sendings_is_answered_twice_differently(a_store: Store) -> None:
    machine = type("Machine", (Sendings,), {"store": a_store})
    few = settings(max_examples=15, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(machine, settings=few)
