"""Versions of one request: requests that each replace the one before, whose answers they change."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, func, or_, select, union

from recommender.store.schema import recommendations


@dataclass(frozen=True, slots=True)
class RequestVersion:
    """One version: its request, who made it and when (UTC)."""

    recommendation_id: str
    actor: str
    recorded_at: datetime


def first_version(connection: Connection, recommendation_id: str) -> str:
    """The id of the first version of a request; its own for a request that replaces none."""
    asked = select(recommendations.c.first_id).where(
        recommendations.c.recommendation_id == recommendation_id
    )
    return connection.execute(asked).scalar() or recommendation_id


def versions_of(connection: Connection, recommendation_id: str) -> tuple[RequestVersion, ...]:
    """Every version of a request, oldest first; one alone where it was never changed."""
    first = first_version(connection, recommendation_id)
    table = recommendations.c
    asked = select(table.recommendation_id, table.actor, table.recorded_at).where(
        or_(table.recommendation_id == first, table.first_id == first)
    )
    order = (table.recorded_at, table.recommendation_id)
    return tuple(RequestVersion(*row) for row in connection.execute(asked.order_by(*order)))


def newest_versions(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, RequestVersion]:
    """The newest version of each of some requests, by id; without those never replaced."""
    later = recommendations.alias("later")
    asked = (
        select(
            recommendations.c.recommendation_id.label("of"),
            later.c.recommendation_id,
            later.c.actor,
            later.c.recorded_at,
        )
        .join(later, later.c.first_id == _root())
        .where(
            recommendations.c.recommendation_id.in_(recommendation_ids),
            later.c.recorded_at > recommendations.c.recorded_at,
        )
        .order_by(later.c.recorded_at, later.c.recommendation_id)
    )
    return {of: RequestVersion(*version) for of, *version in connection.execute(asked)}


def replaced_since(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a version of a row of `recommendations` was made after a moment: a condition."""
    later = recommendations.alias("later_version")
    return (
        select(later.c.recommendation_id)
        .where(later.c.first_id == _root(), later.c.recorded_at > at)
        .correlate_except(later)
        .exists()
    )


def has_on_a_version(rows: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row of a table meets conditions and is of any version of a request: a condition.

    The request is a row of `recommendations`; `rows` is an alias of the table.
    """
    version = recommendations.alias()
    # Versions come first, along their two indexes: PostgreSQL reads all of `rows` for an IN.
    found = (
        select(version.c.recommendation_id)
        .join(rows, rows.c.recommendation_id == version.c.recommendation_id)
        .where(
            or_(version.c.first_id == _root(), version.c.recommendation_id == _root()), *conditions
        )
    )
    return found.correlate_except(version, rows).exists()


def _root() -> ColumnElement[str]:
    return func.coalesce(recommendations.c.first_id, recommendations.c.recommendation_id)


def all_versions(connection: Connection, recommendation_ids: Collection[str]) -> tuple[str, ...]:
    """The ids of every version of some requests, themselves included, sorted."""
    version = recommendations.alias("version")
    first = recommendations.c.first_id
    # Two parts, each along indexes: one OR over a subquery would read every row in PostgreSQL.
    changes_of_these = select(version.c.recommendation_id).where(
        version.c.first_id.in_(recommendation_ids)
    )
    with_the_first_of_these = (
        select(version.c.recommendation_id)
        .join(
            recommendations, or_(version.c.recommendation_id == first, version.c.first_id == first)
        )
        .where(recommendations.c.recommendation_id.in_(recommendation_ids))
    )
    found = connection.execute(union(changes_of_these, with_the_first_of_these)).scalars()
    return tuple(sorted({*found, *recommendation_ids}))
