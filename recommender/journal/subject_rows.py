"""Everything the journal holds of one subject, by table: what is exported and what is erased.

One list for both, so that nothing is shown that is not erased, or erased that was not shown.
Imported within `journal`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select

from recommender.journal.subjects import Subject
from recommender.store.schema import (
    consents,
    decisions,
    extract_pairings,
    idempotency,
    pairing_events,
    pairings,
    payloads,
    rating_versions,
    ratings,
    recommendations,
    shown,
    subjects,
    trained_on,
)


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """What is kept of a subject: ids of what is about them, and a condition a table."""

    subject_ids: tuple[str, ...]
    recommendation_ids: tuple[str, ...]
    pairing_ids: tuple[str, ...]
    rating_ids: tuple[str, ...]

    def conditions(self) -> Sequence[tuple[Table, ColumnElement[bool]]]:
        """Which rows are theirs, tables in an order in which they may be deleted."""
        made = self.recommendation_ids
        return (
            (trained_on, trained_on.c.pairing_id.in_(self.pairing_ids)),
            (extract_pairings, extract_pairings.c.pairing_id.in_(self.pairing_ids)),
            (idempotency, idempotency.c.subject_id.in_(self.subject_ids)),
            (rating_versions, rating_versions.c.rating_id.in_(self.rating_ids)),
            (ratings, ratings.c.rating_id.in_(self.rating_ids)),
            (pairing_events, pairing_events.c.pairing_id.in_(self.pairing_ids)),
            (pairings, pairings.c.pairing_id.in_(self.pairing_ids)),
            (decisions, decisions.c.recommendation_id.in_(made)),
            (shown, shown.c.recommendation_id.in_(made)),
            (payloads, payloads.c.recommendation_id.in_(made)),
            (recommendations, recommendations.c.recommendation_id.in_(made)),
            (consents, consents.c.subject_id.in_(self.subject_ids)),
            (subjects, subjects.c.subject_id.in_(self.subject_ids)),
        )

    def rows(self, connection: Connection, table: Table) -> list[dict[str, Any]]:
        """The rows of one table that are theirs, in the order of its key."""
        condition = next(each for of, each in self.conditions() if of is table)
        statement = select(table).where(condition).order_by(*table.primary_key.columns)
        return [row._asdict() for row in connection.execute(statement)]


def subject_rows(connection: Connection, subject: Subject) -> SubjectRows:
    """What is about a subject, also by way of a recommendation made before they had a pseudonym."""
    theirs = pairings.c.subject_id == subject.subject_id
    met = connection.execute(
        select(pairings.c.pairing_id, pairings.c.recommendation_id).where(theirs)
    ).all()
    named = tuple(row.recommendation_id for row in met if row.recommendation_id)
    unnamed = select(subjects.c.subject_id).where(subjects.c.client_id.is_(None))
    made = connection.execute(
        select(recommendations.c.recommendation_id, recommendations.c.subject_id).where(
            or_(
                recommendations.c.subject_id == subject.subject_id,
                recommendations.c.recommendation_id.in_(named)
                & recommendations.c.subject_id.in_(unnamed),
            )
        )
    ).all()
    pairing_ids = tuple(sorted(row.pairing_id for row in met))
    rated = select(ratings.c.rating_id).where(ratings.c.pairing_id.in_(pairing_ids))
    return SubjectRows(
        subject_ids=tuple(sorted({subject.subject_id, *(row.subject_id for row in made)})),
        recommendation_ids=tuple(sorted(row.recommendation_id for row in made)),
        pairing_ids=pairing_ids,
        rating_ids=tuple(sorted(connection.execute(rated).scalars())),
    )


def remove(connection: Connection, holdings: SubjectRows) -> Mapping[str, int]:
    """Deletes all of it, keys included, and counts the rows by table."""
    return {
        table.name: connection.execute(delete(table).where(condition)).rowcount
        for table, condition in holdings.conditions()
    }
