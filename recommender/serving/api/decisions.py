"""Routes that record and read decisions after a recommendation, and count open places."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Self

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.journal.decisions import Decision, RecordedDecision, decisions_of, record_decision
from recommender.journal.idempotency import StoredReply
from recommender.journal.recommendations import RecordedRecommendation, ShownRecommendation
from recommender.journal.roster_versions import current_roster, give_place, take_place
from recommender.practice.definition import Practice
from recommender.practice.rules.parse import Constraint
from recommender.serving.api.recommendations import ADDRESS, RecommendationId, seen_by
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    NO_SUCH_RECORD,
    NOT_FOUND,
    FieldError,
    ProblemError,
)
from recommender.serving.http.strict_json import JSON, read_body
from recommender.serving.openapi import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    created,
    json_body,
    problem_responses,
)
from recommender.serving.schemas.request_bodies import DecisionRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import read, reply_response, write_once
from recommender.serving.services.stored_recommendation import read_response
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection

AT = f"{ADDRESS}/decisions"
NOT_ON_ROSTER = "was not on the roster of this request and is not on it now; check the id"

router = APIRouter(tags=["decisions"])


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
        said = _said(decided.decision_id, decided.decision)
        return cls(**said, actor=decided.actor, recorded_at=decided.recorded_at)


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
    responses={
        201: created(DecisionCreated),
        **problem_responses(*WRITE_PROBLEMS, NOT_FOUND, NO_SUCH_RECORD),
    },
    openapi_extra=json_body("DecisionRequest"),
)
async def post_decision(request: Request, recommendation_id: RecommendationId) -> Response:
    """Record the chosen clinician; a later decision replaces an earlier one.

    If the practice counts open places, a decision takes one and releases that of the earlier
    decision. Of two concurrent decisions on the last place, one is refused (409).
    """
    state = current_snapshot(request.app)
    asked, body = await read_body(request, DecisionRequest)
    decision, actor = asked.on(recommendation_id), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        move_place(connection, state.practice, recorded, decision, actor=actor)
        kept = DecisionCreated(
            **_said(record_decision(connection, decision, actor=actor), decision)
        )
        check_named(recorded.shown, state, decision)
        return StoredReply(201, kept.model_dump_json().encode(), recorded.subject)

    return reply_response(await write_once(request, body, write), AT)


@router.get(
    AT,
    operation_id="listDecisions",
    summary="List the decisions on a recommendation",
    response_model=DecisionHistory,
    responses=problem_responses(*READ_PROBLEMS),
)
async def get_decisions(request: Request, recommendation_id: RecommendationId) -> Response:
    """Oldest first."""

    def look(connection: Connection) -> tuple[RecordedDecision, ...]:
        seen_by(request, recommendation_id, connection)
        return decisions_of(connection, recommendation_id)

    told = DecisionHistory(
        recommendation_id=recommendation_id,
        decisions=tuple(DecisionRecord.of(each) for each in await read(request, look)),
    )
    return Response(told.model_dump_json(), media_type=JSON)


def check_named(
    shown: ShownRecommendation, state: ServingSnapshot, decision: Decision, say: str = NOT_ON_ROSTER
) -> None:
    """Refuses whoever was neither on the roster of the request nor is on it now.

    Raises
    ------
    ProblemError
        Of kind `UNKEPT`, which says so.
    """
    then = read_response(shown.response)
    known = {each.clinician_id for each in then.shortlist}
    known |= {each.clinician_id for each in then.excluded}
    if decision.clinician_id not in known.union(state.encoding.roster.ids):
        slip = FieldError(pointer="/clinician_id", code="unknown", message=say)
        raise ProblemError(INVALID_FEEDBACK, (slip,))


def move_place(
    connection: Connection,
    practice: Practice,
    recorded: RecordedRecommendation,
    decision: Decision,
    *,
    actor: str,
) -> None:
    """Takes a place for a decision, and gives back the one an earlier decision took.

    Nothing is counted where the practice declares no such field, the journal has no roster, or the
    client agreed to wait for a place.

    Raises
    ------
    ConflictError
        When no place is left.
    """
    capacity = practice.capacity
    if capacity is None or not current_roster(connection).number:
        return
    if _waits(capacity, recorded.shown.answers):
        return
    before = decisions_of(connection, decision.recommendation_id)
    earlier = before[-1].decision.clinician_id if before else None
    if earlier == decision.clinician_id:
        return
    count = partial(_count, connection, practice, capacity.clinician[0], actor)
    if earlier is not None:
        count(give_place, earlier)
    count(take_place, decision.clinician_id)


def _waits(capacity: Constraint, answers: Mapping[str, Any]) -> bool:
    return capacity.unless is not None and answers.get(capacity.unless.client) is True


def _count(
    connection: Connection, practice: Practice, field: str, actor: str, change: Any, name: str
) -> None:
    try:
        change(connection, practice, name, field, actor=actor)
    except NotFoundError:
        # Whoever has left the roster has no places to count; the decision itself is kept.
        return


def _said(decision_id: str, decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision_id,
        "recommendation_id": decision.recommendation_id,
        "clinician_id": decision.clinician_id,
        "kind": decision.kind,
        "reason": decision.reason,
    }
