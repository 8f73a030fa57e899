"""Rated pairings with what was shown of them, exposure of clinicians, and use of models."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from recommender.errors import NotFoundError
from recommender.journal.closings import is_closed
from recommender.journal.pairings import (
    WITHDRAWN,
    Pairing,
    events_of,
    outcomes_of,
    pairing_outcome,
)
from recommender.journal.ratings import Rating, ratings_by_pairing
from recommender.journal.recommendations import find_recommendation
from recommender.journal.work_conditions import has_event, is_in_force
from recommender.store.schema import (
    decisions,
    pairings,
    ratings,
    recommendations,
    shown,
)


@dataclass(frozen=True, slots=True)
class RatedMatch:
    """A pairing from a recommendation, with the response, the intake answers and the ratings."""

    pairing_id: str
    clinician_id: str
    started_on: date
    response: bytes = field(repr=False)
    ratings: tuple[Rating, ...]
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)


def rated_matches(connection: Connection, *, limit: int) -> tuple[RatedMatch, ...]:
    """The last pairings with a current rating, newest first.

    Without those withdrawn, those whose start is unknown, and those whose recommendation was erased
    or is past its age.
    """
    return tuple(islice(_matches(connection, ratings_by_pairing(connection)), limit))


@dataclass(frozen=True, slots=True)
class RatedPairing:
    """A pairing with its current ratings."""

    pairing_id: str
    clinician_id: str
    started_on: date
    ratings: tuple[Rating, ...]


def rated_pairings(connection: Connection) -> tuple[RatedPairing, ...]:
    """Every pairing with a current rating and a known start; decrypts nothing."""
    rated = ratings_by_pairing(connection)
    outcomes = outcomes_of(connection)
    order = pairings.c.recorded_at, pairings.c.pairing_id
    rows = connection.execute(
        select(pairings.c.pairing_id, pairings.c.clinician_id).order_by(*order)
    )
    return tuple(
        RatedPairing(name, clinician_id, started_on, rated[name])
        for name, clinician_id in rows
        if name in rated and name in outcomes and not outcomes[name].withdrawn
        for started_on in [outcomes[name].started_on]
        if started_on is not None
    )


def _matches(
    connection: Connection, rated: Mapping[str, tuple[Rating, ...]]
) -> Iterator[RatedMatch]:
    order = (pairings.c.recorded_at.desc(), pairings.c.pairing_id)
    began = select(pairings).where(pairings.c.recommendation_id.is_not(None)).order_by(*order)
    for row in connection.execute(began).all():
        pairing = Pairing(row.pairing_id, "", row.clinician_id, row.recommendation_id)
        match = match_of(connection, pairing, rated.get(row.pairing_id, ()))
        if match is not None:
            yield match


def match_of(
    connection: Connection, pairing: Pairing, ratings: tuple[Rating, ...]
) -> RatedMatch | None:
    """A pairing with its recommendation and these current ratings; None where either is missing.

    None also while its start is unknown and where it was withdrawn.
    """
    if not ratings or pairing.recommendation_id is None:
        return None
    outcome = pairing_outcome(events_of(connection, pairing.pairing_id))
    if outcome.started_on is None or outcome.withdrawn:
        return None
    try:
        shown = find_recommendation(connection, pairing.recommendation_id).shown
    except NotFoundError:
        return None
    return RatedMatch(
        pairing.pairing_id,
        pairing.clinician_id,
        outcome.started_on,
        shown.response,
        ratings,
        shown.answers,
    )


@dataclass(frozen=True, slots=True)
class Exposure:
    """Requests in which a clinician was shown, shown first and chosen; pairings begun and rated.

    `rated` are those begun in the same time that have a rating in force.
    """

    shown: int = 0
    first: int = 0
    chosen: int = 0
    begun: int = 0
    rated: int = 0


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model by its digest, and the number and times of its recommendations in one mode."""

    digest: str
    mode: str
    requests: int
    first_at: datetime
    last_at: datetime


def exposures(connection: Connection, *, since: datetime) -> dict[str, Exposure]:
    """Counts by clinician since then; of several decisions on one request the last counts.

    Requests that are closed count neither as shown nor as chosen: the client refused nobody.
    """
    first = func.sum(case((shown.c.rank == 1, 1), else_=0))
    statement = (
        select(shown.c.clinician_id, func.count(), first)
        .join(recommendations, recommendations.c.recommendation_id == shown.c.recommendation_id)
        .where(_is_counted(since))
        .group_by(shown.c.clinician_id)
    )
    counted = {
        name: (int(times), int(ahead)) for name, times, ahead in connection.execute(statement)
    }
    chosen = _chosen(connection, since)
    begun, rated = (Counter(connection.execute(each).scalars()) for each in _begun(since))
    return {
        name: Exposure(*counted.get(name, (0, 0)), chosen[name], begun[name], rated[name])
        for name in sorted({*counted, *chosen, *begun})
    }


def requests_counted(connection: Connection, *, since: datetime) -> int:
    """How many requests since then `exposures` counts, those that showed nobody among them."""
    statement = select(func.count()).select_from(recommendations).where(_is_counted(since))
    return int(connection.execute(statement).scalar_one())


def _is_counted(since: datetime) -> ColumnElement[bool]:
    """Whether a request was recorded since then and is not closed."""
    is_open = ~is_closed(recommendations.c.recommendation_id)
    return and_(recommendations.c.recorded_at >= since, is_open)


def model_uses(connection: Connection) -> tuple[ModelUse, ...]:
    """Every model with a stored recommendation, the last used first."""
    first, last = (
        of_requests(recommendations.c.recorded_at) for of_requests in (func.min, func.max)
    )
    names = (recommendations.c.model_digest, recommendations.c.mode)
    statement = select(*names, func.count(), first, last).group_by(*names)
    rows = connection.execute(statement.order_by(last.desc(), *names))
    return tuple(ModelUse(*row) for row in rows)


def _chosen(connection: Connection, since: datetime) -> Counter[str]:
    statement = select(decisions.c.recommendation_id, decisions.c.clinician_id).order_by(
        decisions.c.recorded_at, decisions.c.decision_id
    )
    is_open = ~is_closed(decisions.c.recommendation_id)
    rows = connection.execute(statement.where(decisions.c.recorded_at >= since, is_open))
    newest = {row.recommendation_id: row.clinician_id for row in rows}
    return Counter(newest.values())


def _begun(since: datetime) -> tuple[Select[tuple[str]], Select[tuple[str]]]:
    """The clinician of each pairing that was recorded since then, and of each with a rating."""
    rating = select(ratings.c.rating_id).where(
        ratings.c.pairing_id == pairings.c.pairing_id, is_in_force(ratings)
    )
    begun = select(pairings.c.clinician_id).where(
        pairings.c.recorded_at >= since, ~has_event(WITHDRAWN)
    )
    return begun, begun.where(rating.exists())
