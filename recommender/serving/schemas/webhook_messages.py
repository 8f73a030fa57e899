"""The part `webhooks` of the contract: the messages that a server sends, with their headers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field as Setting

from recommender.journal.webhook_events import KINDS
from recommender.security.scopes import Scope
from recommender.serving.schemas.required_scope import EXTENSION
from recommender.serving.schemas.responses import ResponseModel

_AT = "2026-11-28T02:15:04.120000Z"
_ID = "5f0c8a1be24d4a61b7a31d2c90f4e7aa"
EventId = Annotated[
    str, Setting(description="The id of the event, also at every further attempt to deliver it.")
]
HappenedAt = Annotated[datetime, Setting(description="When it happened, UTC.")]


class DecidedIds(ResponseModel):
    """The recommendation decided on; GET /v1/recommendations/{recommendation_id}/decisions."""

    recommendation_id: str


class WishedIds(ResponseModel):
    """The recommendation wished after; GET /v1/recommendations/{recommendation_id}/wishes."""

    recommendation_id: str


class RatedIds(ResponseModel):
    """The rating, of which GET /v1/ratings/{rating_id} gives every version, and its pairing."""

    pairing_id: str
    rating_id: str
    change: Literal["recorded", "corrected", "withdrawn"]


class RecommendationDecided(ResponseModel):
    """A clinician was chosen after a recommendation; a later decision is an event of its own."""

    id: EventId
    type: Literal["recommendation.decided"]
    timestamp: HappenedAt
    data: DecidedIds


class RecommendationWished(ResponseModel):
    """A client asked for a clinician who was shown, or to be helped to choose; nobody is booked."""

    id: EventId
    type: Literal["recommendation.wished"]
    timestamp: HappenedAt
    data: WishedIds


class PairingRated(ResponseModel):
    """A rating of a pairing was recorded, corrected or withdrawn."""

    id: EventId
    type: Literal["pairing.rated"]
    timestamp: HappenedAt
    data: RatedIds


MESSAGES: tuple[type[ResponseModel], ...] = (
    RecommendationDecided,
    RecommendationWished,
    PairingRated,
)
_READ_WITH = (Scope.EXPLAIN_READ, Scope.EXPLAIN_READ, Scope.RATING_WRITE)
"""The scope of the operation that reads what happened, for each message."""
_EXAMPLES: dict[str, Any] = {
    "RecommendationDecided": {
        "id": _ID,
        "type": "recommendation.decided",
        "timestamp": _AT,
        "data": {"recommendation_id": "1c1f2b6e0f4b4c8a9d3e5a7b6c8d9e0f"},
    },
    "RecommendationWished": {
        "id": _ID,
        "type": "recommendation.wished",
        "timestamp": _AT,
        "data": {"recommendation_id": "1c1f2b6e0f4b4c8a9d3e5a7b6c8d9e0f"},
    },
    "PairingRated": {
        "id": _ID,
        "type": "pairing.rated",
        "timestamp": _AT,
        "data": {
            "pairing_id": "p2041",
            "rating_id": "9b2d7c1e5a6f4e0d8c3b2a1f0e9d8c7b",
            "change": "recorded",
        },
    },
}
_HEADERS = {
    "webhook-id": (
        "The id of the event. A message may come more than once: handle each id once.",
        _ID,
    ),
    "webhook-timestamp": (
        "When this attempt was made, in seconds since 1970. Refuse one of more than five minutes "
        "ago or ahead.",
        "1795832104",
    ),
    "webhook-signature": (
        "One or, after a rotation of the secret, two signatures with a blank between: `v1,` and "
        "the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
_DESCRIPTION = (
    "Sent to each endpoint of `recommender webhooks add` that subscribed to it, signed as "
    "[Standard Webhooks](https://www.standardwebhooks.com) 1.0: at least once, in any order, "
    "without answers, scores or pseudonyms of clients. Read what happened with a key."
)


def webhook_operations(ref: str) -> dict[str, Any]:
    """The `webhooks` of an OpenAPI 3.1 document.

    Parameters
    ----------
    ref
        A reference to a schema, with `{model}` in the place of its name.
    """
    return {
        kind: {
            "post": {
                "operationId": f"on{model.__name__}",
                "tags": ["webhooks"],
                "summary": f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}",
                "description": _DESCRIPTION,
                "security": [],
                EXTENSION: scope.value,
                "parameters": [_header(name) for name in _HEADERS],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"$ref": ref.format(model=model.__name__)},
                            "examples": {kind: {"value": _EXAMPLES[model.__name__]}},
                        }
                    },
                },
                "responses": {
                    "2XX": {"description": "The message is accepted; the body is not read."},
                    "410": {"description": "Nothing more is to be sent: the endpoint is off."},
                    "default": {"description": "Sent again, up to nine times within four days."},
                },
            }
        }
        for kind, model, scope in zip(KINDS, MESSAGES, _READ_WITH, strict=True)
    }


def _header(name: str) -> dict[str, Any]:
    description, example = _HEADERS[name]
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }
