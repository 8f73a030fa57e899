"""What contradicts earlier records of a pairing: days and numbers of sessions.

Both may be true: a contradiction is asked about or returned as a warning, never refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from recommender.journal.pairings import (
    ATTENDED,
    ENDED,
    WITHDRAWN,
    Pairing,
    PairingEvent,
    pairing_outcome,
)
from recommender.journal.ratings import Rating
from recommender.store.schema import recommendations

BEFORE_REQUEST = "before_request"
AFTER_END = "after_end"
SESSION_REPEATED = "session_repeated"
SESSION_SKIPPED = "session_skipped"
SESSION_OUT_OF_ORDER = "session_out_of_order"
END_BEFORE_SESSION = "end_before_session"
NOT_ATTENDED = "session_not_attended"
RATED_BEFORE_SESSION = "rated_before_session"
MESSAGES: Mapping[str, str] = {
    BEFORE_REQUEST: "is before the day of the request",
    AFTER_END: "is after the day the pairing ended",
    SESSION_REPEATED: "is recorded as attended already",
    SESSION_SKIPPED: "leaves out sessions that are not recorded as attended",
    SESSION_OUT_OF_ORDER: "is not in the order of the sessions attended",
    END_BEFORE_SESSION: "is before a session that was attended",
    NOT_ATTENDED: "is after the last session recorded as attended",
    RATED_BEFORE_SESSION: "is before the day of the session",
}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One field that contradicts what is recorded.

    `code` is one of `MESSAGES`; `recorded` is the day or the number of the session it contradicts.
    """

    field: str
    code: str
    recorded: date | int


def asked_on(connection: Connection, pairing: Pairing) -> date | None:
    """The day of the request a pairing came of; None without a recorded one."""
    statement = select(recommendations.c.asked_on).where(
        recommendations.c.recommendation_id == pairing.recommendation_id
    )
    return connection.execute(statement).scalar()


def event_contradictions(
    event: PairingEvent, before: Sequence[PairingEvent], asked: date | None
) -> tuple[Contradiction, ...]:
    """What an event contradicts, given the events recorded before it and the day of the request."""
    return tuple(_of_event(event, before, asked)) if event.kind != WITHDRAWN else ()


def _of_event(
    event: PairingEvent, before: Sequence[PairingEvent], asked: date | None
) -> Iterator[Contradiction]:
    day, ended = event.happened_on, pairing_outcome(before).ended_on
    attended = _attended(before)
    if asked is not None and day < asked:
        yield Contradiction("happened_on", BEFORE_REQUEST, asked)
    if event.kind == ENDED:
        last = max(attended.values(), default=day)
        if day < last:
            yield Contradiction("happened_on", END_BEFORE_SESSION, last)
    elif ended is not None and day > ended:
        yield Contradiction("happened_on", AFTER_END, ended)
    if event.kind == ATTENDED and event.session is not None and attended:
        yield from _of_session(event.session, day, attended)


def _of_session(number: int, day: date, attended: Mapping[int, date]) -> Iterator[Contradiction]:
    if number in attended:
        yield Contradiction("session", SESSION_REPEATED, attended[number])
    elif number > max(attended) + 1:
        yield Contradiction("session", SESSION_SKIPPED, max(attended))
    for other, when in sorted(attended.items()):
        if (other < number and when > day) or (other > number and when < day):
            yield Contradiction("happened_on", SESSION_OUT_OF_ORDER, other)
            return


def rating_contradictions(
    rating: Rating, events: Sequence[PairingEvent]
) -> tuple[Contradiction, ...]:
    """What a rating contradicts; nothing while no session is recorded as attended."""
    attended = _attended(events)
    if attended and rating.session > max(attended):
        return (Contradiction("session", NOT_ATTENDED, max(attended)),)
    held = attended.get(rating.session)
    if held is not None and rating.rated_on < held:
        return (Contradiction("rated_on", RATED_BEFORE_SESSION, held),)
    return ()


def _attended(events: Sequence[PairingEvent]) -> dict[int, date]:
    """The first day recorded for each session attended."""
    days: dict[int, date] = {}
    for each in events:
        if each.kind == ATTENDED and each.session is not None:
            days.setdefault(each.session, each.happened_on)
    return days
