"""The page of a pairing: its events, and its ratings with their corrections."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.contradictions import (
    asked_on,
    event_contradictions,
    rating_contradictions,
)
from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.pairings import (
    WITHDRAWN,
    events_of,
    find_pairing,
    pairing_outcome,
    record_event,
    subject_of_pairing,
)
from recommender.journal.places import counting_places
from recommender.journal.rating_moves import move_rating
from recommender.journal.ratings import (
    Rating,
    correct_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.practice.definition import Practice
from recommender.serving.api.pairings import PairingId
from recommender.serving.api.ratings import RatingId
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import read, write_once
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.request_bodies import (
    CorrectionRequest,
    EventRequest,
    RatingRequest,
)
from recommender.serving.staff import follow_up_words
from recommender.serving.staff.form_data import (
    CONFIRMED,
    REFUSED,
    FormFault,
    TypedForm,
    contradiction_faults,
    number,
    read_form,
    refuse_blank,
    refuse_faults,
    refuse_unconfirmed,
    refused_form,
    validated_form,
)
from recommender.serving.staff.page import HOME, page, redirect
from recommender.serving.staff.views.pairing_view import pairing_values, pairing_view
from recommender.serving.staff.views.rating_form import ITEMS, item_answers, low_rating_text
from recommender.store.database import Connection

PAIRING = f"{HOME}/pairings/{{pairing_id}}"
CREATED = 201
EVENT, UNDO, SCORE = "event", "undo", "score"
"""Names of the forms of the page; `ITEMS` and the id of a rating are others."""
UNDO_ATTENDED = "undo_attended"
"""The code by which undoing a pairing with sessions attended is confirmed."""
DAY_NEEDED = {"happened_on": "Enter the day."}
RATING_NEEDED = {"session": "Enter the session.", "rated_on": "Enter the day it was rated."}
SCORE_NEEDED = {"score": "Enter the score."}
REASON_NEEDED = {"reason": "Choose a reason."}

router = APIRouter(include_in_schema=False)


@router.get(PAIRING)
async def get_pairing_page(request: Request, pairing_id: PairingId, items: str = "") -> Response:
    """A pairing; `items` names a questionnaire to be entered item by item."""
    return await _page(request, pairing_id, TypedForm(), items)


@router.post(f"{PAIRING}/events")
async def post_event(request: Request, pairing_id: PairingId) -> Response:
    """Records one event; that a pairing is withdrawn gives its place back."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice
    is_undone, actor, day = sent.text("kind") == WITHDRAWN, caller(request).actor, today(practice)

    def write(connection: Connection) -> StoredReply:
        pairing = find_pairing(connection, pairing_id)
        values: dict[str, Any] = {name: sent.text(name) for name in ("kind", "reason")}
        values["session"] = number(sent.text("session"))
        values["happened_on"] = day.isoformat() if is_undone else sent.text("happened_on")
        values["local_time"] = sent.text("local_time")
        event = validated_form(EventRequest, values).of(pairing_id)
        before = events_of(connection, pairing_id)
        if is_undone:
            _refuse_undoing_sessions(sent, pairing_outcome(before).sessions)
        asked = asked_on(connection, pairing)
        refuse_unconfirmed(sent, contradiction_faults(event_contradictions(event, before, asked)))
        with counting_places(connection, practice, pairing.recommendation_id, actor=actor):
            record_event(connection, event, actor=actor, today=day)
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    needed = REASON_NEEDED if is_undone else DAY_NEEDED
    form = UNDO if is_undone else EVENT
    return await _store(request, pairing_id, write, form, sent, needed)


@router.post(f"{PAIRING}/ratings")
async def post_rating(request: Request, pairing_id: PairingId) -> Response:
    """Records a rating; refused with everything training would refuse it for."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice

    def write(connection: Connection) -> StoredReply:
        find_pairing(connection, pairing_id)
        rating = _rating(practice, pairing_id, sent)
        events = events_of(connection, pairing_id)
        refuse_unconfirmed(sent, contradiction_faults(rating_contradictions(rating, events)))
        actor, day = caller(request).actor, today(practice)
        record_rating(connection, practice, rating, actor=actor, today=day)
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    by_items = sent.text("metric") == ITEMS
    needed = RATING_NEEDED if by_items else RATING_NEEDED | SCORE_NEEDED
    form = ITEMS if by_items else SCORE
    return await _store(request, pairing_id, write, form, sent, needed)


@router.post(f"{HOME}/ratings/{{rating_id}}/corrections")
async def post_correction(request: Request, rating_id: RatingId) -> Response:
    """Corrects or withdraws a rating; earlier versions stay visible."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice
    history = await read(request, partial(rating_history, rating_id=rating_id))
    pairing_id = history[-1].rating.pairing_id

    def write(connection: Connection) -> StoredReply:
        _correct(connection, practice, rating_id, sent, caller(request).actor)
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    needed = REASON_NEEDED
    if not sent.text("withdraw"):
        needed = needed | RATING_NEEDED | ({} if sent.text("metric") == ITEMS else SCORE_NEEDED)
    return await _store(request, pairing_id, write, rating_id, sent, needed)


def _refuse_undoing_sessions(sent: FormData, attended: int | None) -> None:
    if attended is not None and UNDO_ATTENDED not in sent.texts(CONFIRMED):
        refuse_faults([FormFault("reason", follow_up_words.UNDO_ATTENDED, UNDO_ATTENDED)])


def _correct(
    connection: Connection, practice: Practice, rating_id: str, sent: FormData, actor: str
) -> None:
    last = rating_history(connection, rating_id)[-1].rating
    values = {"expected_version": number(sent.text("seen")), "reason": sent.text("reason")}
    asked = validated_form(CorrectionRequest, values)
    if sent.text("withdraw"):
        withdraw_rating(
            connection, rating_id, seen=asked.expected_version, reason=asked.reason, actor=actor
        )
        return
    rating = _rating(practice, last.pairing_id, sent)
    events = events_of(connection, last.pairing_id)
    refuse_unconfirmed(sent, contradiction_faults(rating_contradictions(rating, events)))
    where = [(each.session, each.instrument, each.rater) for each in (last, rating)]
    correct = correct_rating if where[0] == where[1] else move_rating
    correct(
        connection,
        practice,
        rating_id,
        rating,
        seen=asked.expected_version,
        reason=asked.reason,
        actor=actor,
        today=today(practice),
    )


def _rating(practice: Practice, pairing_id: str, sent: FormData) -> Rating:
    """A rating as the endpoint takes it."""
    values: dict[str, Any] = {
        name: sent.text(name) for name in ("instrument", "metric", "rated_on", "rater")
    }
    values |= {"session": number(sent.text("session")), "pairing_id": pairing_id}
    instrument = practice.instruments.get(values["instrument"])
    if values["metric"] == ITEMS and instrument is not None:
        values["items"] = item_answers(instrument, sent)
    else:
        values["score"] = number(sent.text("score"))
    return validated_form(RatingRequest, values).rating()


async def _store(
    request: Request,
    pairing_id: str,
    write: Write,
    form: str,
    sent: FormData,
    needed: Mapping[str, str],
) -> Response:
    """Back to the page once it is stored, or the page as it was filled in with its faults."""
    try:
        refuse_blank(sent, needed)
        await write_once(request, None, write)
    except REFUSED as error:
        return await _page(request, pairing_id, refused_form(form, sent, error))
    return redirect(PAIRING.format(pairing_id=pairing_id))


async def _page(request: Request, pairing_id: str, typed: TypedForm, items: str = "") -> Response:
    state = current_snapshot(request.app)
    view, match = await read(request, partial(pairing_view, pairing_id=pairing_id))
    low = partial(low_rating_text, match, view.current_ratings, state)
    return page(
        request,
        "pairing.html",
        "Follow up",
        status=typed.status,
        low=await run_in_pool(request.app, low),
        names=state.encoding.roster.called,
        today=today(state.practice),
        **pairing_values(state.practice, view, typed, items),
    )
