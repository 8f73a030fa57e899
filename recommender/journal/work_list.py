"""The work list of staff: recent recommendations and what became of each.

Nothing is decrypted for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from recommender.journal.recommendations import RecordedDecision, decisions_by_recommendation
from recommender.journal.wishes import RecordedWish, read_reference, wishes_by_recommendation
from recommender.store.schema import (
    decisions,
    pairings,
    rating_versions,
    ratings,
    recommendations,
    subjects,
    wishes,
)

OPEN, DECIDED, BEGUN, RATED = "open", "decided", "begun", "rated"
STATES = (OPEN, DECIDED, BEGUN, RATED)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One recommendation in the list: its newest decision, if any, and the pairings begun from it.

    `client_id` is None when the client was new to the practice; `state` is one of `STATES`. `wish`
    is the newest wish of the client, while no later decision has answered it.
    """

    recommendation_id: str
    client_id: str | None
    asked_on: date
    mode: str
    recorded_at: datetime
    decided: RecordedDecision | None
    pairing_ids: tuple[str, ...]
    state: str
    wish: RecordedWish | None = None


def work_list(connection: Connection, *, limit: int, sought: str = "") -> tuple[WorkItem, ...]:
    """Recommendations, newest first; those of one client, id or reference where they are sought.

    Makes five queries, however many recommendations there are.
    """
    asked = select(recommendations, subjects.c.client_id).join(subjects)
    if sought:
        named = [subjects.c.client_id == sought, recommendations.c.recommendation_id == sought]
        reference = read_reference(sought)
        if reference is not None:
            wished = select(wishes.c.recommendation_id).where(wishes.c.reference == reference)
            named.append(recommendations.c.recommendation_id.in_(wished))
        asked = asked.where(or_(*named))
    return _items(connection, asked, limit)


def open_wishes(connection: Connection, *, limit: int) -> tuple[WorkItem, ...]:
    """Recommendations with a wish that no later decision has answered, newest recommendation first.

    Makes five queries, however many there are.
    """
    answered = (
        select(decisions.c.decision_id)
        .where(
            decisions.c.recommendation_id == wishes.c.recommendation_id,
            decisions.c.recorded_at >= wishes.c.recorded_at,
        )
        .exists()
    )
    waiting = select(wishes.c.recommendation_id).where(~answered)
    asked = (
        select(recommendations, subjects.c.client_id)
        .join(subjects)
        .where(recommendations.c.recommendation_id.in_(waiting))
    )
    return _items(connection, asked, limit)


def _items(connection: Connection, asked: "Select[Any]", limit: int) -> tuple[WorkItem, ...]:
    order = (recommendations.c.recorded_at.desc(), recommendations.c.recommendation_id)
    rows = connection.execute(asked.order_by(*order).limit(limit)).all()
    ids = [row.recommendation_id for row in rows]
    decisions = decisions_by_recommendation(connection, ids)
    wished = wishes_by_recommendation(connection, ids)
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
            _open_wish(wished.get(row.recommendation_id, ()), decided),
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


def _open_wish(
    wished: Sequence[RecordedWish], decided: Sequence[RecordedDecision]
) -> RecordedWish | None:
    """The newest wish, unless a decision was recorded since."""
    if not wished or (decided and decided[-1].recorded_at >= wished[-1].recorded_at):
        return None
    return wished[-1]


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
