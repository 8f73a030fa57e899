"""What is to be done next about requests and pairings, and what became of them.

Nothing is decrypted for it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from recommender.journal.closings import CLOSED, closings_by_recommendation
from recommender.journal.pairings import (
    BegunPairing,
    PairingOutcome,
    is_undone,
    outcomes_of,
    pairings_from,
)
from recommender.journal.ratings import CLIENT, Rating, ratings_by_pairing
from recommender.journal.recommendations import decisions_by_recommendation
from recommender.journal.request_versions import newest_versions
from recommender.journal.wishes import RecordedWish, wishes_by_recommendation
from recommender.store.schema import pairings, ratings, recommendations, subjects

TALK, ANSWER, DECIDE, BOOK, RATE, NOTHING = "talk", "answer", "decide", "book", "rate", "nothing"
"""What is to be done: talk about a low rating, answer a wish, decide, book the first appointment,
ask for the early rating, or nothing."""
OPEN, DECIDED, BEGUN, RATED, OVER = "open", "decided", "begun", "rated", "ended"
REPLACED = "replaced"
"""State of a request whose answers a later version changed before it was decided on."""
UNDONE = "undone"
"""State of a request decided on whose start was undone."""
STATES = (OPEN, DECIDED, BEGUN, RATED, OVER, REPLACED, UNDONE, CLOSED)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One line of the list.

    Attributes
    ----------
    task
        What is to be done.
    state
        One of `STATES`: what became of the request.
    at
        When the task came up, by the database's clock.
    client_id
        None while the client is new to the practice.
    clinician_id
        Wished for, decided on or begun with.
    recommendation_id, pairing_id
        A pairing may come of no recommendation.
    wish
        The newest wish of the client, until a later decision answers it.
    closed_for
        Why the request was closed, one of `closings.REASONS`; None while it is open.
    outcome
        How the pairing went; None without one.
    """

    task: str
    state: str
    at: datetime
    client_id: str | None
    clinician_id: str | None
    recommendation_id: str | None
    pairing_id: str | None = None
    wish: RecordedWish | None = None
    closed_for: str | None = None
    outcome: PairingOutcome | None = None


def request_items(
    connection: Connection, recommendation_ids: Collection[str], early_sessions: tuple[int, int]
) -> dict[str, WorkItem]:
    """What is to be done about each of some requests, and since when; makes eight queries."""
    rows = connection.execute(
        select(
            recommendations.c.recommendation_id,
            recommendations.c.recorded_at,
            subjects.c.client_id,
        )
        .join(subjects)
        .where(recommendations.c.recommendation_id.in_(recommendation_ids))
    ).all()
    decided = decisions_by_recommendation(connection, recommendation_ids)
    wished = wishes_by_recommendation(connection, recommendation_ids)
    begun = pairings_from(connection, recommendation_ids)
    newest = newest_versions(connection, recommendation_ids)
    closed = closings_by_recommendation(connection, recommendation_ids)
    met = [each.pairing.pairing_id for some in begun.values() for each in some]
    rated = ratings_by_pairing(connection, met)
    items = {}
    for row in rows:
        name = row.recommendation_id
        decision = decided[name][-1] if name in decided else None
        wish = wished[name][-1] if name in wished else None
        if wish and decision and decision.recorded_at >= wish.recorded_at:
            wish = None
        valid = [each for each in begun.get(name, ()) if not each.outcome.withdrawn]
        pairing = valid[-1] if valid else None
        theirs = rated.get(pairing.pairing.pairing_id, ()) if pairing else ()
        chosen = decision.decision.clinician_id if decision else None
        since = pairing.recorded_at if pairing else decision.recorded_at if decision else None
        item = WorkItem(
            DECIDE,
            OPEN if decision is None else DECIDED,
            since or row.recorded_at,
            row.client_id,
            pairing.pairing.clinician_id if pairing else chosen,
            name,
            pairing.pairing.pairing_id if pairing else None,
        )
        if decision and is_undone(begun.get(name, ()), decision.recorded_at):
            item = replace(item, state=UNDONE)
        closing = closed[name][-1] if name in closed else None
        since_replaced = newest[name].recorded_at if name in newest else None
        if since_replaced and pairing is None and item.at <= since_replaced:
            item = replace(item, task=NOTHING, state=REPLACED)
        elif closing and closing.kind == CLOSED and pairing is None:
            item = replace(item, task=NOTHING, state=CLOSED, at=closing.recorded_at)
            item = replace(item, closed_for=closing.reason)
        elif wish is not None:
            item = replace(item, task=ANSWER, at=wish.recorded_at, wish=wish)
            item = replace(item, clinician_id=wish.clinician_id)
        elif pairing is not None:
            item = _of_begun(item, pairing, theirs, early_sessions)
        elif decision is not None:
            item = replace(item, task=BOOK)
        items[name] = item
    return items


def pairing_items(
    connection: Connection, pairing_ids: Collection[str], task: str
) -> dict[str, WorkItem]:
    """Some pairings, each with the same task; makes three queries."""
    rows = connection.execute(
        select(pairings, subjects.c.client_id)
        .join(subjects)
        .where(pairings.c.pairing_id.in_(pairing_ids))
    ).all()
    outcomes = outcomes_of(connection, pairing_ids)
    rated = ratings_by_pairing(connection, pairing_ids)
    return {
        row.pairing_id: WorkItem(
            task,
            _state(outcomes.get(row.pairing_id), rated.get(row.pairing_id, ())),
            row.recorded_at,
            row.client_id,
            row.clinician_id,
            row.recommendation_id,
            row.pairing_id,
            outcome=outcomes.get(row.pairing_id),
        )
        for row in rows
    }


def ratings_of(connection: Connection, pairing_ids: Collection[str]) -> tuple[str, ...]:
    """Ids of every rating of these pairings, by session, those withdrawn among them."""
    statement = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(tuple(pairing_ids)))
    order = (ratings.c.session, ratings.c.recorded_at, ratings.c.rating_id)
    return tuple(connection.execute(statement.order_by(*order)).scalars())


def is_due(
    outcome: PairingOutcome, rated: Collection[Rating], early_sessions: tuple[int, int]
) -> bool:
    """Whether an early session was attended and the client rated none of the early sessions."""
    first, last = early_sessions
    early = any(each.rater == CLIENT and first <= each.session <= last for each in rated)
    return (outcome.sessions or 0) >= first and outcome.is_open and not early


def _of_begun(
    item: WorkItem,
    pairing: BegunPairing,
    rated: tuple[Rating, ...],
    early_sessions: tuple[int, int],
) -> WorkItem:
    outcome = pairing.outcome
    if outcome.started_on is None and outcome.is_open:
        task = BOOK
    else:
        task = RATE if is_due(outcome, rated, early_sessions) else NOTHING
    return replace(item, task=task, state=_state(outcome, rated), outcome=outcome)


def _state(outcome: PairingOutcome | None, rated: Collection[Rating]) -> str:
    if outcome is not None and outcome.ended_on is not None:
        return OVER
    return RATED if rated else BEGUN
