"""Days and sessions that do not fit earlier records."""

from datetime import date

import pytest

from recommender.journal.contradictions import (
    AFTER_END,
    BEFORE_REQUEST,
    END_BEFORE_SESSION,
    MESSAGES,
    NOT_ATTENDED,
    RATED_BEFORE_SESSION,
    SESSION_OUT_OF_ORDER,
    SESSION_REPEATED,
    SESSION_SKIPPED,
    Contradiction,
    event_contradictions,
    rating_contradictions,
)
from recommender.journal.pairings import PairingEvent
from tests.support.journal_rows import a_rating

ASKED = date(2026, 10, 1)


def on(day: int, kind: str = "attended", session: int | None = None) -> PairingEvent:
    return PairingEvent("p1", kind, date(2026, 10, day), session)


ATTENDED = (on(5, session=1), on(12, session=2))


@pytest.mark.parametrize(
    ("event", "field", "code", "recorded"),
    [
        (PairingEvent("p1", "booked", date(2026, 9, 3)), "happened_on", BEFORE_REQUEST, ASKED),
        (on(19, session=4), "session", SESSION_SKIPPED, 2),
        (on(19, session=2), "session", SESSION_REPEATED, date(2026, 10, 12)),
        (on(8, session=3), "happened_on", SESSION_OUT_OF_ORDER, 2),
        (on(8, "ended"), "happened_on", END_BEFORE_SESSION, date(2026, 10, 12)),
    ],
)
def test_an_event_contradicts_the_request_or_the_sessions_attended(
    event: PairingEvent, field: str, code: str, recorded: date | int
) -> None:
    found = event_contradictions(event, ATTENDED, ASKED)
    assert found == (Contradiction(field, code, recorded),)


def test_a_session_after_the_end_is_a_contradiction() -> None:
    ended = (*ATTENDED, on(15, "ended"))
    (found,) = event_contradictions(on(19, session=3), ended, ASKED)
    assert (found.code, found.recorded) == (AFTER_END, date(2026, 10, 15))


@pytest.mark.parametrize(
    ("event", "before"),
    [
        (on(19, session=3), ATTENDED),
        (on(19, session=7), ()),
        (on(19, "ended"), ATTENDED),
        (on(1, "booked"), ()),
        (PairingEvent("p1", "withdrawn", date(2026, 9, 1)), ATTENDED),
    ],
)
def test_what_fits_or_follows_no_record_is_no_contradiction(
    event: PairingEvent, before: tuple[PairingEvent, ...]
) -> None:
    assert event_contradictions(event, before, ASKED) == ()


def test_without_a_request_no_day_is_before_it() -> None:
    assert event_contradictions(PairingEvent("p1", "booked", date(2026, 1, 1)), (), None) == ()


def test_a_rating_of_session_3_contradicts_one_session_attended() -> None:
    (found,) = rating_contradictions(a_rating(session=3), ATTENDED[:1])
    assert (found.field, found.code, found.recorded) == ("session", NOT_ATTENDED, 1)
    assert rating_contradictions(a_rating(session=3), ()) == ()
    assert rating_contradictions(a_rating(session=1), ATTENDED) == ()


def test_a_rating_dated_before_its_session_is_a_contradiction() -> None:
    early = a_rating(session=2, rated_on=date(2026, 10, 6))
    (found,) = rating_contradictions(early, ATTENDED)
    assert (found.code, found.recorded) == (RATED_BEFORE_SESSION, date(2026, 10, 12))


def test_no_message_has_a_figure_that_could_be_a_persons() -> None:
    assert not any(any(c.isdigit() for c in text) for text in MESSAGES.values())
