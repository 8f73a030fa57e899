"""The page of a pairing: what happened, and its ratings with their corrections.

Imported by `staff.router`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.idempotency import Reply, Write
from recommender.journal.pairings import (
    Course,
    Event,
    Pairing,
    course_of,
    events_of,
    find_pairing,
    record_event,
    subject_of_pairing,
)
from recommender.journal.queue import ratings_of
from recommender.journal.ratings import (
    RatingVersion,
    correct_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.journal.results import RatedMatch, match_of
from recommender.serving.answers import today
from recommender.serving.callers import caller
from recommender.serving.feedback import CorrectionRequest, EventRequest, RatingRequest
from recommender.serving.keeping import keep, read
from recommender.serving.pairings import PairingId
from recommender.serving.problems import ProblemError
from recommender.serving.ratings import RatingId
from recommender.serving.staff import words
from recommender.serving.staff.measuring import held
from recommender.serving.staff.page import HOME, moved, page
from recommender.serving.staff.sent import Sent, read_form
from recommender.serving.staff.trouble import UNKEEPABLE, fitted, number, troubles
from recommender.serving.state import State
from recommender.serving.turns import computed, current
from recommender.store.database import Connection

PAIRING = f"{HOME}/pairings/{{pairing_id}}"
KEPT = 201

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Followed:
    """A pairing with all that is known of it; each rating with every version."""

    pairing: Pairing
    course: Course
    events: tuple[Event, ...]
    ratings: tuple[tuple[str, tuple[RatingVersion, ...]], ...]


@router.get(PAIRING)
async def get_pairing_page(request: Request, pairing_id: PairingId) -> Response:
    """How a pairing goes, and the forms that tell of it."""
    return await _page(request, pairing_id)


@router.post(f"{PAIRING}/events")
async def post_event(request: Request, pairing_id: PairingId) -> Response:
    """Keeps one thing that happened."""
    sent, day = await read_form(request), _day(request)

    def write(connection: Connection) -> Reply:
        find_pairing(connection, pairing_id)
        told = {name: sent.text(name) for name in ("kind", "happened_on")}
        session = {"session": number(sent.text("session"))}
        event = fitted(EventRequest, told | session).of(pairing_id)
        record_event(connection, event, actor=caller(request).actor, today=day)
        return Reply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    return await _kept(request, pairing_id, write)


@router.post(f"{PAIRING}/ratings")
async def post_rating(request: Request, pairing_id: PairingId) -> Response:
    """Keeps a rating; refused with everything training would refuse it for."""
    sent, state = await read_form(request), current(request.app)

    def write(connection: Connection) -> Reply:
        find_pairing(connection, pairing_id)
        rating = _rating(pairing_id, sent).rating()
        actor, day = caller(request).actor, today(state.practice)
        record_rating(connection, state.practice, rating, actor=actor, today=day)
        return Reply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    return await _kept(request, pairing_id, write)


@router.post(f"{HOME}/ratings/{{rating_id}}/corrections")
async def post_correction(request: Request, rating_id: RatingId) -> Response:
    """Keeps what stands in a rating's place, or that nothing does; the old one stays visible."""
    sent, state = await read_form(request), current(request.app)

    def about(connection: Connection) -> str:
        return rating_history(connection, rating_id)[-1].rating.pairing_id

    pairing_id = await read(request, about)

    def write(connection: Connection) -> Reply:
        _correct(connection, state, rating_id, sent, caller(request).actor)
        return Reply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    return await _kept(request, pairing_id, write)


def _correct(connection: Connection, state: State, rating_id: str, sent: Sent, actor: str) -> None:
    last = rating_history(connection, rating_id)[-1].rating
    told = {"seen": number(sent.text("seen")), "reason": sent.text("reason")}
    asked = fitted(CorrectionRequest, told)
    if not sent.text("score"):
        withdraw_rating(connection, rating_id, seen=asked.seen, reason=asked.reason, actor=actor)
        return
    same = {name: getattr(last, name) for name in ("session", "instrument", "rater")}
    correct_rating(
        connection,
        state.practice,
        rating_id,
        _rating(last.pairing_id, sent, same).rating(),
        seen=asked.seen,
        reason=asked.reason,
        actor=actor,
        today=today(state.practice),
    )


def _rating(pairing_id: str, sent: Sent, same: Mapping[str, Any] | None = None) -> RatingRequest:
    """A rating as a program would send it; of a correction, `same` is what it may not change."""
    told: dict[str, Any] = {
        name: sent.text(name) for name in ("instrument", "metric", "rated_on", "rater")
    }
    told |= {name: number(sent.text(name)) for name in ("session", "score")}
    return fitted(RatingRequest, told | {"pairing_id": pairing_id} | dict(same or {}))


def _day(request: Request) -> date:
    return today(current(request.app).practice)


async def _kept(request: Request, pairing_id: str, write: Write) -> Response:
    """Back to the page once it is kept, or the page with what could not be."""
    try:
        await keep(request, b"", write)
    except (ProblemError, *UNKEEPABLE) as error:
        said, status = troubles(error)
        return await _page(request, pairing_id, said, status)
    return moved(PAIRING.format(pairing_id=pairing_id))


async def _page(
    request: Request, pairing_id: str, trouble: tuple[str, ...] = (), status: int = 200
) -> Response:
    state = current(request.app)
    practice, roster = state.practice, state.standing.roster

    def look(connection: Connection) -> tuple[Followed, RatedMatch | None]:
        pairing, events = find_pairing(connection, pairing_id), events_of(connection, pairing_id)
        found = ((each, rating_history(connection, each)) for each in _rated(connection, pairing))
        followed = Followed(pairing, course_of(events), events, tuple(found))
        return followed, match_of(connection, pairing)

    followed, match = await read(request, look)
    low = await computed(request.app, partial(_is_low, match, state))
    called = {each: roster.name_of(place) for place, each in enumerate(roster.ids)}
    clinician_id = followed.pairing.clinician_id
    return page(
        request,
        "pairing.html",
        words.PAIRING,
        status=status,
        trouble=trouble,
        followed=followed,
        low=low,
        name=called.get(clinician_id, clinician_id),
        instruments=practice.alliance.instruments,
        early=words.early(*practice.alliance.early_sessions),
        today=_day(request),
    )


def _is_low(match: RatedMatch | None, state: State) -> bool:
    """Whether this client rated lower than nearly all ratings that were expected."""
    return any(each.points < each.lower for each in held([match], state.model)) if match else False


def _rated(connection: Connection, pairing: Pairing) -> tuple[str, ...]:
    return ratings_of(connection, (pairing.pairing_id,))
