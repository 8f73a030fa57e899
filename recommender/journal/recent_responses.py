"""Recent recommendations in which one clinician could have been shown, as they were answered."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from recommender.journal.closings import is_closed
from recommender.journal.subjects import subject_with
from recommender.store.schema import payloads, recommendations, roster_rows, roster_versions


def recent_responses(connection: Connection, *, since: datetime, limit: int) -> tuple[bytes, ...]:
    """Responses from a moment on, newest first, without those erased, too old or closed."""
    columns = recommendations.c
    statement = (
        select(columns.recommendation_id, columns.subject_id, payloads.c.response_sealed)
        .select_from(recommendations.join(payloads))
        .where(columns.recorded_at >= since, ~is_closed(columns.recommendation_id))
        .order_by(columns.recorded_at.desc(), columns.recommendation_id)
        .limit(limit)
    )
    return tuple(
        subject.decrypt(f"response/{name}", bytes(sealed))
        for name, subject_id, sealed in connection.execute(statement).all()
        if (subject := subject_with(connection, subject_id)) is not None
    )


def on_roster_since(connection: Connection, clinician_id: str) -> datetime | None:
    """When a clinician was first on the roster; None where no version has them."""
    first = select(func.min(roster_rows.c.number)).where(
        roster_rows.c.clinician_id == clinician_id, roster_rows.c.cells.is_not(None)
    )
    number = connection.execute(first).scalar()
    at: datetime | None = connection.execute(
        select(roster_versions.c.recorded_at).where(roster_versions.c.number == number)
    ).scalar()
    return at
