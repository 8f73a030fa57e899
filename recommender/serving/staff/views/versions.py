"""Versions of a request before and after the one on a page, with what was recorded on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.journal.recommendations import decisions_by_recommendation
from recommender.journal.request_versions import versions_of
from recommender.journal.wishes import RecordedWish, spoken, wishes_by_recommendation
from recommender.store.database import Connection


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version: its request, when it was made, and the decision and wish in force on it.

    `wish` is None without one; a wish for nobody asks for help to choose.
    """

    recommendation_id: str
    asked_at: datetime | None = None
    chosen: str = ""
    wish: RecordedWish | None = None

    @property
    def reference(self) -> str:
        """The reference of its wishes as people read it."""
        return spoken(self.wish.reference) if self.wish else ""


@dataclass(frozen=True, slots=True)
class RequestVersions:
    """The versions before and after one request, oldest first, and the wish of the client.

    `wish` is the newest on any version.
    """

    earlier: Sequence[VersionLine] = ()
    later: Sequence[VersionLine] = ()
    wish: RecordedWish | None = None

    @classmethod
    def after(cls, replaces: str | None) -> "RequestVersions":
        """What is known of a request by itself: the request that it replaces."""
        return cls((VersionLine(replaces),) if replaces else ())

    def values(self) -> dict[str, Any]:
        """Values of `versions.html`, by the names it uses."""
        reference = spoken(self.wish.reference) if self.wish else ""
        return {
            "earlier": self.earlier,
            "later": self.later,
            "wish": self.wish,
            "reference": reference,
        }


def request_versions(connection: Connection, recommendation_id: str) -> RequestVersions:
    """The other versions of a request."""
    versions = versions_of(connection, recommendation_id)
    ids = [each.recommendation_id for each in versions]
    decided = decisions_by_recommendation(connection, ids)
    wished = wishes_by_recommendation(connection, ids)
    lines = [
        VersionLine(
            name,
            each.recorded_at,
            decided[name][-1].decision.clinician_id if name in decided else "",
            wished[name][-1] if name in wished else None,
        )
        for each in versions
        for name in [each.recommendation_id]
    ]
    here = ids.index(recommendation_id) if recommendation_id in ids else 0
    wishes = [each.wish for each in lines if each.wish]
    newest = max(wishes, key=lambda each: (each.recorded_at, each.wish_id), default=None)
    return RequestVersions(lines[:here], lines[here + 1 :], newest)
