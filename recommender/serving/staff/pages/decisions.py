"""Choosing or overriding on a request, and beginning a pairing. Imported by `staff.router`."""

import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import StaleError
from recommender.journal.decisions import decisions_of, record_decision
from recommender.journal.idempotency import StoredReply
from recommender.journal.pairings import BOOKED, PairingEvent, record_event, record_pairing
from recommender.serving.api.decisions import check_clinician, move_place
from recommender.serving.api.recommendations import RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import ProblemError
from recommender.serving.schemas.request_bodies import DecisionRequest, EventRequest, PairingRequest
from recommender.serving.services.idempotency import write_once
from recommender.serving.services.recommendation_service import today
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import (
    UNKEEPABLE,
    FormData,
    form_faults,
    read_form,
    validated_form,
)
from recommender.serving.staff.page import HOME, moved
from recommender.serving.staff.pages.new_request import REQUEST, REQUESTS
from recommender.serving.staff.pages.request import told_page
from recommender.serving.staff.views.request_view import PageQuestions
from recommender.store.database import Connection, advisory_lock

KEPT = 201

router = APIRouter(include_in_schema=False)


@router.post(f"{REQUEST}/decisions")
async def post_decision(request: Request, recommendation_id: RecommendationId) -> Response:
    """Keeps a decision, unless another was made since the page was read."""
    sent = await read_form(request)
    try:
        await _decide(request, recommendation_id, sent)
    except (ProblemError, *UNKEEPABLE) as error:
        return await _told(request, recommendation_id, error)
    return moved(f"{REQUESTS}/{recommendation_id}#decide")


@router.post(f"{REQUEST}/pairings")
async def post_pairing(request: Request, recommendation_id: RecommendationId) -> Response:
    """Keeps who begins with whom and, where a day is given, that it is booked."""
    sent = await read_form(request)
    pairing_id = sent.text("pairing_id") or secrets.token_hex(8)
    try:
        await _begin(request, recommendation_id, pairing_id, sent)
    except (ProblemError, *UNKEEPABLE) as error:
        return await _told(request, recommendation_id, error)
    return moved(f"{HOME}/pairings/{pairing_id}")


async def _decide(request: Request, recommendation_id: str, sent: FormData) -> None:
    state, actor = current_snapshot(request.app), caller(request).actor
    told = {name: sent.text(name) for name in ("clinician_id", "kind", "reason")}
    decision = validated_form(DecisionRequest, told).on(recommendation_id)

    def write(connection: Connection) -> StoredReply:
        advisory_lock(connection, f"decision/{recommendation_id}")
        recorded = seen_by(request, recommendation_id, connection)
        before = decisions_of(connection, recommendation_id)
        if (before[-1].decision_id if before else "") != sent.text("seen"):
            raise StaleError("decision", "is not the newest any more", "read it, then decide")
        check_clinician(recorded.shown, state, decision, wording.NOT_ON_ROSTER)
        move_place(connection, state.practice, recorded, decision, actor=actor)
        record_decision(connection, decision, actor=actor)
        return StoredReply(KEPT, b"{}", recorded.subject)

    await write_once(request, None, write)


async def _begin(request: Request, recommendation_id: str, pairing_id: str, sent: FormData) -> None:
    actor, day = caller(request).actor, today(current_snapshot(request.app).practice)
    told = {name: sent.text(name) for name in ("client_id", "clinician_id")}
    about = {"pairing_id": pairing_id, "recommendation_id": recommendation_id}
    pairing = validated_form(PairingRequest, told | about).pairing()
    booked = _booked(pairing_id, sent)

    def write(connection: Connection) -> StoredReply:
        seen_by(request, recommendation_id, connection)
        subject = record_pairing(connection, pairing, actor=actor)
        if booked is not None:
            record_event(connection, booked, actor=actor, today=day)
        return StoredReply(KEPT, b"{}", subject)

    await write_once(request, None, write)


def _booked(pairing_id: str, sent: FormData) -> PairingEvent | None:
    if not sent.text("booked_on"):
        return None
    told = {"kind": BOOKED, "happened_on": sent.text("booked_on")}
    return validated_form(EventRequest, told).of(pairing_id)


async def _told(request: Request, recommendation_id: str, error: Exception) -> Response:
    """The page again, with what could not be kept."""
    said, status = form_faults(error)
    return await told_page(request, recommendation_id, PageQuestions(), trouble=said, status=status)
