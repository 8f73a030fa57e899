"""The work list of staff: recent recommendations and what became of each.

Nothing is decrypted for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select

from recommender.journal.recommendations import RecordedDecision, decisions_by_recommendation
from recommender.store.schema import pairings, rating_versions, ratings, recommendations, subjects

OPEN, DECIDED, BEGUN, RATED = "open", "decided", "begun", "rated"
STATES = (OPEN, DECIDED, BEGUN, RATED)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One recommendation in the list: its newest decision, if any, and the pairings begun from it.

    `client_id` is None when the client was new to the practice; `state` is one of `STATES`.
    """

    recommendation_id: str
    client_id: str | None
    asked_on: date
    mode: str
    recorded_at: datetime
    decided: RecordedDecision | None
    pairing_ids: tuple[str, ...]
    state: str


def work_list(connection: Connection, *, limit: int, sought: str = "") -> tuple[WorkItem, ...]:
    """Recommendations, newest first; those of one client or of one id where they are sought.

    Makes four queries, however many recommendations there are.
    """
    asked = select(recommendations, subjects.c.client_id).join(subjects)
    if sought:
        asked = asked.where(
            or_(subjects.c.client_id == sought, recommendations.c.recommendation_id == sought)
        )
    order = (recommendations.c.recorded_at.desc(), recommendations.c.recommendation_id)
    rows = connection.execute(asked.order_by(*order).limit(limit)).all()
    ids = [row.recommendation_id for row in rows]
    decisions = decisions_by_recommendation(connection, ids)
    begun = _begun_by_recommendation(connection, ids)
    rated = _rated_among(connection, [each for some in begun.values() for each in some])
    return tuple(
        WorkItem(
            row.recommendation_id,
            row.client_id,
            row.asked_on,
            row.mode,
            row.recorded_at,
            decided[-1] if decided else None,
            started,
            _state(bool(decided), bool(started), not rated.isdisjoint(started)),
        )
        for row in rows
        for decided in [decisions.get(row.recommendation_id, ())]
        for started in [begun.get(row.recommendation_id, ())]
    )


def begun_from(connection: Connection, recommendation_id: str) -> tuple[str, ...]:
    """Pairings that came of a recommendation, oldest first."""
    return _begun_by_recommendation(connection, [recommendation_id]).get(recommendation_id, ())


def ratings_of(connection: Connection, pairing_ids: Collection[str]) -> tuple[str, ...]:
    """Ids of every rating of these pairings, by session, those withdrawn among them."""
    statement = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(tuple(pairing_ids)))
    order = (ratings.c.session, ratings.c.recorded_at, ratings.c.rating_id)
    return tuple(connection.execute(statement.order_by(*order)).scalars())


def _begun_by_recommendation(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[str, ...]]:
    statement = select(pairings.c.recommendation_id, pairings.c.pairing_id).where(
        pairings.c.recommendation_id.in_(recommendation_ids)
    )
    order = (pairings.c.recorded_at, pairings.c.pairing_id)
    begun: dict[str, tuple[str, ...]] = {}
    for recommendation_id, pairing_id in connection.execute(statement.order_by(*order)):
        begun[recommendation_id] = (*begun.get(recommendation_id, ()), pairing_id)
    return begun


def _state(decided: bool, begun: bool, rated: bool) -> str:
    if rated:
        return RATED
    if begun:
        return BEGUN
    return DECIDED if decided else OPEN


def _rated_among(connection: Connection, pairing_ids: Collection[str]) -> set[str]:
    """Those of the pairings with a rating that is not withdrawn."""
    newest = (
        select(rating_versions.c.rating_id, func.max(rating_versions.c.version).label("version"))
        .group_by(rating_versions.c.rating_id)
        .subquery()
    )
    statement = (
        select(ratings.c.pairing_id)
        .join(newest, newest.c.rating_id == ratings.c.rating_id)
        .join(
            rating_versions,
            (rating_versions.c.rating_id == newest.c.rating_id)
            & (rating_versions.c.version == newest.c.version),
        )
        .where(ratings.c.pairing_id.in_(pairing_ids), rating_versions.c.withdrawn.is_(False))
    )
    return set(connection.execute(statement).scalars())
