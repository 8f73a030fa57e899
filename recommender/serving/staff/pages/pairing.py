"""The page of a pairing: what happened, and its ratings with their corrections.

Imported by `staff.router`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.pairings import (
    Pairing,
    PairingEvent,
    PairingOutcome,
    events_of,
    find_pairing,
    pairing_outcome,
    record_event,
    subject_of_pairing,
)
from recommender.journal.rated_pairings import RatedMatch, match_of
from recommender.journal.ratings import (
    Rating,
    RatingVersion,
    correct_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.journal.work_list import ratings_of
from recommender.practice.definition import Practice
from recommender.serving.api.pairings import PairingId
from recommender.serving.api.ratings import RatingId
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    FieldError,
    ProblemError,
    problem_for,
)
from recommender.serving.schemas.request_bodies import (
    CorrectionRequest,
    EventRequest,
    RatingRequest,
)
from recommender.serving.services.idempotency import read, write_once
from recommender.serving.services.recommendation_service import today
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.actor_names import names_of_actors
from recommender.serving.staff.form_data import (
    UNKEEPABLE,
    FormData,
    form_faults,
    number,
    read_form,
    validated_form,
)
from recommender.serving.staff.page import HOME, moved, page
from recommender.serving.staff.views.rating_due import due_said, low_said
from recommender.serving.staff.views.rating_form import (
    ITEMS,
    Item,
    answers_of,
    item_entries,
    item_faults,
    kept_items,
    score_said,
    typed_items,
)
from recommender.store.database import Connection

PAIRING = f"{HOME}/pairings/{{pairing_id}}"
KEPT = 201

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PairingView:
    """A pairing with all that is known of it; each rating with every version."""

    pairing: Pairing
    course: PairingOutcome
    events: tuple[PairingEvent, ...]
    ratings: tuple[tuple[str, tuple[RatingVersion, ...]], ...]
    actors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TypedForm:
    """What was sent from one form of the page and could not be kept, and why."""

    form: str = ""
    sent: FormData = field(default_factory=lambda: FormData({}))
    said: tuple[str, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    status: int = 200


@router.get(PAIRING)
async def get_pairing_page(request: Request, pairing_id: PairingId, items: str = "") -> Response:
    """How a pairing goes, and the forms that tell of it; `items` names a questionnaire."""
    return await _page(request, pairing_id, items=items)


@router.post(f"{PAIRING}/events")
async def post_event(request: Request, pairing_id: PairingId) -> Response:
    """Keeps one thing that happened."""
    sent, day = await read_form(request), _day(request)

    def write(connection: Connection) -> StoredReply:
        find_pairing(connection, pairing_id)
        told = {name: sent.text(name) for name in ("kind", "happened_on")}
        session = {"session": number(sent.text("session"))}
        event = validated_form(EventRequest, told | session).of(pairing_id)
        record_event(connection, event, actor=caller(request).actor, today=day)
        return StoredReply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    return await _kept(request, pairing_id, write, TypedForm("event", sent))


@router.post(f"{PAIRING}/ratings")
async def post_rating(request: Request, pairing_id: PairingId) -> Response:
    """Keeps a rating; refused with everything training would refuse it for."""
    sent, state = await read_form(request), current_snapshot(request.app)

    def write(connection: Connection) -> StoredReply:
        find_pairing(connection, pairing_id)
        rating = _rating(state.practice, pairing_id, sent).rating()
        actor, day = caller(request).actor, today(state.practice)
        record_rating(connection, state.practice, rating, actor=actor, today=day)
        return StoredReply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    by_items = sent.text("metric") == ITEMS
    return await _kept(request, pairing_id, write, TypedForm(ITEMS if by_items else "score", sent))


@router.post(f"{HOME}/ratings/{{rating_id}}/corrections")
async def post_correction(request: Request, rating_id: RatingId) -> Response:
    """Keeps what stands in a rating's place, or that nothing does; the old one stays visible."""
    sent, state = await read_form(request), current_snapshot(request.app)

    def about(connection: Connection) -> str:
        return rating_history(connection, rating_id)[-1].rating.pairing_id

    pairing_id = await read(request, about)

    def write(connection: Connection) -> StoredReply:
        _correct(connection, state, rating_id, sent, caller(request).actor)
        return StoredReply(KEPT, b"{}", subject_of_pairing(connection, pairing_id))

    return await _kept(request, pairing_id, write, TypedForm(rating_id, sent))


def _correct(
    connection: Connection, state: ServingSnapshot, rating_id: str, sent: FormData, actor: str
) -> None:
    last = rating_history(connection, rating_id)[-1].rating
    told = {"expected_version": number(sent.text("seen")), "reason": sent.text("reason")}
    asked = validated_form(CorrectionRequest, told)
    if sent.text("withdraw"):
        withdraw_rating(
            connection, rating_id, seen=asked.expected_version, reason=asked.reason, actor=actor
        )
        return
    same = {name: getattr(last, name) for name in ("session", "instrument", "rater")}
    correct_rating(
        connection,
        state.practice,
        rating_id,
        _rating(state.practice, last.pairing_id, sent, same).rating(),
        seen=asked.expected_version,
        reason=asked.reason,
        actor=actor,
        today=today(state.practice),
    )


def _rating(
    practice: Practice, pairing_id: str, sent: FormData, same: Mapping[str, Any] | None = None
) -> RatingRequest:
    """A rating as a program would send it; of a correction, `same` is what it may not change."""
    told: dict[str, Any] = {
        name: sent.text(name) for name in ("instrument", "metric", "rated_on", "rater")
    }
    told |= {"session": number(sent.text("session"))} | dict(same or {})
    instrument = practice.instruments.get(told["instrument"])
    if told["metric"] == ITEMS and instrument is not None:
        told["items"] = answers_of(instrument, sent)
    elif not sent.text("score"):
        raise ProblemError(
            INVALID_FEEDBACK, (FieldError(pointer="/score", code="missing", message="is missing"),)
        )
    else:
        told["score"] = number(sent.text("score"))
    return validated_form(RatingRequest, told | {"pairing_id": pairing_id})


def _day(request: Request) -> date:
    return today(current_snapshot(request.app).practice)


async def _kept(request: Request, pairing_id: str, write: Write, typed: TypedForm) -> Response:
    """Back to the page once it is kept, or the page as it was filled in with what could not be."""
    try:
        await write_once(request, None, write)
    except (ProblemError, *UNKEEPABLE) as error:
        said, status = form_faults(error)
        faults = item_faults(problem_for(error).errors)
        return await _page(
            request, pairing_id, replace(typed, said=said, faults=faults, status=status)
        )
    return moved(PAIRING.format(pairing_id=pairing_id))


async def _page(
    request: Request, pairing_id: str, typed: TypedForm = TypedForm(), items: str = ""
) -> Response:
    state = current_snapshot(request.app)
    roster = state.encoding.roster
    followed, match = await read(request, partial(_look, pairing_id=pairing_id))
    low = await run_in_pool(request.app, partial(low_said, match, _standing(followed), state))
    called = roster.called
    clinician_id = followed.pairing.clinician_id
    return page(
        request,
        "pairing.html",
        wording.PAIRING,
        status=typed.status,
        trouble=typed.said,
        typed=typed,
        low=low,
        name=called.get(clinician_id, clinician_id),
        today=_day(request),
        **_ratings(state.practice, followed, typed, items),
    )


def _look(connection: Connection, pairing_id: str) -> tuple[PairingView, RatedMatch | None]:
    pairing, events = find_pairing(connection, pairing_id), events_of(connection, pairing_id)
    rated = ratings_of(connection, (pairing_id,))
    found = tuple((each, rating_history(connection, each)) for each in rated)
    followed = PairingView(
        pairing, pairing_outcome(events), events, found, names_of_actors(connection)
    )
    return followed, match_of(connection, pairing)


def _standing(followed: PairingView) -> tuple[Rating, ...]:
    """The ratings that count now."""
    newest = (versions[-1] for _, versions in followed.ratings)
    return tuple(each.rating for each in newest if not each.withdrawn)


def _ratings(
    practice: Practice, followed: PairingView, typed: TypedForm, items: str
) -> dict[str, Any]:
    """What the page says of ratings, and the items of a questionnaire where they are asked for."""
    asked = typed.sent.text("instrument") if typed.form == ITEMS else items
    instruments = [practice.instruments[name] for name in practice.alliance.instruments]
    form = next((each for each in instruments if each.name == asked and each.accepts_items), None)
    return {
        "followed": followed,
        "said": partial(score_said, instruments=practice.instruments),
        "instruments": [each.name for each in instruments],
        "forms": practice.instruments,
        "by_items": [each.name for each in instruments if each.accepts_items],
        "form": form,
        "entries": item_entries(form, typed_items(form, typed.sent), typed.faults) if form else (),
        "corrected": {
            rating_id: _again(practice, rating_id, versions[-1].rating, typed)
            for rating_id, versions in followed.ratings
        },
        "early": wording.early(*practice.alliance.early_sessions),
        "due": due_said(followed.course, _standing(followed), practice),
    }


def _again(
    practice: Practice, rating_id: str, rating: Rating, typed: TypedForm
) -> tuple[Item, ...]:
    """The items of a rating, to be corrected; none where a total was entered."""
    instrument = practice.instruments.get(rating.instrument)
    if instrument is None or rating.metric != ITEMS:
        return ()
    if typed.form == rating_id:
        return item_entries(instrument, typed_items(instrument, typed.sent), typed.faults)
    return item_entries(instrument, kept_items(rating), {})
