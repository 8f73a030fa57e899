"""Messages are signed so that the library of the specification accepts them, and hold ids only."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from recommender.journal.webhook_events import RATED, Event
from recommender.security.keys import Pepper
from recommender.webhooks.messages import Message, message_of, secret_of, signed_headers
from tests.support.server import PEPPER

PEPPERED = Pepper.of(PEPPER)
OLD, NEW = (secret_of(PEPPERED, "abcdefgh", version) for version in (1, 2))
RATED_EVENT = Event(RATED, pairing_id="p1", rating_id="7f", change="corrected")


@pytest.fixture
def now() -> datetime:
    """The present time: the library refuses messages of five minutes ago."""
    return datetime.now(UTC)


def a_message() -> Message:
    return message_of("e1", RATED_EVENT, datetime(2026, 11, 28, 2, 15, tzinfo=UTC))


def test_the_library_of_the_specification_verifies_a_message(now: datetime) -> None:
    message = a_message()
    headers = dict(signed_headers(message, [NEW], now))
    assert Webhook(NEW).verify(message.body, headers) == json.loads(message.body)


def test_while_a_secret_is_replaced_both_verify(now: datetime) -> None:
    message = a_message()
    headers = dict(signed_headers(message, [NEW, OLD], now))
    for secret in (OLD, NEW):
        Webhook(secret).verify(message.body, headers)


@pytest.mark.parametrize("part", ["body", "id", "time", "secret", "age"])
def test_a_message_that_was_changed_is_not_verified(part: str, now: datetime) -> None:
    message = a_message()
    sent = now - timedelta(minutes=6) if part == "age" else now
    headers = dict(signed_headers(message, [NEW], sent))
    body = message.body.replace(b"corrected", b"withdrawn") if part == "body" else message.body
    if part == "id":
        headers["webhook-id"] = "e2"
    if part == "time":
        headers["webhook-timestamp"] = str(int(time.time()) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD if part == "secret" else NEW).verify(body, headers)


def test_a_message_holds_ids_and_nothing_else() -> None:
    assert json.loads(a_message().body) == {
        "id": "e1",
        "type": "pairing.rated",
        "timestamp": "2026-11-28T02:15:00Z",
        "data": {"pairing_id": "p1", "rating_id": "7f", "change": "corrected"},
    }


def test_a_secret_has_256_bits_and_differs_by_endpoint_version_and_pepper() -> None:
    others = [
        secret_of(PEPPERED, "abcdefgi", 2),
        secret_of(Pepper.of(PEPPER + "x"), "abcdefgh", 2),
    ]
    assert len({OLD, NEW, *others}) == 4
    assert len(base64.b64decode(NEW.removeprefix("whsec_"))) == 32
