"""What was shown of a pairing, and how it was rated since: what a promise of a range is held to.

Imported by `serving`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from recommender.errors import NotFoundError
from recommender.journal.pairings import Pairing, PairingEvent, events_of, pairing_outcome
from recommender.journal.ratings import Rating, current_ratings
from recommender.journal.recommendations import find_recommendation
from recommender.store.schema import pairing_events, pairings


@dataclass(frozen=True, slots=True)
class RatedMatch:
    """A pairing that began from a recommendation, the response that showed it, and its ratings.

    `answers` is the intake as used.
    """

    pairing_id: str
    clinician_id: str
    started_on: date
    response: bytes = field(repr=False)
    ratings: tuple[Rating, ...]
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)


def rated_matches(connection: Connection, *, most: int) -> tuple[RatedMatch, ...]:
    """The last pairings with a rating that stands, newest first.

    Left out where the start is not known, or what was shown was erased or is past its age.
    """
    return tuple(islice(_matches(connection, _rated(connection)), most))


@dataclass(frozen=True, slots=True)
class RatedPairing:
    """A pairing with a rating that stands, wherever it came from."""

    pairing_id: str
    clinician_id: str
    started_on: date
    ratings: tuple[Rating, ...]


def rated_pairings(connection: Connection) -> tuple[RatedPairing, ...]:
    """Every pairing with a rating that stands and a known start; nothing sealed is opened."""
    rated = _rated(connection)
    events: dict[str, list[PairingEvent]] = {}
    for row in connection.execute(select(pairing_events)):
        told = PairingEvent(row.pairing_id, row.kind, row.happened_on, row.session, row.reason)
        events.setdefault(row.pairing_id, []).append(told)
    order = pairings.c.recorded_at, pairings.c.pairing_id
    rows = connection.execute(
        select(pairings.c.pairing_id, pairings.c.clinician_id).order_by(*order)
    )
    return tuple(
        RatedPairing(name, clinician_id, started_on, tuple(rated[name]))
        for name, clinician_id in rows
        if name in rated and (started_on := pairing_outcome(events.get(name, ())).started_on)
    )


def match_of(connection: Connection, pairing: Pairing) -> RatedMatch | None:
    """The same of one pairing; None where it cannot be held to anything."""
    ratings = [r for r in current_ratings(connection) if r.pairing_id == pairing.pairing_id]
    return _match(connection, pairing, tuple(ratings))


def _rated(connection: Connection) -> dict[str, list[Rating]]:
    """Every rating that stands, by pairing."""
    rated: dict[str, list[Rating]] = {}
    for rating in current_ratings(connection):
        rated.setdefault(rating.pairing_id, []).append(rating)
    return rated


def _matches(connection: Connection, rated: dict[str, list[Rating]]) -> Iterator[RatedMatch]:
    order = (pairings.c.recorded_at.desc(), pairings.c.pairing_id)
    began = select(pairings).where(pairings.c.recommendation_id.is_not(None)).order_by(*order)
    for row in connection.execute(began).all():
        pairing = Pairing(row.pairing_id, "", row.clinician_id, row.recommendation_id)
        match = _match(connection, pairing, tuple(rated.get(row.pairing_id, ())))
        if match is not None:
            yield match


def _match(
    connection: Connection, pairing: Pairing, ratings: tuple[Rating, ...]
) -> RatedMatch | None:
    if not ratings or pairing.recommendation_id is None:
        return None
    started_on = pairing_outcome(events_of(connection, pairing.pairing_id)).started_on
    if started_on is None:
        return None
    try:
        shown = find_recommendation(connection, pairing.recommendation_id).shown
    except NotFoundError:
        return None
    return RatedMatch(
        pairing.pairing_id,
        pairing.clinician_id,
        started_on,
        shown.response,
        ratings,
        shown.answers,
    )
