"""What every route begins with: the snapshot that answers, and a turn to compute.

Imported by the routes.
"""

from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import NOT_READY, RETRY_SOON, ProblemError
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.snapshot import ServingSnapshot

Found = TypeVar("Found")


def current_snapshot(app: FastAPI) -> ServingSnapshot:
    """The snapshot that answers now; read it once in a request and keep it."""
    snapshot_holder: SnapshotHolder = app.state.snapshot_holder
    state = snapshot_holder.current
    if state is None:
        raise ProblemError(NOT_READY, headers=RETRY_SOON)
    return state


async def run_in_pool(app: FastAPI, work: Callable[[], Found]) -> Found:
    """What is computed in a worker thread, when one is free."""
    queue: ComputeQueue = app.state.queue
    return await queue.run(work)
