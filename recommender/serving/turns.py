"""What every route begins with: the snapshot that answers, and a turn to compute.

Imported by the routes.
"""

from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI

from recommender.serving.problems import NOT_READY, RETRY, ProblemError
from recommender.serving.queue import Queue
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
    queue: Queue = app.state.queue
    return await queue.run(work)
