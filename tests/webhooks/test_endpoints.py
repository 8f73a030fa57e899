"""Endpoints are added, rotated and removed; their secrets are nowhere in the store."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from recommender.errors import NotFoundError, RecommenderError
from recommender.journal.webhook_events import DECIDED
from recommender.security.keys import Pepper
from recommender.store.database import Store
from recommender.store.schema import audit, metadata
from recommender.webhooks.endpoints import (
    MAX_ENDPOINTS,
    find_endpoint,
    list_endpoints,
    remove_endpoint,
    rotate_secret,
    silence,
)
from recommender.webhooks.messages import Message, signed_headers
from tests.support.journal_rows import ACTOR, count, decide
from tests.support.server import PEPPER
from tests.support.webhook_receiver import subscribe

URL = "https://example.org/hook"
PEPPERED = Pepper.of(PEPPER)


def rotated(store: Store, endpoint_id: str, pepper: Pepper = PEPPERED) -> str:
    with store.writing() as connection:
        return rotate_secret(connection, endpoint_id, pepper, now=datetime.now(UTC), actor=ACTOR)


def verifies(store: Store, secret: str, at: datetime, pepper: Pepper = PEPPERED) -> bool:
    """Whether a message that is signed for the only endpoint is verified with a secret."""
    message = Message("e1", b"{}")
    with store.reading() as connection:
        secrets = list_endpoints(connection)[0].secrets(pepper, at)
    sent = signed_headers(message, secrets, datetime.now(UTC))
    try:
        Webhook(secret).verify(message.body, dict(sent))
    except Exception:
        return False
    return True


def test_no_secret_is_in_the_store(a_store: Store) -> None:
    endpoint, secret = subscribe(a_store, URL)
    new = rotated(a_store, endpoint.endpoint_id)
    with a_store.reading() as connection:
        stored = str([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert URL in stored
    for each in (secret, new, secret.removeprefix("whsec_")):
        assert each not in stored


def test_the_former_secret_verifies_for_a_day(a_store: Store) -> None:
    endpoint, old = subscribe(a_store, URL)
    new, now = rotated(a_store, endpoint.endpoint_id), datetime.now(UTC)
    assert [verifies(a_store, each, now) for each in (old, new)] == [True, True]
    later = now + timedelta(hours=25)
    assert [verifies(a_store, each, later) for each in (old, new)] == [False, True]


def test_a_secret_of_another_pepper_has_no_overlap(a_store: Store) -> None:
    endpoint, old = subscribe(a_store, URL)
    other = Pepper.of(PEPPER + "!")
    new = rotated(a_store, endpoint.endpoint_id, other)
    now = datetime.now(UTC)
    assert [verifies(a_store, each, now, other) for each in (old, new)] == [False, True]
    with a_store.reading() as connection:
        assert find_endpoint(connection, endpoint.endpoint_id).pepper_mark == other.mark


@pytest.mark.parametrize("kinds", [[], ["recommendation.shown"], [DECIDED, "*"]])
def test_an_unknown_kind_is_refused_with_those_there_are(a_store: Store, kinds: list[str]) -> None:
    with pytest.raises(RecommenderError, match=r"recommendation\.wished, pairing\.rated"):
        subscribe(a_store, URL, kinds)


def test_there_are_not_more_endpoints_than_a_server_can_follow(a_store: Store) -> None:
    for _ in range(MAX_ENDPOINTS):
        subscribe(a_store, URL)
    with pytest.raises(RecommenderError, match="20 already"):
        subscribe(a_store, URL)


def test_what_is_not_there_cannot_be_removed_or_rotated(a_store: Store) -> None:
    with a_store.writing() as connection, pytest.raises(NotFoundError):
        remove_endpoint(connection, "abcdefgh", actor=ACTOR)
    with pytest.raises(NotFoundError):
        rotated(a_store, "abcdefgh")


def test_the_audit_log_says_who_changed_what_without_the_address(a_store: Store) -> None:
    endpoint, _ = subscribe(a_store, f"{URL}?token=hidden", [DECIDED])
    rotated(a_store, endpoint.endpoint_id)
    with a_store.writing() as connection:
        remove_endpoint(connection, endpoint.endpoint_id, actor=ACTOR)
    with a_store.reading() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.seq)).all()
    assert [row.action for row in rows] == ["webhook.added", "webhook.rotated", "webhook.removed"]
    assert {row.actor for row in rows} == {ACTOR}
    assert json.loads(rows[0].facts) == {
        "endpoint_id": endpoint.endpoint_id,
        "host": "example.org",
        "kinds": [DECIDED],
    }


def test_silencing_a_copy_twice_changes_nothing_more(a_store: Store) -> None:
    subscribe(a_store, URL)
    decide(a_store)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    audited = count(a_store, audit)
    with a_store.writing() as connection:
        assert silence(connection, at=at) == 1
        assert silence(connection, at=at + timedelta(days=1)) == 0
        (endpoint,) = list_endpoints(connection)
    assert (endpoint.off_since, endpoint.off_reason) == (at, "restored")
    assert count(a_store, audit) == audited
