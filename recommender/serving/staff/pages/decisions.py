"""Decisions on a request, and pairings that start from it, as forms of its page send them."""

import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import StaleError
from recommender.journal.idempotency import StoredReply
from recommender.journal.pairings import BOOKED, record_event, record_pairing
from recommender.journal.places import counting_places
from recommender.journal.recommendations import decisions_of, record_decision
from recommender.serving.api.decisions import check_clinician
from recommender.serving.api.recommendations import RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import ProblemError
from recommender.serving.idempotency import write_once
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.request_bodies import DecisionRequest, EventRequest, PairingRequest
from recommender.serving.staff.form_data import REFUSED, form_faults, read_form, validated_form
from recommender.serving.staff.page import HOME, redirect
from recommender.serving.staff.pages.new_request import REQUEST, REQUESTS
from recommender.serving.staff.pages.request import request_page
from recommender.serving.staff.views.decision import RefusedDecision
from recommender.serving.staff.views.request_view import PageQuestions
from recommender.store.database import Connection, advisory_lock

CREATED = 201
NOT_ON_ROSTER = "is not on the roster of this request"

router = APIRouter(include_in_schema=False)


@router.post(f"{REQUEST}/decisions")
async def post_decision(request: Request, recommendation_id: RecommendationId) -> Response:
    """Records a decision, unless another was recorded since the page was read."""
    sent, state = await read_form(request), current_snapshot(request.app)
    values = {name: sent.text(name) for name in ("clinician_id", "kind", "reason")}
    actor = caller(request).actor

    def write(connection: Connection) -> StoredReply:
        advisory_lock(connection, f"decision/{recommendation_id}")
        recorded = seen_by(request, recommendation_id, connection)
        before = decisions_of(connection, recommendation_id)
        if (before[-1].decision_id if before else "") != sent.text("seen"):
            raise StaleError("decision", "is not the newest any more", "read it, then decide")
        check_clinician(recorded.shown, state, decision, NOT_ON_ROSTER)
        with counting_places(connection, state.practice, recommendation_id, actor=actor):
            record_decision(connection, decision, actor=actor)
        return StoredReply(CREATED, b"{}", recorded.subject)

    try:
        decision = validated_form(DecisionRequest, values).on(recommendation_id)
        await write_once(request, None, write)
    except (ProblemError, *REFUSED) as error:
        return await _page_with_faults(request, recommendation_id, error)
    return redirect(f"{REQUESTS}/{recommendation_id}#decide")


@router.post(f"{REQUEST}/pairings")
async def post_pairing(request: Request, recommendation_id: RecommendationId) -> Response:
    """Records a pairing and, where a day is given, that its first session is booked."""
    sent = await read_form(request)
    pairing_id = sent.text("pairing_id") or secrets.token_hex(8)
    values = {name: sent.text(name) for name in ("client_id", "clinician_id")}
    values |= {"pairing_id": pairing_id, "recommendation_id": recommendation_id}
    event = {"kind": BOOKED, "happened_on": sent.text("booked_on")}
    actor, day = caller(request).actor, today(current_snapshot(request.app).practice)

    def write(connection: Connection) -> StoredReply:
        seen_by(request, recommendation_id, connection)
        subject = record_pairing(connection, pairing, actor=actor)
        if booked is not None:
            record_event(connection, booked.of(pairing_id), actor=actor, today=day)
        return StoredReply(CREATED, b"{}", subject)

    try:
        pairing = validated_form(PairingRequest, values).pairing()
        booked = validated_form(EventRequest, event) if event["happened_on"] else None
        await write_once(request, None, write)
    except (ProblemError, *REFUSED) as error:
        return await _page_with_faults(request, recommendation_id, error)
    return redirect(f"{HOME}/pairings/{pairing_id}")


async def _page_with_faults(request: Request, recommendation_id: str, error: Exception) -> Response:
    refused = RefusedDecision(*form_faults(error))
    return await request_page(request, recommendation_id, PageQuestions(), refused)
