"""What was asked lately and what became of it: the list people work from.

Nothing sealed is opened for it. Imported by `serving`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select

from recommender.journal.decisions import RecordedDecision, decisions_of
from recommender.store.schema import pairings, rating_versions, ratings, recommendations, subjects

OPEN, DECIDED, BEGUN, RATED = "open", "decided", "begun", "rated"
STATES = (OPEN, DECIDED, BEGUN, RATED)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One recommendation in the list.

    Attributes
    ----------
    client_id
        Pseudonym, None when the client was new to the practice.
    decided
        The decision that stands, if any.
    pairing_ids
        What began from it.
    state
        One of `STATES`.
    """

    recommendation_id: str
    client_id: str | None
    asked_on: date
    mode: str
    recorded_at: datetime
    decided: RecordedDecision | None
    pairing_ids: tuple[str, ...]
    state: str


def work_list(connection: Connection, *, most: int, sought: str = "") -> tuple[WorkItem, ...]:
    """Recommendations, newest first; those of one client or of one id where they are sought."""
    asked = select(recommendations, subjects.c.client_id).join(subjects)
    if sought:
        asked = asked.where(
            or_(subjects.c.client_id == sought, recommendations.c.recommendation_id == sought)
        )
    order = (recommendations.c.recorded_at.desc(), recommendations.c.recommendation_id)
    rows = connection.execute(asked.order_by(*order).limit(most)).all()
    return tuple(
        _waiting(
            connection,
            row.recommendation_id,
            row.client_id,
            row.asked_on,
            row.mode,
            row.recorded_at,
        )
        for row in rows
    )


def begun_from(connection: Connection, recommendation_id: str) -> tuple[str, ...]:
    """Pairings that came of a recommendation, oldest first."""
    statement = select(pairings.c.pairing_id).where(
        pairings.c.recommendation_id == recommendation_id
    )
    order = (pairings.c.recorded_at, pairings.c.pairing_id)
    return tuple(connection.execute(statement.order_by(*order)).scalars())


def ratings_of(connection: Connection, pairing_ids: Collection[str]) -> tuple[str, ...]:
    """Ids of every rating of these pairings, by session, those withdrawn among them."""
    statement = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(tuple(pairing_ids)))
    order = (ratings.c.session, ratings.c.recorded_at, ratings.c.rating_id)
    return tuple(connection.execute(statement.order_by(*order)).scalars())


def _waiting(
    connection: Connection,
    recommendation_id: str,
    client_id: str | None,
    asked_on: date,
    mode: str,
    recorded_at: datetime,
) -> WorkItem:
    decided = decisions_of(connection, recommendation_id)
    begun = begun_from(connection, recommendation_id)
    return WorkItem(
        recommendation_id,
        client_id,
        asked_on,
        mode,
        recorded_at,
        decided[-1] if decided else None,
        begun,
        _state(bool(decided), begun, _is_rated(connection, begun)),
    )


def _state(decided: bool, begun: tuple[str, ...], rated: bool) -> str:
    if rated:
        return RATED
    if begun:
        return BEGUN
    return DECIDED if decided else OPEN


def _is_rated(connection: Connection, pairing_ids: tuple[str, ...]) -> bool:
    """Whether a rating of any of them stands."""
    newest = (
        select(rating_versions.c.rating_id, func.max(rating_versions.c.version).label("version"))
        .group_by(rating_versions.c.rating_id)
        .subquery()
    )
    statement = (
        select(ratings.c.rating_id)
        .join(newest, newest.c.rating_id == ratings.c.rating_id)
        .join(
            rating_versions,
            (rating_versions.c.rating_id == newest.c.rating_id)
            & (rating_versions.c.version == newest.c.version),
        )
        .where(ratings.c.pairing_id.in_(pairing_ids), rating_versions.c.withdrawn.is_(False))
    )
    return bool(pairing_ids) and connection.execute(statement.limit(1)).first() is not None
