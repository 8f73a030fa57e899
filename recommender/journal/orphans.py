"""Feedback that names what is not kept here: counted, never dropped.

What it names may come later and adopt it. Imported by `serving` and `commands`.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from recommender.store.schema import (
    decisions,
    pairing_events,
    pairings,
    ratings,
    recommendations,
)


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows name a recommendation or a pairing that is not kept here."""

    decisions: int
    pairings: int
    events: int
    ratings: int


def count_orphans(connection: Connection) -> Orphans:
    """Orphans as of now."""
    recommendation, pairing = recommendations.c.recommendation_id, pairings.c.pairing_id
    return Orphans(
        decisions=_count(connection, decisions.c.recommendation_id, recommendation),
        pairings=_count(connection, pairings.c.recommendation_id, recommendation),
        events=_count(connection, pairing_events.c.pairing_id, pairing),
        ratings=_count(connection, ratings.c.pairing_id, pairing),
    )


def _count(connection: Connection, naming: "Column[str]", named: "Column[str]") -> int:
    there = select(named).where(named == naming).exists()
    statement = select(func.count()).where(naming.is_not(None), ~there)
    return int(connection.execute(statement).scalar_one())
