"""Ratings and their corrections, each a version of its own.

A rating is validated and scored by the readers that training uses, so that training can read every
rating that is accepted.
"""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Row, insert, select

from recommender.alliance.label import score_ratings
from recommender.errors import ConflictError, Fault, NotFoundError, StaleError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.pairings import (
    PairingEvent,
    events_of,
    pairing_outcome,
    refuse_withdrawn,
    subject_of_pairing,
)
from recommender.journal.validation import canonical_json, code_faults, refuse
from recommender.journal.webhook_events import RATED, Event, publish
from recommender.practice.definition import Practice
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import rating_versions, ratings
from recommender.tables.pairings import read_ratings
from recommender.tables.raw_table import InternedColumn, RawTable

_KEY = ("pairing_id", "session", "instrument", "rater")
CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Rating:
    """One form answered at one session: a total, or its items in their order.

    `metric` is `sum`, `mean`, `pomp` or `items`. With `items` there is no score; an item is None
    where it was left empty. `known_on` is the day the practice knew, by default the day it is
    stored.
    """

    pairing_id: str
    session: int
    instrument: str
    metric: str
    score: float | None
    rated_on: date
    items: tuple[float | None, ...] = ()
    known_on: date | None = None
    rater: str = CLIENT


@dataclass(frozen=True, slots=True)
class StoredRating:
    """A rating's id, version (1, and one more with each correction) and score.

    `pomp` is the score from 0 to 1 as training reads it; None when too few items were answered.
    """

    rating_id: str
    version: int
    pomp: float | None


@dataclass(frozen=True, slots=True)
class RatingVersion:
    """One version of a rating: its content, author, time (UTC) and, for a correction, reason."""

    version: int
    rating: Rating
    withdrawn: bool
    reason: str | None
    actor: str
    recorded_at: datetime


def record_rating(
    connection: Connection, practice: Practice, rating: Rating, *, actor: str, today: date
) -> StoredRating:
    """Stores a new rating; the pairing may be unknown.

    Raises
    ------
    FeedbackError
        With every fault for which training would refuse it.
    ConflictError
        When this rater rated this session on this instrument before: correct that rating. When
        the pairing was withdrawn.
    """
    events = events_of(connection, rating.pairing_id)
    refuse_withdrawn(events)
    pomp = _check(practice, rating, events, today)
    advisory_lock(connection, f"rating/{canonical_json(_key(rating))}")
    if find_rating(connection, rating) is not None:
        raise ConflictError("session", "was rated before", "correct the rating that is there")
    stored = StoredRating(secrets.token_hex(16), 1, pomp)
    connection.execute(
        insert(ratings).values(
            **_key(rating), rating_id=stored.rating_id, recorded_at=database_time(connection)
        )
    )
    _add_version(connection, stored, rating, today, actor, "rating.recorded")
    return stored


def correct_rating(
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
    """Adds a version that is current from now on; earlier ones stay.

    Parameters
    ----------
    seen
        The version that the caller has seen.
    reason
        A code.

    Raises
    ------
    NotFoundError
        When there is no such rating.
    StaleError
        When there is a newer version.
    FeedbackError
        With every fault for which training would refuse it, or when it is of another session,
        instrument, rater or pairing.
    """
    last = _last(connection, rating_id, seen)
    faults = code_faults(reason=reason)
    faults += [
        Fault(name, "differs from the rating corrected", "withdraw that one and rate anew")
        for name in _KEY
        if getattr(rating, name) != getattr(last.rating, name)
    ]
    refuse(faults)
    pomp = _check(practice, rating, events_of(connection, rating.pairing_id), today)
    stored = StoredRating(rating_id, seen + 1, pomp)
    _add_version(connection, stored, rating, today, actor, "rating.corrected", reason)
    return stored


def withdraw_rating(
    connection: Connection, rating_id: str, *, seen: int, reason: str, actor: str
) -> StoredRating:
    """Adds a version that withdraws the rating; see `correct_rating` for errors."""
    last = _last(connection, rating_id, seen)
    refuse(code_faults(reason=reason))
    stored = StoredRating(rating_id, seen + 1, None)
    day = last.rating.known_on or last.rating.rated_on
    _add_version(connection, stored, last.rating, day, actor, "rating.withdrawn", reason)
    return stored


def find_rating(connection: Connection, rating: Rating) -> str | None:
    """The id of the rating of this session, instrument and rater, in force or withdrawn."""
    same = [ratings.c[name] == value for name, value in _key(rating).items()]
    return connection.execute(select(ratings.c.rating_id).where(*same)).scalar()


def rating_history(connection: Connection, rating_id: str) -> tuple[RatingVersion, ...]:
    """Every version of a rating, oldest first.

    Raises
    ------
    NotFoundError
        When there is no such rating.
    """
    rows = connection.execute(
        select(rating_versions, *(ratings.c[name] for name in _KEY))
        .join(ratings)
        .where(rating_versions.c.rating_id == rating_id)
        .order_by(rating_versions.c.version)
    )
    history = tuple(_version_of(row) for row in rows)
    if not history:
        raise NotFoundError("rating_id", "is not recorded", "check it, or record a new rating")
    return history


def current_ratings(
    connection: Connection, pairing_ids: Collection[str] | None = None
) -> tuple[Rating, ...]:
    """The newest version of every rating, or of those of some pairings, that is not withdrawn.

    Ordered by key.
    """
    statement = (
        select(rating_versions, *(ratings.c[name] for name in _KEY)).join(ratings).where(in_force())
    )
    if pairing_ids is not None:
        statement = statement.where(ratings.c.pairing_id.in_(pairing_ids))
    rows = connection.execute(statement)
    current = [_version_of(row).rating for row in rows]
    return tuple(sorted(current, key=lambda rating: tuple(map(str, _key(rating).values()))))


def ratings_by_pairing(
    connection: Connection, pairing_ids: Collection[str] | None = None
) -> dict[str, tuple[Rating, ...]]:
    """What `current_ratings` gives, by pairing; those without a rating are left out."""
    found: dict[str, list[Rating]] = {}
    for each in current_ratings(connection, pairing_ids):
        found.setdefault(each.pairing_id, []).append(each)
    return {pairing_id: tuple(some) for pairing_id, some in found.items()}


def in_force() -> ColumnElement[bool]:
    """Whether a row of `rating_versions` is its rating's newest and not withdrawn: a condition."""
    later = rating_versions.alias("later")
    replaced = (
        select(later.c.version)
        .where(
            later.c.rating_id == rating_versions.c.rating_id,
            later.c.version > rating_versions.c.version,
        )
        .correlate_except(later)
        .exists()
    )
    return rating_versions.c.withdrawn.is_(False) & ~replaced


def _key(rating: Rating) -> dict[str, Any]:
    return {name: getattr(rating, name) for name in _KEY}


def _check(
    practice: Practice, rating: Rating, events: Sequence[PairingEvent], today: date
) -> float | None:
    """The rating's score from 0 to 1; refuses what training would refuse."""
    pairings = _pairing(rating.pairing_id, events)
    frame, faults = read_ratings(_sheet(rating, today), pairings, practice.instruments, today)
    refuse(Fault(each.column or "rating", each.problem, each.remedy) for each in faults)
    pomp = score_ratings(frame, practice.instruments).pomp[0]
    return None if np.isnan(pomp) else float(pomp)


def _sheet(rating: Rating, today: date) -> RawTable:
    """The rating as one row of a practice's table."""
    cells = {name: getattr(rating, name) for name in (*_KEY, "metric", "score", "rated_on")}
    cells["known_on"] = rating.known_on or today
    cells |= {f"item_{number}": answer for number, answer in enumerate(rating.items, 1)}
    place = np.zeros(1, dtype=np.intp)
    return RawTable(
        "rating", place + 1, {name: InternedColumn((cell,), place) for name, cell in cells.items()}
    )


def _pairing(pairing_id: str, events: Sequence[PairingEvent]) -> pd.DataFrame | None:
    """The pairing as training's table has it, None while its start is not known."""
    started_on = pairing_outcome(events).started_on
    if started_on is None:
        return None
    started = np.array([started_on], dtype="datetime64[s]")
    return pd.DataFrame({"pairing_id": [pairing_id], "started_on": started})


def _last(connection: Connection, rating_id: str, seen: int) -> RatingVersion:
    advisory_lock(connection, f"rating/{rating_id}")
    last = rating_history(connection, rating_id)[-1]
    if last.version != seen:
        problem = "is not the newest version of this rating"
        raise StaleError("version", problem, "read it again, then correct that")
    return last


def _add_version(
    connection: Connection,
    stored: StoredRating,
    rating: Rating,
    today: date,
    actor: str,
    action: str,
    reason: str | None = None,
) -> None:
    answer = {
        "metric": rating.metric,
        "score": rating.score,
        "items": canonical_json(rating.items) if rating.items else None,
        "rated_on": rating.rated_on,
        "known_on": rating.known_on or today,
    }
    facts = {"rating_id": stored.rating_id, "version": stored.version}
    connection.execute(
        insert(rating_versions).values(
            **facts,
            **answer,
            withdrawn=action == "rating.withdrawn",
            reason=reason,
            actor=actor,
            recorded_at=database_time(connection),
        )
    )
    publish(
        connection,
        Event(
            RATED,
            pairing_id=rating.pairing_id,
            rating_id=stored.rating_id,
            change=action.removeprefix("rating."),
        ),
    )
    subject = subject_of_pairing(connection, rating.pairing_id)
    details = {**answer, "pairing_id": rating.pairing_id, "reason": reason}
    append(connection, AuditEntry(actor, action, facts, subject, details))


def _version_of(row: "Row[Any]") -> RatingVersion:
    rating = Rating(
        **{name: getattr(row, name) for name in (*_KEY, "metric", "score", "rated_on")},
        items=tuple(json.loads(row.items)) if row.items else (),
        known_on=row.known_on,
    )
    return RatingVersion(row.version, rating, row.withdrawn, row.reason, row.actor, row.recorded_at)
