"""Conditions on requests, pairings and ratings in queries, each answered along indexes."""

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, Table, or_, select

from recommender.journal.closings import closes
from recommender.journal.pairings import WITHDRAWN
from recommender.journal.ratings import in_force
from recommender.journal.request_versions import has_on_a_version
from recommender.store.schema import (
    closings,
    decisions,
    pairing_events,
    pairings,
    rating_versions,
    wishes,
)


def has_pairing(name: ColumnElement[str], *kinds: str) -> ColumnElement[bool]:
    """Whether a pairing of a recommendation is not withdrawn, and has an event of these kinds."""
    begun = select(pairings.c.pairing_id).where(
        pairings.c.recommendation_id == name, ~has_event(WITHDRAWN)
    )
    return (begun.where(has_event(*kinds)) if kinds else begun).exists()


def has_event(*kinds: str) -> ColumnElement[bool]:
    """Whether a pairing has an event of any of these kinds."""
    some = pairing_events.alias()
    statement = select(some.c.event_id).where(
        some.c.pairing_id == pairings.c.pairing_id, some.c.kind.in_(kinds)
    )
    return statement.exists()


def is_followed(
    row: FromClause, later: FromClause, key: str, counts: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether a later row of the same pairing counts: no grouping, so that a list ends early.

    `later` is an alias of the table of `row`, whose id is `key`.
    """
    after = _is_after(later, row, key)
    same = later.c.pairing_id == row.c.pairing_id
    return select(later.c[key]).where(same, after, counts).correlate_except(later).exists()


def is_in_force(rating: FromClause) -> ColumnElement[bool]:
    """Whether a rating is in force; no join, so that ratings are read along their own index."""
    version = select(rating_versions.c.version).where(
        rating_versions.c.rating_id == rating.c.rating_id, in_force()
    )
    return version.correlate_except(rating_versions).exists()


def is_newest(table: Table, key: str) -> ColumnElement[bool]:
    """Whether no later row of a table, whose id is `key`, is of any version of the request."""
    later = table.alias("later")
    return ~has_on_a_version(later, _is_after(later, table, key))


def _is_after(later: FromClause, row: FromClause, key: str) -> ColumnElement[bool]:
    at = row.c.recorded_at
    return or_(later.c.recorded_at > at, (later.c.recorded_at == at) & (later.c[key] > row.c[key]))


def decided_since(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a decision was made at or after a moment on any version of a request."""
    decided = decisions.alias("decided")
    return has_on_a_version(decided, decided.c.recorded_at >= at)


def is_closed_request() -> ColumnElement[bool]:
    """Whether any version of a request is closed."""
    closed = closings.alias("closed")
    return has_on_a_version(closed, *closes(closed))


def has_open_wish() -> ColumnElement[bool]:
    """Whether a wish on any version of a request was not answered by a later decision."""
    wish = wishes.alias("wish")
    return has_on_a_version(wish, ~decided_since(wish.c.recorded_at))
