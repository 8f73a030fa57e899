"""Routes that record, correct and read ratings; checks are those of training."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.idempotency import StoredReply
from recommender.journal.pairings import subject_of_pairing
from recommender.journal.ratings import (
    RatingVersion,
    StoredRating,
    correct_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import NO_SUCH_RECORD, NOT_FOUND, STALE
from recommender.serving.http.strict_json import JSON, read_body
from recommender.serving.openapi import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    created,
    json_body,
    problem_responses,
)
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.request_bodies import CorrectionRequest, RatingRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.serving.services.idempotency import read, reply_response, write_once
from recommender.serving.services.recommendation_service import today
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.store.database import Connection

ADDRESS = "/v1/ratings/{rating_id}"
RatingId = Annotated[str, Path(pattern=ID_PATTERN)]
_ITS_ID = {"parameters": {"rating_id": "$response.body#/rating_id"}}
LINKS = {
    operation: {"operationId": operation, **_ITS_ID} for operation in ("getRating", "correctRating")
}

router = APIRouter(tags=["ratings"])


class RatingCreated(ResponseModel):
    """A recorded rating."""

    rating_id: str
    version: Annotated[int, Setting(description="1, increased by each correction.")]
    pomp: Annotated[
        float | None,
        Setting(
            description="The score as a proportion of the maximum possible (0 to 1), as used in "
            "training; null if too few items were answered or the rating is withdrawn."
        ),
    ]
    pairing_known: Annotated[
        bool, Setting(description="Whether the pairing is recorded; ratings may be sent earlier.")
    ]


class RatingRecord(ResponseModel):
    """One version of a rating, valid from `recorded_at` (UTC)."""

    version: int
    pairing_id: str
    session: int
    instrument: str
    rater: str
    metric: str
    score: float | None
    items: tuple[float | None, ...]
    rated_on: date
    known_on: date | None
    withdrawn: bool
    reason: str | None
    actor: str
    recorded_at: datetime

    @classmethod
    def of(cls, version: RatingVersion) -> Self:
        """One version."""
        rating = version.rating
        return cls(
            version=version.version,
            pairing_id=rating.pairing_id,
            session=rating.session,
            instrument=rating.instrument,
            rater=rating.rater,
            metric=rating.metric,
            score=rating.score,
            items=rating.items,
            rated_on=rating.rated_on,
            known_on=rating.known_on,
            withdrawn=version.withdrawn,
            reason=version.reason,
            actor=version.actor,
            recorded_at=version.recorded_at,
        )


class RatingHistory(ResponseModel):
    """All versions of a rating, oldest first; the last one is in force."""

    rating_id: str
    versions: tuple[RatingRecord, ...]


@router.post(
    "/v1/ratings",
    operation_id="recordRating",
    summary="Record a rating of the alliance",
    status_code=201,
    response_model=RatingCreated,
    responses={201: created(RatingCreated, LINKS), **problem_responses(*WRITE_PROBLEMS)},
    openapi_extra=json_body("RatingRequest"),
)
async def post_rating(request: Request) -> Response:
    """Record a rating, with the same checks as in training.

    A rating of a pairing that is not recorded yet is stored and attached to it later.
    """
    state = current_snapshot(request.app)
    asked, body = await read_body(request, RatingRequest)
    rating, actor = asked.rating(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        day = today(state.practice)
        kept = record_rating(connection, state.practice, rating, actor=actor, today=day)
        return _reply(connection, kept, rating.pairing_id)

    return reply_response(await write_once(request, body, write), ADDRESS)


@router.get(
    ADDRESS,
    operation_id="getRating",
    summary="Read a rating and its corrections",
    response_model=RatingHistory,
    responses=problem_responses(*READ_PROBLEMS),
)
async def get_rating(request: Request, rating_id: RatingId) -> Response:
    """All versions, oldest first; the last one is in force."""
    found = await read(request, partial(rating_history, rating_id=rating_id))
    told = RatingHistory(rating_id=rating_id, versions=tuple(map(RatingRecord.of, found)))
    return Response(told.model_dump_json(), media_type=JSON)


@router.post(
    f"{ADDRESS}/corrections",
    operation_id="correctRating",
    summary="Correct or withdraw a rating",
    status_code=201,
    response_model=RatingCreated,
    responses={
        201: created(RatingCreated, LINKS),
        **problem_responses(*WRITE_PROBLEMS, NOT_FOUND, NO_SUCH_RECORD, STALE),
    },
    openapi_extra=json_body("CorrectionRequest"),
)
async def post_correction(request: Request, rating_id: RatingId) -> Response:
    """Earlier versions remain readable; refused (412) unless `expected_version` is the newest."""
    state = current_snapshot(request.app)
    asked, body = await read_body(request, CorrectionRequest)
    actor = caller(request).actor

    def write(connection: Connection) -> StoredReply:
        kept = _corrected(connection, state, rating_id, asked, actor)
        about = rating_history(connection, rating_id)[-1].rating.pairing_id
        return _reply(connection, kept, about)

    return reply_response(await write_once(request, body, write), ADDRESS)


def _corrected(
    connection: Connection,
    state: ServingSnapshot,
    rating_id: str,
    asked: CorrectionRequest,
    actor: str,
) -> StoredRating:
    if asked.rating is None:
        return withdraw_rating(
            connection, rating_id, seen=asked.expected_version, reason=asked.reason, actor=actor
        )
    return correct_rating(
        connection,
        state.practice,
        rating_id,
        asked.rating.rating(),
        seen=asked.expected_version,
        reason=asked.reason,
        actor=actor,
        today=today(state.practice),
    )


def _reply(connection: Connection, kept: StoredRating, pairing_id: str) -> StoredReply:
    subject = subject_of_pairing(connection, pairing_id)
    told = RatingCreated(
        rating_id=kept.rating_id,
        version=kept.version,
        pomp=kept.pomp,
        pairing_known=subject is not None,
    )
    return StoredReply(201, told.model_dump_json().encode(), subject)
