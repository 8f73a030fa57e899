"""What a registry keeps of a model: its published versions, and who made which one champion.

Knows nothing of mlflow, so that every room may speak of a version without loading it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from recommender.errors import RegistryError

CHAMPION = "champion"
CHALLENGER = "challenger"

_RECORD = "promotion."


@dataclass(frozen=True, slots=True)
class Version:
    """One published bundle: its number, the digest of its content, its run, and when (UTC)."""

    version: int
    digest: str
    run_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Promotion:
    """One time a version was made champion: when (UTC), which, by whom, why, in whose place."""

    at: datetime
    version: int
    digest: str
    by: str
    reason: str
    previous: int | None


def promotion_tags(promotion: Promotion) -> dict[str, str]:
    """Tags that keep a promotion with its version.

    The record has a tag of its own, named by its time, so that a version which returns to duty
    keeps the records of its earlier terms; the short tags say the newest one to a person.
    """
    at, previous = promotion.at.isoformat(), promotion.previous
    record = {"by": promotion.by, "at": at, "reason": promotion.reason, "previous": previous}
    return {
        f"{_RECORD}{promotion.at:%Y%m%dT%H%M%S.%fZ}": json.dumps(record),
        "promoted_by": promotion.by,
        "promoted_at": at,
        "reason": promotion.reason,
        "previous": "none" if previous is None else str(previous),
    }


def read_promotions(version: Version, tags: Mapping[str, str]) -> tuple[Promotion, ...]:
    """Every promotion kept in the tags of a version, oldest first."""
    records = [json.loads(value) for key, value in tags.items() if key.startswith(_RECORD)]
    return tuple(
        sorted(
            Promotion(
                at=datetime.fromisoformat(record["at"]),
                version=version.version,
                digest=version.digest,
                by=record["by"],
                reason=record["reason"],
                previous=record["previous"],
            )
            for record in records
        )
    )


def in_utc(at: datetime) -> datetime:
    """A time in UTC; refused when it does not say its own zone."""
    if at.tzinfo is None:
        raise RegistryError("promoted_at", "has no time zone", "give the time in UTC")
    return at.astimezone(UTC)
