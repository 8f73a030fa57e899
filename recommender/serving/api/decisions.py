"""Routes that record and read decisions after a recommendation, and count open places."""

from datetime import datetime
from typing import Any, Self

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.idempotency import StoredReply
from recommender.journal.places import counting_places
from recommender.journal.recommendations import (
    Decision,
    RecordedDecision,
    ShownRecommendation,
    decisions_of,
    record_decision,
)
from recommender.serving.api.recommendations import ADDRESS, RecommendationId, seen_by
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    NO_SUCH_RECORD,
    NOT_FOUND,
    FieldError,
    ProblemError,
    not_on_roster,
)
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import created, read, reply_response, write_once
from recommender.serving.openapi import JournalRoute, problem_responses, request_body
from recommender.serving.present_clinicians import rules_against
from recommender.serving.schemas.request_bodies import DecisionRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.stored_recommendation import read_response
from recommender.store.database import Connection
from recommender.values.ids import near_misses

AT = f"{ADDRESS}/decisions"
NOT_ON_ROSTER = "was not on the roster of this request and is not on it now; check the id"

router = APIRouter(tags=["decisions"], route_class=JournalRoute)


class DecisionCreated(ResponseModel):
    """A recorded decision."""

    decision_id: str
    recommendation_id: str
    clinician_id: str
    kind: str
    reason: str | None


class DecisionRecord(DecisionCreated):
    """A recorded decision with its actor and time (UTC)."""

    actor: str
    recorded_at: datetime

    @classmethod
    def of(cls, decided: RecordedDecision) -> Self:
        """One decision."""
        fields = _fields(decided.decision_id, decided.decision)
        return cls(**fields, actor=decided.actor, recorded_at=decided.recorded_at)


class DecisionHistory(ResponseModel):
    """All decisions on a recommendation, oldest first; the last one is in force."""

    recommendation_id: str
    decisions: tuple[DecisionRecord, ...]


@router.post(
    AT,
    operation_id="recordDecision",
    summary="Record a decision",
    status_code=201,
    response_model=DecisionCreated,
    responses=problem_responses(NOT_FOUND, NO_SUCH_RECORD),
    openapi_extra=request_body("DecisionRequest"),
)
async def post_decision(
    request: Request, recommendation_id: RecommendationId, snapshot: Snapshot, body: Body
) -> Response:
    """Record the chosen clinician; a later decision replaces an earlier one.

    If the practice counts open places, a decision takes one and releases that of the earlier
    decision. Of two concurrent decisions on the last place, one is refused (409), as is a decision
    on a closed request. Refused (422) for a clinician whom a hard constraint of the families
    safety, legal, registration, consent or conflict excludes now.
    """
    decision = body.read(DecisionRequest).on(recommendation_id)
    actor, location = caller(request).actor, f"/v1/recommendations/{recommendation_id}/decisions"

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        with counting_places(connection, snapshot.practice, recommendation_id, actor=actor):
            decision_id = record_decision(connection, decision, actor=actor)
        check_clinician(recorded.shown, snapshot, decision)
        _refuse_never_chosen(recorded.shown, snapshot, decision)
        response = DecisionCreated(**_fields(decision_id, decision))
        return created(response.model_dump_json().encode(), location, recorded.subject)

    return reply_response(await write_once(request, body, write))


@router.get(
    AT,
    operation_id="listDecisions",
    summary="List the decisions on a recommendation",
    response_model=DecisionHistory,
)
async def get_decisions(request: Request, recommendation_id: RecommendationId) -> Response:
    """Oldest first."""

    def look(connection: Connection) -> tuple[RecordedDecision, ...]:
        seen_by(request, recommendation_id, connection)
        return decisions_of(connection, recommendation_id)

    history = DecisionHistory(
        recommendation_id=recommendation_id,
        decisions=tuple(DecisionRecord.of(each) for each in await read(request, look)),
    )
    return Response(history.model_dump_json(), media_type=JSON)


def check_clinician(
    shown: ShownRecommendation,
    snapshot: ServingSnapshot,
    decision: Decision,
    message: str = NOT_ON_ROSTER,
) -> None:
    """Refuses a clinician who is on neither the roster of the recommendation nor the present one.

    Raises
    ------
    ProblemError
        422 with the given message.
    """
    then = read_response(shown.response)
    known = {each.clinician_id for each in then.shortlist}
    known |= {each.clinician_id for each in then.excluded}
    known |= set(snapshot.encoding.roster.ids)
    if decision.clinician_id not in known:
        near = near_misses([decision.clinician_id], sorted(known))
        error = not_on_roster("/clinician_id", near.get(decision.clinician_id, ()), message)
        raise ProblemError(INVALID_FEEDBACK, (error,))


def _refuse_never_chosen(
    shown: ShownRecommendation, snapshot: ServingSnapshot, decision: Decision
) -> None:
    """Refuses a clinician whom a rule excludes that nobody may override.

    Raises
    ------
    ProblemError
        422 with the constraints by name.
    """
    never = rules_against(shown, snapshot, decision.clinician_id).never
    if never:
        names = ", ".join(each.constraint for each in never)
        message = f"is excluded by {names}, which no decision overrides; choose another"
        error = FieldError(pointer="/clinician_id", code="never_overridden", message=message)
        raise ProblemError(INVALID_FEEDBACK, [error])


def _fields(decision_id: str, decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision_id,
        "recommendation_id": decision.recommendation_id,
        "clinician_id": decision.clinician_id,
        "kind": decision.kind,
        "reason": decision.reason,
    }
