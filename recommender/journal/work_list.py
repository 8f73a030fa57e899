"""The work list of staff: what is to be done next about each request and each pairing.

Nothing is decrypted for it. Every list is read newest first along an index and ends at its limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, or_, select

from recommender.journal.closings import closes
from recommender.journal.pairings import ATTENDED, BOOKED, ENDED, WITHDRAWN
from recommender.journal.ratings import CLIENT, in_force
from recommender.journal.request_versions import (
    has_on_a_version,
    newest_versions,
    replaced_since,
)
from recommender.journal.wishes import MATCHING_PAGE, wishes_by_recommendation
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
    closings,
    decisions,
    pairing_events,
    pairings,
    rating_versions,
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
            _is_newest(wishes, "wish_id"),
            ~_decided_since(wishes.c.recorded_at),
            ~_is_closed(),
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
            ~_decided_since(at),
            ~_is_closed(),
            ~_has_open_wish(),
            ~_has_pairing(name),
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
            ~_has_pairing(name, BOOKED, ATTENDED, ENDED),
            _is_newest(decisions, "decision_id"),
            ~replaced_since(at),
            ~wished,
            ~_is_closed(),
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
            _is_in_force(),
        )
        .exists()
    )
    at = func.max(pairing_events.c.recorded_at)
    asked = (
        select(pairings.c.pairing_id, at.label("at"))
        .join(pairing_events, pairing_events.c.pairing_id == pairings.c.pairing_id)
        .where(
            pairing_events.c.kind == ATTENDED,
            pairing_events.c.session >= first,
            pairing_events.c.recorded_at >= wanted.since,
            ~_has_event(ENDED, WITHDRAWN),
            ~rated,
        )
        .group_by(pairings.c.pairing_id)
        .order_by(at.desc(), pairings.c.pairing_id)
    )
    return _pairings(connection, _of_starter(asked, wanted), RATE, limit)


def recently_rated(
    connection: Connection, wanted: WorkFilter, *, limit: int
) -> tuple[WorkItem, ...]:
    """Pairings not ended that the client rated lately, newest rating first.

    Whether a rating is low depends on what was predicted: callers choose among these.
    """
    at = func.max(ratings.c.recorded_at)
    asked = (
        select(pairings.c.pairing_id, at.label("at"))
        .join(ratings, ratings.c.pairing_id == pairings.c.pairing_id)
        .where(
            ratings.c.recorded_at >= wanted.since,
            ratings.c.rater == CLIENT,
            _is_in_force(),
            ~_has_event(ENDED, WITHDRAWN),
        )
        .group_by(pairings.c.pairing_id)
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
    open_since = (at >= wanted.since, ~replaced_since(at), ~_is_closed())
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


def _has_pairing(name: ColumnElement[str], *kinds: str) -> ColumnElement[bool]:
    """Whether a pairing of a recommendation is not withdrawn, and has an event of these kinds."""
    begun = select(pairings.c.pairing_id).where(
        pairings.c.recommendation_id == name, ~_has_event(WITHDRAWN)
    )
    return (begun.where(_has_event(*kinds)) if kinds else begun).exists()


def _has_event(*kinds: str) -> ColumnElement[bool]:
    some = pairing_events.alias()
    statement = select(some.c.event_id).where(
        some.c.pairing_id == pairings.c.pairing_id, some.c.kind.in_(kinds)
    )
    return statement.exists()


def _is_in_force() -> ColumnElement[bool]:
    """Whether a rating is in force; no join, so that ratings are read along their own index."""
    version = select(rating_versions.c.version).where(
        rating_versions.c.rating_id == ratings.c.rating_id, in_force()
    )
    return version.correlate_except(rating_versions).exists()


def _is_newest(table: Table, key: str) -> ColumnElement[bool]:
    """Whether no later row of a table, whose id is `key`, is of any version of the request."""
    later, at = table.alias("later"), table.c.recorded_at
    is_later = or_(
        later.c.recorded_at > at,
        (later.c.recorded_at == at) & (later.c[key] > table.c[key]),
    )
    return ~has_on_a_version(later, is_later)


def _decided_since(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a decision was made at or after a moment on any version of a request."""
    decided = decisions.alias("decided")
    return has_on_a_version(decided, decided.c.recorded_at >= at)


def _is_closed() -> ColumnElement[bool]:
    """Whether any version of a request is closed."""
    closed = closings.alias("closed")
    return has_on_a_version(closed, *closes(closed))


def _has_open_wish() -> ColumnElement[bool]:
    """Whether a wish on any version of a request was not answered by a later decision."""
    wish = wishes.alias("wish")
    return has_on_a_version(wish, ~_decided_since(wish.c.recorded_at))


TaskList = Callable[..., tuple[WorkItem, ...]]
"""A list of items by connection, filter and `limit`."""
TASKS: Mapping[str, TaskList] = {
    ANSWER: to_answer,
    DECIDE: to_decide,
    BOOK: to_book,
    RATE: to_rate,
}
"""The list of each task that is found without reading what was predicted."""
