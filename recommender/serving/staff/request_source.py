"""A recommendation as a page reads it: from the journal, or from memory where nothing is kept.

Imported by the routes of `staff`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import cast

from fastapi import FastAPI, Request

from recommender.errors import NotFoundError
from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.recommend import DEFAULT_TOP_K
from recommender.screening.screen import Modes
from recommender.serving.api.recommendations import recorded_for
from recommender.serving.auth.middleware import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.services.idempotency import journal_writer, write_once
from recommender.serving.services.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
)
from recommender.serving.services.stored_recommendation import shown_of, to_journal_row
from recommender.values.kinds import RawValue

MOST_TRIED = 20


class RecentRecommendations:
    """The last requests tried out on a server that keeps nothing; gone when it stops."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, ShownRecommendation] = OrderedDict()
        self._lock = Lock()

    def add(self, shown: ShownRecommendation) -> None:
        """Holds a request, and forgets the oldest when there are too many."""
        with self._lock:
            self._shown[shown.recommendation_id] = shown
            while len(self._shown) > MOST_TRIED:
                self._shown.popitem(last=False)

    def found(self, recommendation_id: str) -> ShownRecommendation:
        """A request that was tried.

        Raises
        ------
        NotFoundError
            When it never was, or was forgotten.
        """
        with self._lock:
            shown = self._shown.get(recommendation_id)
        if shown is None:
            raise NotFoundError("recommendation_id", "is not kept here", "ask anew")
        return shown

    def newest(self) -> tuple[ShownRecommendation, ...]:
        """Everything held, newest first."""
        with self._lock:
            return tuple(reversed(self._shown.values()))


def recent_recommendations(app: FastAPI) -> RecentRecommendations:
    """What was tried out on this server."""
    tried: RecentRecommendations = app.state.tried
    return tried


async def find_shown(request: Request, recommendation_id: str) -> ShownRecommendation:
    """A recommendation as it was shown, if whoever asks may see it."""
    if journal_writer(request.app) is None:
        return recent_recommendations(request.app).found(recommendation_id)
    return (await recorded_for(request, recommendation_id)).shown


async def ask(request: Request, asked: ParsedRequest) -> str:
    """Asks as a matching tool does, keeps what was shown, and gives its id."""
    state = current_snapshot(request.app)
    request.state.model = state.digest
    told: ServedRecommendation = await run_in_pool(
        request.app, partial(recommend_parsed, state, asked)
    )
    request.state.mode = told.recommendation.mode
    sent = told.to_json(to_staff=True)
    if journal_writer(request.app) is None:
        recent_recommendations(request.app).add(shown_of(told, sent, state))
    else:
        await write_once(
            request, b"", to_journal_row(told, sent, state, actor=caller(request).actor)
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
