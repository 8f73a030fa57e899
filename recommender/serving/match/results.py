"""Computes and records the list that a client sees, and the wish that follows it."""

from functools import partial
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from recommender.journal.idempotency import StoredReply, ticket_for
from recommender.journal.validation import canonical_json, digest
from recommender.journal.wishes import MATCHING_PAGE, RecordedWish, record_wish
from recommender.practice.definition import Practice
from recommender.practice.matching_page import MatchingPage
from recommender.security.scopes import Principal, Role, Scope
from recommender.serving.api.recommendations import seen_by
from recommender.serving.dependencies import app_state, current_snapshot, run_in_pool
from recommender.serving.http.request_context import request_info
from recommender.serving.idempotency import known_reply, require_store, write_once
from recommender.serving.match.answers import Answers
from recommender.serving.match.form_token import FormToken
from recommender.serving.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
    refused_request,
)
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.stored_recommendation import read_response, shown_of, to_journal_row
from recommender.store.database import Connection

PRINCIPAL = Principal(MATCHING_PAGE, MATCHING_PAGE, Role.TOOL, frozenset({Scope.MATCH_CREATE}))
"""Who asks in the journal: the page, for a client without a code."""
ROUTE = "POST /match"
SHOWN = 5
"""Clinicians shown at most: as many as can be read and compared on a telephone."""


def request_body(
    practice: Practice, page: MatchingPage, answers: Answers, *, agreed: bool
) -> dict[str, Any]:
    """The request of a client: their answers, their consent, and what the practice declares."""
    declared = {
        name: JSON_TYPES[practice.client[name].kind].json_of(value)
        for name, value in page.answers.items()
    }
    consent = {practice.consent: agreed} if practice.consent else {}
    return {"answers": {**answers, **declared, **consent}, "top_k": SHOWN}


def parsed_request(
    snapshot: ServingSnapshot, page: MatchingPage, answers: Answers, *, agreed: bool
) -> ParsedRequest:
    """The validated request; raises `ProblemError` with every fault."""
    body = request_body(snapshot.practice, page, answers, agreed=agreed)
    try:
        parsed = snapshot.form.read(body)
    except ValidationError as error:
        raise refused_request(snapshot, error, snapshot.form.model) from None
    return parsed.declaring(tuple(page.answers))


async def list_for(
    request: Request, parsed: ParsedRequest, token: FormToken
) -> RecommendationResponse:
    """The list for a request; the same form sent again gives the same list, recorded once."""
    snapshot, context = current_snapshot(request.app), app_state(request.app)
    info = request_info(request.scope)
    info.principal, info.model = PRINCIPAL, snapshot.digest

    async def compute() -> ServedRecommendation:
        served: ServedRecommendation = await run_in_pool(
            request.app,
            partial(
                recommend_parsed,
                snapshot,
                parsed,
                context.draws,
                context.second,
                with_relaxations=True,
            ),
        )
        info.mode = served.recommendation.mode
        return served

    if context.idempotency is None:
        served = await compute()
        context.recent.add(shown_of(served, snapshot))
        return served.response
    content = {"answers": dict(parsed.answers), "practice": snapshot.practice.digest}
    key = f"{token.number}-{digest(canonical_json(content))}"
    ticket = ticket_for(PRINCIPAL.actor, ROUTE, key, content)
    with context.idempotency.claimed(ticket):
        known = await known_reply(context, context.idempotency, ticket)
        if known is not None:
            return read_response(known.body)
        served = await compute()
        whole = served.to_json()
        row = to_journal_row(served, snapshot, actor=PRINCIPAL.actor, sent=whole)
        await context.queues.journal.run(context.idempotency.settle, ticket, row)
        return served.response


async def wish_for(
    request: Request, recommendation_id: str, clinician_id: str | None
) -> RecordedWish:
    """Records a wish after a list of this page.

    Raises
    ------
    NotFoundError
        When there is no such list, or another caller asked for it.
    FeedbackError
        When the clinician was not shown.
    ProblemError
        409 on a server without a store.
    """
    require_store(request)
    request_info(request.scope).principal = PRINCIPAL
    recorded_wish: list[RecordedWish] = []

    def write(connection: Connection) -> StoredReply:
        recorded = seen_by(request, recommendation_id, connection)
        recorded_wish[:] = [record_wish(connection, recorded, clinician_id, actor=PRINCIPAL.actor)]
        return StoredReply(201, b"", recorded.subject)

    await write_once(request, None, write)
    return recorded_wish[0]
