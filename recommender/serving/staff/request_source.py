"""A recommendation as a page reads it: from the journal, or from memory where nothing is kept.

Imported by the routes of `staff`.
"""

from collections.abc import Mapping
from functools import partial
from typing import cast

from fastapi import FastAPI, Request

from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.recommend import DEFAULT_TOP_K
from recommender.screening.screen import Modes
from recommender.serving.api.recommendations import recorded_for
from recommender.serving.authorization import caller
from recommender.serving.dependencies import (
    RecentRecommendations,
    app_state,
    current_snapshot,
    run_in_pool,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.services.idempotency import has_store, write_once
from recommender.serving.services.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
)
from recommender.serving.services.stored_recommendation import shown_of, to_journal_row
from recommender.values.kinds import RawValue


def recent_recommendations(app: FastAPI) -> RecentRecommendations:
    """What was tried out on this server."""
    return app_state(app).recent


async def find_shown(request: Request, recommendation_id: str) -> ShownRecommendation:
    """A recommendation as it was shown, if whoever asks may see it."""
    if not has_store(request):
        return recent_recommendations(request.app).find(recommendation_id)
    return (await recorded_for(request, recommendation_id)).shown


async def ask(request: Request, asked: ParsedRequest) -> str:
    """Asks as a matching tool does, keeps what was shown, and gives its id."""
    state = current_snapshot(request.app)
    info = request_info(request.scope)
    info.model = state.digest
    told: ServedRecommendation = await run_in_pool(
        request.app, partial(recommend_parsed, state, asked)
    )
    info.mode = told.recommendation.mode
    sent = told.to_json(to_staff=True)
    if not has_store(request):
        recent_recommendations(request.app).add(shown_of(told, sent, state))
    else:
        await write_once(
            request, None, to_journal_row(told, sent, state, actor=caller(request).actor)
        )
    return told.response.recommendation_id


def again(shown: ShownRecommendation, answers: Mapping[str, RawValue]) -> ParsedRequest:
    """The request a recommendation was made from, on the same day, with other answers."""
    return ParsedRequest(
        client_id=shown.client_id,
        answers=answers,
        modes=cast("Modes", shown.modes),
        top_k=max(len(shown.shortlist), DEFAULT_TOP_K),
        asked_on=shown.asked_on,
    )
