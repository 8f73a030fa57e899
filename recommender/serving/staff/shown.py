"""A recommendation as a page reads it: from the journal, or from memory where nothing is kept.

Imported by the routes of `staff`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import cast

from fastapi import FastAPI, Request

from recommender.constraints import Modes
from recommender.definition.kinds import Raw
from recommender.errors import NotFoundError
from recommender.journal.recommendations import Shown
from recommender.recommend import TOP_K
from recommender.serving.answers import Made, made_for
from recommender.serving.callers import caller
from recommender.serving.form import Asked
from recommender.serving.keeping import keep, keeper_of
from recommender.serving.recommendations import recorded_for
from recommender.serving.recording import recording, shown_of
from recommender.serving.turns import computed, current

MOST_TRIED = 20


class Tried:
    """The last requests tried out on a server that keeps nothing; gone when it stops."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._lock = Lock()

    def add(self, shown: Shown) -> None:
        """Holds a request, and forgets the oldest when there are too many."""
        with self._lock:
            self._shown[shown.recommendation_id] = shown
            while len(self._shown) > MOST_TRIED:
                self._shown.popitem(last=False)

    def found(self, recommendation_id: str) -> Shown:
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

    def newest(self) -> tuple[Shown, ...]:
        """Everything held, newest first."""
        with self._lock:
            return tuple(reversed(self._shown.values()))


def tried_of(app: FastAPI) -> Tried:
    """What was tried out on this server."""
    tried: Tried = app.state.tried
    return tried


async def shown_for(request: Request, recommendation_id: str) -> Shown:
    """A recommendation as it was shown, if whoever asks may see it."""
    if keeper_of(request.app) is None:
        return tried_of(request.app).found(recommendation_id)
    return (await recorded_for(request, recommendation_id)).shown


async def ask(request: Request, asked: Asked) -> str:
    """Asks as a matching tool does, keeps what was shown, and gives its id."""
    state = current(request.app)
    request.state.model = state.digest
    told: Made = await computed(request.app, partial(made_for, state, asked))
    request.state.mode = told.found.mode
    sent = told.sent(to_staff=True)
    if keeper_of(request.app) is None:
        tried_of(request.app).add(shown_of(told, sent, state))
    else:
        await keep(request, b"", recording(told, sent, state, actor=caller(request).actor))
    return told.response.recommendation_id


def again(shown: Shown, answers: Mapping[str, Raw]) -> Asked:
    """The request a recommendation was made from, on the same day, with other answers."""
    return Asked(
        client_id=shown.client_id,
        answers=answers,
        modes=cast("Modes", shown.modes),
        top_k=max(len(shown.shortlist), TOP_K),
        asked_on=shown.asked_on,
    )
