"""Recommendations as pages read them: from the journal, or from memory on a server without one."""

import json
from collections.abc import Mapping
from functools import partial
from typing import cast

from fastapi import FastAPI, Request

from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.recommendations import ShownRecommendation
from recommender.monitoring.early_ratings import ShownPrediction
from recommender.recommendation.recommend import DEFAULT_TOP_K
from recommender.screening.screen import Modes
from recommender.security.accounts import list_accounts
from recommender.serving.api.recommendations import recorded_for
from recommender.serving.authorization import caller
from recommender.serving.dependencies import (
    RecentRecommendations,
    app_state,
    current_snapshot,
    run_in_pool,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.idempotency import has_store, write_once
from recommender.serving.recommendation_service import ServedRecommendation, recommend_parsed
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.stored_recommendation import current_body, shown_of, to_journal_row
from recommender.store.database import Connection
from recommender.values.kinds import RawValue


def recent_recommendations(app: FastAPI) -> RecentRecommendations:
    """The latest recommendations of this server."""
    return app_state(app).recent


async def find_shown(request: Request, recommendation_id: str) -> ShownRecommendation:
    """A recommendation as it was shown, if the caller may see it."""
    if not has_store(request):
        return recent_recommendations(request.app).find(recommendation_id)
    return (await recorded_for(request, recommendation_id)).shown


def shown_prediction(match: RatedMatch) -> ShownPrediction | None:
    """What was predicted for the clinician a match began with; None without a range."""
    for each in json.loads(current_body(match.response))["shortlist"]:
        if each["clinician_id"] == match.clinician_id and each["range"] is not None:
            ends = each["range"]
            return ShownPrediction(each["predicted_alliance"], ends["lower"], ends["upper"])
    return None


async def recommend_and_store(request: Request, parsed: ParsedRequest) -> str:
    """Recommends as the endpoint does, stores what is shown, and gives its id."""
    state = current_snapshot(request.app)
    info = request_info(request.scope)
    info.model = state.digest
    served: ServedRecommendation = await run_in_pool(
        request.app, partial(recommend_parsed, state, parsed)
    )
    info.mode = served.recommendation.mode
    body = served.to_json(to_staff=True)
    if not has_store(request):
        recent_recommendations(request.app).add(shown_of(served, body, state))
    else:
        row = to_journal_row(served, body, state, actor=caller(request).actor)
        await write_once(request, None, row)
    return served.response.recommendation_id


def repeated(shown: ShownRecommendation, answers: Mapping[str, RawValue]) -> ParsedRequest:
    """The request a recommendation was made from, for the same day, with other answers."""
    return ParsedRequest(
        client_id=shown.client_id,
        answers=answers,
        modes=cast("Modes", shown.modes),
        top_k=max(len(shown.shortlist), DEFAULT_TOP_K),
        asked_on=shown.asked_on,
    )


def account_names(connection: Connection) -> Mapping[str, str]:
    """Names of accounts by the id the journal stores for who did something."""
    return {account.staff_id: account.name for account in list_accounts(connection)}
