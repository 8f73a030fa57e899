"""The page of a pairing: its events, and its ratings with their corrections."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.idempotency import StoredReply, Write
from recommender.journal.near_ids import similar_clients
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
from recommender.security.accounts import account_names
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
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import read, write_once
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.request_bodies import (
    CorrectionRequest,
    EventRequest,
    RatingRequest,
)
from recommender.serving.staff.form_data import (
    REFUSED,
    form_faults,
    number,
    read_form,
    validated_form,
)
from recommender.serving.staff.page import HOME, page, redirect
from recommender.serving.staff.views.rating_form import (
    ITEMS,
    ItemEntry,
    item_answers,
    item_entries,
    item_faults,
    low_rating_text,
    rating_due_text,
    score_text,
    typed_items,
)
from recommender.store.database import Connection

PAIRING = f"{HOME}/pairings/{{pairing_id}}"
CREATED = 201

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PairingView:
    """A pairing with its events and, for each rating id, every version.

    `similar_clients` are codes of other clients that are nearly equal to this client's.
    """

    pairing: Pairing
    outcome: PairingOutcome
    events: tuple[PairingEvent, ...]
    ratings: tuple[tuple[str, tuple[RatingVersion, ...]], ...]
    accounts: Mapping[str, str]
    similar_clients: tuple[str, ...] = ()

    @property
    def current_ratings(self) -> tuple[Rating, ...]:
        """The newest version of every rating that is not withdrawn."""
        newest = (versions[-1] for _, versions in self.ratings)
        return tuple(each.rating for each in newest if not each.withdrawn)


@dataclass(frozen=True, slots=True)
class TypedForm:
    """What one form of the page sent that could not be stored, and why.

    `form` is the name of the form, or the id of the rating to be corrected.
    """

    form: str = ""
    sent: FormData = field(default_factory=lambda: FormData({}))
    faults: tuple[str, ...] = ()
    item_faults: Mapping[int, str] = field(default_factory=dict)
    status: int = 200


@router.get(PAIRING)
async def get_pairing_page(request: Request, pairing_id: PairingId, items: str = "") -> Response:
    """A pairing; `items` names a questionnaire to be entered item by item."""
    return await _page(request, pairing_id, TypedForm(), items)


@router.post(f"{PAIRING}/events")
async def post_event(request: Request, pairing_id: PairingId) -> Response:
    """Records one event."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice

    def write(connection: Connection) -> StoredReply:
        find_pairing(connection, pairing_id)
        values: dict[str, Any] = {name: sent.text(name) for name in ("kind", "happened_on")}
        values["session"] = number(sent.text("session"))
        event = validated_form(EventRequest, values).of(pairing_id)
        record_event(connection, event, actor=caller(request).actor, today=today(practice))
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    return await _store(request, pairing_id, write, TypedForm("event", sent))


@router.post(f"{PAIRING}/ratings")
async def post_rating(request: Request, pairing_id: PairingId) -> Response:
    """Records a rating; refused with everything training would refuse it for."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice

    def write(connection: Connection) -> StoredReply:
        find_pairing(connection, pairing_id)
        rating = _rating(practice, pairing_id, sent).rating()
        actor, day = caller(request).actor, today(practice)
        record_rating(connection, practice, rating, actor=actor, today=day)
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    form = ITEMS if sent.text("metric") == ITEMS else "score"
    return await _store(request, pairing_id, write, TypedForm(form, sent))


@router.post(f"{HOME}/ratings/{{rating_id}}/corrections")
async def post_correction(request: Request, rating_id: RatingId) -> Response:
    """Corrects or withdraws a rating; earlier versions stay visible."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice
    history = await read(request, partial(rating_history, rating_id=rating_id))
    pairing_id = history[-1].rating.pairing_id

    def write(connection: Connection) -> StoredReply:
        _correct(connection, practice, rating_id, sent, caller(request).actor)
        return StoredReply(CREATED, b"{}", subject_of_pairing(connection, pairing_id))

    return await _store(request, pairing_id, write, TypedForm(rating_id, sent))


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
    unchanged = {name: getattr(last, name) for name in ("session", "instrument", "rater")}
    correct_rating(
        connection,
        practice,
        rating_id,
        _rating(practice, last.pairing_id, sent, unchanged).rating(),
        seen=asked.expected_version,
        reason=asked.reason,
        actor=actor,
        today=today(practice),
    )


def _rating(
    practice: Practice, pairing_id: str, sent: FormData, unchanged: Mapping[str, Any] | None = None
) -> RatingRequest:
    """A rating as the endpoint takes it; `unchanged` is what a correction may not change."""
    values: dict[str, Any] = {
        name: sent.text(name) for name in ("instrument", "metric", "rated_on", "rater")
    }
    values |= {"session": number(sent.text("session"))} | dict(unchanged or {})
    instrument = practice.instruments.get(values["instrument"])
    if values["metric"] == ITEMS and instrument is not None:
        values["items"] = item_answers(instrument, sent)
    elif not sent.text("score"):
        raise ProblemError(
            INVALID_FEEDBACK, (FieldError(pointer="/score", code="missing", message="is missing"),)
        )
    else:
        values["score"] = number(sent.text("score"))
    return validated_form(RatingRequest, values | {"pairing_id": pairing_id})


async def _store(request: Request, pairing_id: str, write: Write, typed: TypedForm) -> Response:
    """Back to the page once it is stored, or the page as it was filled in with its faults."""
    try:
        await write_once(request, None, write)
    except (ProblemError, *REFUSED) as error:
        faults, status = form_faults(error)
        of_items = item_faults(problem_for(error).errors)
        typed = replace(typed, faults=faults, item_faults=of_items, status=status)
        return await _page(request, pairing_id, typed)
    return redirect(PAIRING.format(pairing_id=pairing_id))


async def _page(request: Request, pairing_id: str, typed: TypedForm, items: str = "") -> Response:
    state = current_snapshot(request.app)
    view, match = await read(request, partial(_pairing_view, pairing_id=pairing_id))
    low = partial(low_rating_text, match, view.current_ratings, state)
    clinician_id = view.pairing.clinician_id
    return page(
        request,
        "pairing.html",
        "Follow up",
        status=typed.status,
        view=view,
        typed=typed,
        low=await run_in_pool(request.app, low),
        name=state.encoding.roster.called.get(clinician_id, clinician_id),
        today=today(state.practice),
        **_rating_values(state.practice, view, typed, items),
    )


def _pairing_view(connection: Connection, pairing_id: str) -> tuple[PairingView, RatedMatch | None]:
    pairing, events = find_pairing(connection, pairing_id), events_of(connection, pairing_id)
    rating_ids = ratings_of(connection, (pairing_id,))
    ratings = tuple((each, rating_history(connection, each)) for each in rating_ids)
    accounts = account_names(connection)
    similar = similar_clients(connection, pairing.client_id)
    view = PairingView(pairing, pairing_outcome(events), events, ratings, accounts, similar)
    return view, match_of(connection, pairing)


def _rating_values(
    practice: Practice, view: PairingView, typed: TypedForm, items: str
) -> dict[str, Any]:
    """Values about ratings, and the items of a questionnaire where they are asked for."""
    asked = typed.sent.text("instrument") if typed.form == ITEMS else items
    instruments = [practice.instruments[name] for name in practice.alliance.instruments]
    by_items = [each for each in instruments if each.accepts_items]
    form = next((each for each in by_items if each.name == asked), None)
    first, last = practice.alliance.early_sessions
    return {
        "score_text": partial(score_text, instruments=practice.instruments),
        "instruments": [each.name for each in instruments],
        "forms": practice.instruments,
        "by_items": [each.name for each in by_items],
        "form": form,
        "entries": item_entries(form, typed_items(form, typed.sent), typed.item_faults)
        if form
        else (),
        "corrections": {
            rating_id: _correction_entries(practice, rating_id, versions[-1].rating, typed)
            for rating_id, versions in view.ratings
        },
        "early_sessions": (first, last),
        "due": rating_due_text(view.outcome, view.current_ratings, practice),
    }


def _correction_entries(
    practice: Practice, rating_id: str, rating: Rating, typed: TypedForm
) -> tuple[ItemEntry, ...]:
    """The items of a rating to be corrected; none where a total was entered."""
    instrument = practice.instruments.get(rating.instrument)
    if instrument is None or rating.metric != ITEMS:
        return ()
    if typed.form == rating_id:
        return item_entries(instrument, typed_items(instrument, typed.sent), typed.item_faults)
    stored = tuple("" if each is None else f"{each:g}" for each in rating.items)
    return item_entries(instrument, stored, {})
