"""Routes that record, correct and read ratings; checks are those of training."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.journal.contradictions import rating_contradictions
from recommender.journal.idempotency import StoredReply
from recommender.journal.near_ids import near_pairings
from recommender.journal.pairings import events_of, subject_of_pairing
from recommender.journal.ratings import (
    Rating,
    RatingVersion,
    StoredRating,
    correct_rating,
    rating_history,
    record_rating,
    withdraw_rating,
)
from recommender.practice.definition import Practice
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.problems import NO_SUCH_RECORD, NOT_FOUND, STALE
from recommender.serving.http.strict_json import JSON, Body
from recommender.serving.idempotency import created, read, reply_response, write_once
from recommender.serving.openapi import JournalRoute, links, problem_responses, request_body
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.contradictions import Contradictions, contradiction_records
from recommender.serving.schemas.request_bodies import CorrectionRequest, RatingRequest
from recommender.serving.schemas.responses import ResponseModel
from recommender.store.database import Connection
from recommender.values.ids import ID_PATTERN

ADDRESS = "/v1/ratings/{rating_id}"
RatingId = Annotated[str, Path(pattern=ID_PATTERN)]
LINKS = links("rating_id", "getRating", "correctRating")

router = APIRouter(tags=["ratings"], route_class=JournalRoute)


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
    did_you_mean: Annotated[
        tuple[str, ...],
        Setting(description="Recorded pairings with nearly equal ids, if this one is not."),
    ] = ()
    contradictions: Contradictions = ()


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
    responses={201: {"links": LINKS}},
    openapi_extra=request_body("RatingRequest"),
)
async def post_rating(request: Request, snapshot: Snapshot, body: Body) -> Response:
    """Record a rating, with the same checks as in training.

    A rating of a pairing that is not recorded yet is stored and attached to it later; one that
    contradicts the sessions attended is recorded, and `contradictions` says so. Refused (409) if
    the pairing was withdrawn.
    """
    rating, actor = body.read(RatingRequest).rating(), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        day = today(snapshot.practice)
        stored = record_rating(connection, snapshot.practice, rating, actor=actor, today=day)
        return _reply(connection, stored, rating)

    return reply_response(await write_once(request, body, write))


@router.get(
    ADDRESS,
    operation_id="getRating",
    summary="Read a rating and its corrections",
    response_model=RatingHistory,
)
async def get_rating(request: Request, rating_id: RatingId) -> Response:
    """All versions, oldest first; the last one is in force."""
    versions = await read(request, partial(rating_history, rating_id=rating_id))
    history = RatingHistory(rating_id=rating_id, versions=tuple(map(RatingRecord.of, versions)))
    return Response(history.model_dump_json(), media_type=JSON)


@router.post(
    f"{ADDRESS}/corrections",
    operation_id="correctRating",
    summary="Correct or withdraw a rating",
    status_code=201,
    response_model=RatingCreated,
    responses={201: {"links": LINKS}, **problem_responses(NOT_FOUND, NO_SUCH_RECORD, STALE)},
    openapi_extra=request_body("CorrectionRequest"),
)
async def post_correction(
    request: Request, rating_id: RatingId, snapshot: Snapshot, body: Body
) -> Response:
    """Earlier versions remain readable; refused (412) unless `expected_version` is the newest."""
    correction, actor = body.read(CorrectionRequest), caller(request).actor

    def write(connection: Connection) -> StoredReply:
        stored = correct(connection, snapshot.practice, rating_id, correction, actor)
        return _reply(connection, stored, rating_history(connection, rating_id)[-1].rating)

    return reply_response(await write_once(request, body, write))


def correct(
    connection: Connection,
    practice: Practice,
    rating_id: str,
    correction: CorrectionRequest,
    actor: str,
) -> StoredRating:
    """Corrects a rating, or withdraws it if the correction has no rating."""
    if correction.rating is None:
        return withdraw_rating(
            connection,
            rating_id,
            seen=correction.expected_version,
            reason=correction.reason,
            actor=actor,
        )
    return correct_rating(
        connection,
        practice,
        rating_id,
        correction.rating.rating(),
        seen=correction.expected_version,
        reason=correction.reason,
        actor=actor,
        today=today(practice),
    )


def _reply(connection: Connection, stored: StoredRating, rating: Rating) -> StoredReply:
    pairing_id = rating.pairing_id
    subject = subject_of_pairing(connection, pairing_id)
    found = rating_contradictions(rating, events_of(connection, pairing_id))
    response = RatingCreated(
        rating_id=stored.rating_id,
        version=stored.version,
        pomp=stored.pomp,
        pairing_known=subject is not None,
        did_you_mean=() if subject else near_pairings(connection, pairing_id),
        contradictions=contradiction_records(found),
    )
    location = ADDRESS.format(rating_id=stored.rating_id)
    return created(response.model_dump_json().encode(), location, subject)
