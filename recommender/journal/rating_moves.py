"""Ratings entered under a wrong session, questionnaire or rater, recorded under the right one."""

from datetime import date

from sqlalchemy import Connection

from recommender.errors import ConflictError
from recommender.journal.ratings import (
    Rating,
    StoredRating,
    correct_rating,
    find_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.practice.definition import Practice


def move_rating(
    connection: Connection,
    practice: Practice,
    rating_id: str,
    rating: Rating,
    *,
    seen: int,
    reason: str,
    actor: str,
    today: date,
) -> StoredRating:
    """Withdraws a rating and records its content under another session, instrument or rater.

    A rating that was withdrawn there before gets a new version. Parameters and errors are those of
    `correct_rating`.

    Raises
    ------
    ConflictError
        When a rating is in force there already.
    """
    withdraw_rating(connection, rating_id, seen=seen, reason=reason, actor=actor)
    there = find_rating(connection, rating)
    if there is None:
        return record_rating(connection, practice, rating, actor=actor, today=today)
    last = rating_history(connection, there)[-1]
    if not last.withdrawn:
        raise ConflictError("session", "was rated before", "correct the rating that is there")
    return correct_rating(
        connection,
        practice,
        there,
        rating,
        seen=last.version,
        reason=reason,
        actor=actor,
        today=today,
    )
