"""Decisions on a request, closings and starts, as forms of its page send them."""

import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import StaleError
from recommender.journal.closings import REOPENED, record_closing, refuse_closed
from recommender.journal.contradictions import event_contradictions
from recommender.journal.idempotency import StoredReply
from recommender.journal.pairings import BOOKED, pairings_from, record_event, record_pairing
from recommender.journal.places import counting_places
from recommender.journal.recommendations import OVERRIDE, decisions_of, record_decision
from recommender.journal.request_versions import all_versions, newest_versions
from recommender.journal.roster_versions import newest_number
from recommender.serving.api.decisions import check_clinician
from recommender.serving.api.recommendations import RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import write_once
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.request_bodies import (
    ClosingRequest,
    DecisionRequest,
    EventRequest,
    PairingRequest,
)
from recommender.serving.staff import follow_up_words
from recommender.serving.staff.form_data import (
    REFUSED,
    contradiction_faults,
    in_use,
    read_form,
    refuse_blank,
    refuse_unconfirmed,
    refused_form,
    validated_form,
)
from recommender.serving.staff.page import HOME, redirect
from recommender.serving.staff.pages.new_request import REQUEST, REQUESTS
from recommender.serving.staff.pages.request import request_page
from recommender.serving.staff.views.choice_checks import choice_faults, start_faults
from recommender.serving.staff.views.decision import BEGIN, CLOSE
from recommender.serving.staff.views.request_view import PageQuestions
from recommender.store.database import Connection, advisory_lock

CREATED = 201
REPLACED = "The answers were changed since: this is an earlier version. Nothing was saved."
NOT_ON_ROSTER = "is not on the roster of this request"
CLINICIAN_NEEDED = {"clinician_id": "Choose a clinician."}
REASON_NEEDED = {"reason": "Choose a reason: somebody else than shown needs one."}
CLOSING_NEEDED = {"reason": "Choose a reason."}
START_NEEDED = {
    "client_id": "Enter the client code.",
    "booked_on": "Enter the day of the first appointment.",
}
IN_BEGIN = {"happened_on": "booked_on"}
"""Fields of the form that starts a pairing where they are not named as in the record."""

router = APIRouter(include_in_schema=False)


@router.post(f"{REQUEST}/decisions")
async def post_decision(request: Request, recommendation_id: RecommendationId) -> Response:
    """Records a decision, unless another was recorded or the answers were changed meanwhile.

    Rules of the request that speak against the clinician are named first.
    """
    sent, state = await read_form(request), current_snapshot(request.app)
    values = {name: sent.text(name) for name in ("clinician_id", "kind", "reason")}
    actor, is_override = caller(request).actor, sent.text("kind") == OVERRIDE

    def write(connection: Connection) -> StoredReply:
        advisory_lock(connection, f"decision/{recommendation_id}")
        recorded = seen_by(request, recommendation_id, connection)
        _refuse_replaced(connection, recommendation_id)
        before = decisions_of(connection, recommendation_id)
        if (before[-1].decision_id if before else "") != sent.text("seen"):
            raise StaleError("decision", "is not the newest any more", "read it, then decide")
        check_clinician(recorded.shown, state, decision, NOT_ON_ROSTER)
        counted = bool(newest_number(connection))
        against = choice_faults(
            recorded.shown,
            state,
            decision.clinician_id,
            counted=counted,
            from_card=not is_override,
        )
        refuse_unconfirmed(sent, against)
        with counting_places(connection, state.practice, recommendation_id, actor=actor):
            record_decision(connection, decision, actor=actor)
        return StoredReply(CREATED, b"{}", recorded.subject)

    try:
        refuse_blank(sent, CLINICIAN_NEEDED | (REASON_NEEDED if is_override else {}))
        decision = validated_form(DecisionRequest, values).on(recommendation_id)
        await write_once(request, None, write)
    except REFUSED as error:
        form = OVERRIDE if is_override else "chosen"
        return await _refused(request, recommendation_id, form, sent, error)
    return redirect(f"{REQUESTS}/{recommendation_id}#decide")


@router.post(f"{REQUEST}/pairings")
async def post_pairing(request: Request, recommendation_id: RecommendationId) -> Response:
    """Records a pairing with the day and hour of its first appointment, once for a request.

    Another may start once the first has ended or was undone.
    """
    sent, state = await read_form(request), current_snapshot(request.app)
    pairing_id = sent.text("pairing_id") or secrets.token_hex(8)
    values = {name: sent.text(name) for name in ("client_id", "clinician_id")}
    values |= {"pairing_id": pairing_id, "recommendation_id": recommendation_id}
    event = {"kind": BOOKED, "happened_on": sent.text("booked_on")}
    event |= {"local_time": sent.text("local_time")}
    actor, day = caller(request).actor, today(state.practice)

    def write(connection: Connection) -> StoredReply:
        advisory_lock(connection, f"begin/{recommendation_id}")
        shown = seen_by(request, recommendation_id, connection).shown
        _refuse_replaced(connection, recommendation_id)
        refuse_closed(connection, recommendation_id)
        begun = pairings_from(connection, all_versions(connection, [recommendation_id]))
        for each in (each for some in begun.values() for each in some):
            if each.outcome.is_open:
                people = follow_up_words.begun(each, state.encoding.roster.called)
                raise in_use(f"This request has started already: {people}. Open it, or undo it.")
        found = contradiction_faults(event_contradictions(booked, (), shown.asked_on), IN_BEGIN)
        day_and_hour = (booked.happened_on, booked.local_time)
        doubts = start_faults(shown, state, pairing.clinician_id, *day_and_hour)
        refuse_unconfirmed(sent, (*found, *doubts))
        with counting_places(connection, state.practice, recommendation_id, actor=actor):
            subject = record_pairing(connection, pairing, actor=actor)
        record_event(connection, booked, actor=actor, today=day)
        return StoredReply(CREATED, b"{}", subject)

    try:
        refuse_blank(sent, START_NEEDED)
        pairing = validated_form(PairingRequest, values).pairing()
        booked = validated_form(EventRequest, event).of(pairing_id)
        await write_once(request, None, write)
    except REFUSED as error:
        return await _refused(request, recommendation_id, BEGIN, sent, error)
    return redirect(f"{HOME}/pairings/{pairing_id}")


@router.post(f"{REQUEST}/closings")
async def post_closing(request: Request, recommendation_id: RecommendationId) -> Response:
    """Closes a request that leads nowhere, or reopens it."""
    sent, practice = await read_form(request), current_snapshot(request.app).practice
    values = {name: sent.text(name) for name in ("kind", "reason")}
    actor = caller(request).actor

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        _refuse_replaced(connection, recommendation_id)
        with counting_places(connection, practice, recommendation_id, actor=actor):
            record_closing(connection, recommendation_id, asked.kind, asked.reason, actor=actor)
        return StoredReply(CREATED, b"{}", recorded.subject)

    try:
        refuse_blank(sent, {} if values["kind"] == REOPENED else CLOSING_NEEDED)
        asked = validated_form(ClosingRequest, values)
        await write_once(request, None, write)
    except REFUSED as error:
        return await _refused(request, recommendation_id, CLOSE, sent, error)
    return redirect(f"{REQUESTS}/{recommendation_id}")


def _refuse_replaced(connection: Connection, recommendation_id: str) -> None:
    """Refuses a form of an earlier version: only the newest can be decided on and started."""
    if newest_versions(connection, [recommendation_id]):
        raise in_use(REPLACED)


async def _refused(
    request: Request, recommendation_id: str, form: str, sent: FormData, error: Exception
) -> Response:
    typed = refused_form(form, sent, error, IN_BEGIN)
    return await request_page(request, recommendation_id, PageQuestions(), typed)
