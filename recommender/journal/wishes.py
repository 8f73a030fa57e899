"""Wishes: what a client asks for after a recommendation. Nobody is booked by one.

A wish names a clinician who was shown, or nobody where the client asks to be helped to choose. The
wishes of one recommendation have one reference, a short code that a client can read out on the
telephone; the newest wish is in force until staff decide on the recommendation.
"""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select

from recommender.errors import Fault
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.closings import resume_closed
from recommender.journal.recommendations import RecordedRecommendation
from recommender.journal.validation import id_faults, refuse
from recommender.journal.webhook_events import WISHED, Event, publish
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import wishes

MATCHING_PAGE = "matching-page"
"""The actor of requests and wishes that clients make themselves on the matching page."""
LETTERS = "23456789BCDFGHJKMNPQRTVWXYZ"
"""Without vowels, so that no word is spelt, and without letters taken for digits (L, O, S, U)."""
LENGTH = 6
"""387 million codes; a code in use is drawn again."""
_PLAIN = re.compile(f"[{LETTERS}]{{{LENGTH}}}")


@dataclass(frozen=True, slots=True)
class RecordedWish:
    """One wish; `clinician_id` is None where the client asks to be helped to choose."""

    wish_id: str
    recommendation_id: str
    clinician_id: str | None
    reference: str
    actor: str
    recorded_at: datetime


def record_wish(
    connection: Connection,
    recorded: RecordedRecommendation,
    clinician_id: str | None,
    *,
    actor: str,
) -> RecordedWish:
    """Stores a wish after a recommendation; the same wish again is stored once.

    Raises
    ------
    FeedbackError
        When the clinician was not shown.
    """
    name = recorded.shown.recommendation_id
    refuse(_faults(recorded, clinician_id))
    # Two presses of one button at a time must agree.
    advisory_lock(connection, f"wish/{name}")
    resume_closed(connection, name, actor=actor)
    earlier = wishes_of(connection, name)
    if earlier and earlier[-1].clinician_id == clinician_id:
        return earlier[-1]
    wish = RecordedWish(
        wish_id=secrets.token_hex(16),
        recommendation_id=name,
        clinician_id=clinician_id,
        reference=earlier[0].reference if earlier else _new_reference(connection),
        actor=actor,
        recorded_at=database_time(connection),
    )
    columns = {column: getattr(wish, column) for column in RecordedWish.__dataclass_fields__}
    connection.execute(insert(wishes).values(**columns))
    publish(connection, Event(WISHED, recommendation_id=name))
    details = {"recommendation_id": name, "clinician_id": clinician_id}
    facts = {"wish_id": wish.wish_id}
    append(connection, AuditEntry(actor, "wish.recorded", facts, recorded.subject, details))
    return wish


def wishes_of(connection: Connection, recommendation_id: str) -> tuple[RecordedWish, ...]:
    """Every wish after a recommendation, oldest first; the last one is in force."""
    return wishes_by_recommendation(connection, [recommendation_id]).get(recommendation_id, ())


def wishes_by_recommendation(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[RecordedWish, ...]]:
    """Every wish after each of some recommendations; those without are left out."""
    statement = select(wishes).where(wishes.c.recommendation_id.in_(recommendation_ids))
    found: dict[str, tuple[RecordedWish, ...]] = {}
    for row in connection.execute(statement.order_by(wishes.c.recorded_at, wishes.c.wish_id)):
        found[row.recommendation_id] = (*found.get(row.recommendation_id, ()), _wish_of(row))
    return found


def read_reference(text: str) -> str | None:
    """A reference as it is stored, from how people type it; None for any other text.

    >>> read_reference(" k7m-4px "), read_reference("c0001")
    ('K7M4PX', None)
    """
    plain = text.replace("-", "").replace(" ", "").upper()
    return plain if _PLAIN.fullmatch(plain) else None


def spoken(reference: str) -> str:
    """A reference as people read it.

    >>> spoken("K7M4PX")
    'K7M-4PX'
    """
    return f"{reference[: LENGTH // 2]}-{reference[LENGTH // 2 :]}"


def _faults(recorded: RecordedRecommendation, clinician_id: str | None) -> list[Fault]:
    faults = id_faults(clinician_id=clinician_id)
    listed = [each.clinician_id for each in recorded.shown.shortlist]
    if clinician_id is not None and clinician_id not in listed:
        remedy = "name a clinician of the shortlist, or leave it out to ask for help to choose"
        faults.append(Fault("clinician_id", "was not shown", remedy))
    return faults


def _new_reference(connection: Connection) -> str:
    while True:
        drawn = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        taken = select(wishes.c.wish_id).where(wishes.c.reference == drawn)
        if connection.execute(taken.limit(1)).first() is None:
            return drawn


def _wish_of(row: "Row[tuple[str, ...]]") -> RecordedWish:
    return RecordedWish(**row._asdict())
