"""Work in threads, in turn: what computes and what asks the database never wait for each other.

Imported by the routes.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI

from recommender.serving.problems import BUSY, NOT_READY, RETRY, ProblemError
from recommender.serving.state import State
from recommender.serving.succession import Succession

Found = TypeVar("Found")


def current(app: FastAPI) -> State:
    """The snapshot that answers now; read it once in a request and keep it."""
    succession: Succession = app.state.succession
    state = succession.current
    if state is None:
        raise ProblemError(NOT_READY, headers=RETRY)
    return state


async def computed(app: FastAPI, work: Callable[[], Found]) -> Found:
    """What is computed in a worker thread, when one is free."""
    return await in_turn(app, app.state.limiter, work)


async def in_turn(app: FastAPI, limiter: CapacityLimiter, work: Callable[[], Found]) -> Found:
    """What a thread gives; when too many wait, a quick refusal serves callers better."""
    if limiter.statistics().tasks_waiting >= app.state.queue_limit and not limiter.available_tokens:
        raise ProblemError(BUSY, headers=RETRY)
    return await to_thread.run_sync(work, limiter=limiter)
