"""Messages of webhooks and their signatures, as the Standard Webhooks specification 1.0 has them.

<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recommender.journal.webhook_events import Event
from recommender.security.keys import Pepper

TEST = "webhook.test"
"""The kind of the message that tests an endpoint; it is not stored."""
_PREFIX = "whsec_"
_AGENT = "recommender-webhooks"


@dataclass(frozen=True, slots=True)
class Message:
    """The body of a request and its id, which is the same at every attempt."""

    message_id: str
    body: bytes


def message_of(event_id: str, event: Event, happened_at: datetime) -> Message:
    """The message of an event: ids only, so that what happened is read with a key."""
    ids = {
        "recommendation_id": event.recommendation_id,
        "pairing_id": event.pairing_id,
        "rating_id": event.rating_id,
        "change": event.change,
    }
    body: dict[str, Any] = {
        "id": event_id,
        "type": event.kind,
        "timestamp": happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {name: value for name, value in ids.items() if value is not None},
    }
    return Message(event_id, json.dumps(body, separators=(",", ":")).encode())


def secret_of(pepper: Pepper, endpoint_id: str, version: int) -> str:
    """The secret of an endpoint, 32 bytes that follow from the pepper, as `whsec_<base64>`."""
    key = pepper.hash(f"webhook/{endpoint_id}/{version}")
    return _PREFIX + base64.b64encode(key).decode()


def signed_headers(message: Message, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
    """The headers of a message, with one signature for each secret, the present one first.

    Parameters
    ----------
    at
        When the message is sent; receivers refuse a message that is minutes older.
    """
    seconds = int(at.timestamp())
    signed = f"{message.message_id}.{seconds}.".encode() + message.body
    signatures = [f"v1,{_signature(secret, signed)}" for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": message.message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
