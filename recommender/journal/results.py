"""What was shown of a pairing, and how it was rated since: what a promise of a range is held to.

Imported by `serving`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from sqlalchemy import Connection, select

from recommender.errors import NotFoundError
from recommender.journal.pairings import course_of, events_of
from recommender.journal.ratings import Rating, standing_ratings
from recommender.journal.recommendations import replay
from recommender.store.schema import pairings


@dataclass(frozen=True, slots=True)
class RatedMatch:
    """A pairing that began from a recommendation, the response that showed it, and its ratings."""

    pairing_id: str
    clinician_id: str
    started_on: date
    response: bytes = field(repr=False)
    ratings: tuple[Rating, ...]


def rated_matches(connection: Connection, *, most: int) -> tuple[RatedMatch, ...]:
    """The last pairings with a rating that stands, newest first.

    Left out where the start is not known, or what was shown was erased or is past its age.
    """
    rated: dict[str, list[Rating]] = {}
    for rating in standing_ratings(connection):
        rated.setdefault(rating.pairing_id, []).append(rating)
    return tuple(islice(_matches(connection, rated), most))


def _matches(connection: Connection, rated: dict[str, list[Rating]]) -> Iterator[RatedMatch]:
    order = (pairings.c.recorded_at.desc(), pairings.c.pairing_id)
    began = select(pairings).where(pairings.c.recommendation_id.is_not(None)).order_by(*order)
    for row in connection.execute(began).all():
        if row.pairing_id not in rated:
            continue
        started_on = course_of(events_of(connection, row.pairing_id)).started_on
        if started_on is None:
            continue
        try:
            response = replay(connection, row.recommendation_id)
        except NotFoundError:
            continue
        ratings = tuple(rated[row.pairing_id])
        yield RatedMatch(row.pairing_id, row.clinician_id, started_on, response, ratings)
