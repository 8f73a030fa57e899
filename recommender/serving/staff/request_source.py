"""Recommendations as pages read them: from the journal, or from memory on a server without one."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import cast

from fastapi import FastAPI, Request

from recommender.errors import NotFoundError
from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.recommendations import ShownRecommendation
from recommender.monitoring.early_ratings import ShownPrediction
from recommender.recommendation.recommend import DEFAULT_TOP_K
from recommender.screening.screen import Modes
from recommender.security.passwords import list_accounts
from recommender.serving.api.recommendations import recorded_for
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.services.idempotency import journal_writer, write_once
from recommender.serving.services.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
)
from recommender.serving.services.stored_recommendation import (
    current_body,
    shown_of,
    to_journal_row,
)
from recommender.store.database import Connection
from recommender.values.kinds import RawValue

MAX_RECENT = 20


class RecentRecommendations:
    """The latest recommendations of a server without a store; lost when it stops."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, ShownRecommendation] = OrderedDict()
        self._lock = Lock()

    def add(self, shown: ShownRecommendation) -> None:
        """Adds a recommendation, and drops the oldest when there are too many."""
        with self._lock:
            self._shown[shown.recommendation_id] = shown
            while len(self._shown) > MAX_RECENT:
                self._shown.popitem(last=False)

    def get(self, recommendation_id: str) -> ShownRecommendation:
        """A recommendation by id.

        Raises
        ------
        NotFoundError
            When it never existed or was dropped.
        """
        with self._lock:
            shown = self._shown.get(recommendation_id)
        if shown is None:
            raise NotFoundError("recommendation_id", "is not stored here", "make a new request")
        return shown

    def newest(self) -> tuple[ShownRecommendation, ...]:
        """All of them, newest first."""
        with self._lock:
            return tuple(reversed(self._shown.values()))


def recent_recommendations(app: FastAPI) -> RecentRecommendations:
    """The latest recommendations of this server."""
    recent: RecentRecommendations = app.state.tried
    return recent


async def find_shown(request: Request, recommendation_id: str) -> ShownRecommendation:
    """A recommendation as it was shown, if the caller may see it."""
    if journal_writer(request.app) is None:
        return recent_recommendations(request.app).get(recommendation_id)
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
    request.state.model = state.digest
    served: ServedRecommendation = await run_in_pool(
        request.app, partial(recommend_parsed, state, parsed)
    )
    request.state.mode = served.recommendation.mode
    body = served.to_json(to_staff=True)
    if journal_writer(request.app) is None:
        recent_recommendations(request.app).add(shown_of(served, body, state))
    else:
        row = to_journal_row(served, body, state, actor=caller(request).actor)
        await write_once(request, b"", row)
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
