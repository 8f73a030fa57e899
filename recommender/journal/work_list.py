"""The work list of staff: what is to be done next about each request and each pairing.

Nothing is decrypted for it. Every list is read newest first along an index and ends at its limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from recommender.journal.pairings import ATTENDED, BOOKED, ENDED, WITHDRAWN
from recommender.journal.ratings import CLIENT
from recommender.journal.request_versions import (
    has_on_a_version,
    newest_versions,
    replaced_since,
)
from recommender.journal.wishes import MATCHING_PAGE, wishes_by_recommendation
from recommender.journal.work_conditions import (
    decided_since,
    has_event,
    has_open_wish,
    has_pairing,
    is_closed_request,
    is_followed,
    is_in_force,
    is_newest,
)
from recommender.journal.work_items import (
    ANSWER,
    BOOK,
    DECIDE,
    RATE,
    TALK,
    WorkItem,
    pairing_items,
    request_items,
)
from recommender.store.schema import (
    decisions,
    pairing_events,
    pairings,
    ratings,
    recommendations,
    wishes,
)


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """What the list has: what came up `since` then, and of requests of this `actor` only.

    `early_sessions` are the sessions whose ratings count as early.
    """

    since: datetime
    early_sessions: tuple[int, int]
    actor: str | None = None


def to_answer(connection: Connection, wanted: WorkFilter, *, limit: int) -> tuple[WorkItem, ...]:
    """Open requests with a wish that no later decision has answered, newest wish first.

    A wish on an earlier version of a request is listed with the newest version.
    """
    asked = (
        select(wishes.c.recommendation_id)
        .join(recommendations, recommendations.c.recommendation_id == wishes.c.recommendation_id)
        .where(
            wishes.c.recorded_at >= wanted.since,
            is_newest(wishes, "wish_id"),
            ~decided_since(wishes.c.recorded_at),
            ~is_closed_request(),
        )
        .order_by(wishes.c.recorded_at.desc(), wishes.c.wish_id)
    )
    names = tuple(connection.execute(_of_actor(asked, wanted).limit(limit)).scalars())
    wished, newest = wishes_by_recommendation(connection, names), newest_versions(connection, names)
    latest = {name: newest[name].recommendation_id if name in newest else name for name in names}
    items = request_items(connection, set(latest.values()), wanted.early_sessions)
    return tuple(
        replace(
            items[latest[name]],
            task=ANSWER,
            at=wished[name][-1].recorded_at,
            wish=wished[name][-1],
            clinician_id=wished[name][-1].clinician_id,
        )
        for name in names
        if latest[name] in items
    )


def to_decide(connection: Connection, wanted: WorkFilter, *, limit: int) -> tuple[WorkItem, ...]:
    """Open requests without decision, wish and pairing, newest first; of each the newest version.

    A decision on an earlier version counts where it was made after the newest. What a client read
    on the matching page is no task for staff without a wish.
    """
    at = recommendations.c.recorded_at
    name = recommendations.c.recommendation_id
    asked = (
        select(name, at.label("at"))
        .where(
            at >= wanted.since,
            recommendations.c.actor != MATCHING_PAGE,
            ~replaced_since(at),
            ~decided_since(at),
            ~is_closed_request(),
            ~has_open_wish(),
            ~has_pairing(name),
        )
        .order_by(at.desc(), name.desc())
    )
    return _requests(connection, _of_actor(asked, wanted), wanted, limit)


def to_book(connection: Connection, wanted: WorkFilter, *, limit: int) -> tuple[WorkItem, ...]:
    """Open requests decided on, without a pairing that has a day, newest decision first.

    A request that was replaced since is to be decided anew.
    """
    name, at = decisions.c.recommendation_id, decisions.c.recorded_at
    wish = wishes.alias("wish")
    wished = has_on_a_version(wish, wish.c.recorded_at > at)
    asked = (
        select(name, at.label("at"))
        .join(recommendations, recommendations.c.recommendation_id == name)
        .where(
            at >= wanted.since,
            ~has_pairing(name, BOOKED, ATTENDED, ENDED),
            is_newest(decisions, "decision_id"),
            ~replaced_since(at),
            ~wished,
            ~is_closed_request(),
        )
        .order_by(at.desc(), decisions.c.decision_id)
    )
    return _requests(connection, _of_actor(asked, wanted), wanted, limit)


def to_rate(connection: Connection, wanted: WorkFilter, *, limit: int) -> tuple[WorkItem, ...]:
    """Pairings with an early session attended and no early rating of the client, newest first."""
    first, last = wanted.early_sessions
    rated = (
        select(ratings.c.rating_id)
        .where(
            ratings.c.pairing_id == pairings.c.pairing_id,
            ratings.c.rater == CLIENT,
            ratings.c.session.between(first, last),
            is_in_force(ratings),
        )
        .exists()
    )
    attended, later = pairing_events.alias("attended"), pairing_events.alias("later")
    is_early = [(each.c.kind == ATTENDED) & (each.c.session >= first) for each in (attended, later)]
    at = attended.c.recorded_at
    asked = (
        select(pairings.c.pairing_id, at.label("at"))
        .join(attended, attended.c.pairing_id == pairings.c.pairing_id)
        .where(
            at >= wanted.since,
            is_early[0],
            ~is_followed(attended, later, "event_id", is_early[1]),
            ~has_event(ENDED, WITHDRAWN),
            ~rated,
        )
        .order_by(at.desc(), pairings.c.pairing_id)
    )
    return _pairings(connection, _of_starter(asked, wanted), RATE, limit)


def recently_rated(
    connection: Connection, wanted: WorkFilter, *, limit: int
) -> tuple[WorkItem, ...]:
    """Pairings not ended that the client rated lately, newest rating first.

    Whether a rating is low depends on what was predicted: callers choose among these.
    """
    at, later = ratings.c.recorded_at, ratings.alias("later_rating")
    counts = [(each.c.rater == CLIENT) & is_in_force(each) for each in (ratings, later)]
    asked = (
        select(pairings.c.pairing_id, at.label("at"))
        .join(ratings, ratings.c.pairing_id == pairings.c.pairing_id)
        .where(
            at >= wanted.since,
            counts[0],
            ~is_followed(ratings, later, "rating_id", counts[1]),
            ~has_event(ENDED, WITHDRAWN),
        )
        .order_by(at.desc(), pairings.c.pairing_id)
    )
    return _pairings(connection, _of_starter(asked, wanted), TALK, limit)


def newest_requests(
    connection: Connection, wanted: WorkFilter, *, limit: int
) -> tuple[WorkItem, ...]:
    """Requests that are not closed, newest first, whatever is to be done about them.

    Of each request the newest version.
    """
    at = recommendations.c.recorded_at
    name = recommendations.c.recommendation_id
    open_since = (at >= wanted.since, ~replaced_since(at), ~is_closed_request())
    asked = select(name, at.label("at")).where(*open_since)
    ordered = asked.order_by(at.desc(), name.desc())
    return _requests(connection, _of_actor(ordered, wanted), wanted, limit)


def _requests(
    connection: Connection, asked: "Select[Any]", wanted: WorkFilter, limit: int
) -> tuple[WorkItem, ...]:
    names = [row.recommendation_id for row in connection.execute(asked.limit(limit))]
    items = request_items(connection, names, wanted.early_sessions)
    return tuple(items[name] for name in names if name in items)


def _pairings(
    connection: Connection, asked: "Select[Any]", task: str, limit: int
) -> tuple[WorkItem, ...]:
    times = {row.pairing_id: row.at for row in connection.execute(asked.limit(limit))}
    items = pairing_items(connection, tuple(times), task)
    return tuple(replace(items[name], at=at) for name, at in times.items() if name in items)


def _of_actor(asked: "Select[Any]", wanted: WorkFilter) -> "Select[Any]":
    """Of requests that one caller made."""
    return asked if wanted.actor is None else asked.where(recommendations.c.actor == wanted.actor)


def _of_starter(asked: "Select[Any]", wanted: WorkFilter) -> "Select[Any]":
    """Of pairings whose request one caller made, or which they recorded without a request."""
    if wanted.actor is None:
        return asked
    requested = select(recommendations.c.recommendation_id).where(
        recommendations.c.recommendation_id == pairings.c.recommendation_id,
        recommendations.c.actor == wanted.actor,
    )
    alone = pairings.c.recommendation_id.is_(None) & (pairings.c.actor == wanted.actor)
    return asked.where(or_(requested.exists(), alone))


TaskList = Callable[..., tuple[WorkItem, ...]]
"""A list of items by connection, filter and `limit`."""
TASKS: Mapping[str, TaskList] = {
    ANSWER: to_answer,
    DECIDE: to_decide,
    BOOK: to_book,
    RATE: to_rate,
}
"""The list of each task that is found without reading what was predicted."""
