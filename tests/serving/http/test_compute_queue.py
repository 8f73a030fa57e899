import time

import anyio

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import ProblemError

WORK_SECONDS = 0.02


def statuses(queue: ComputeQueue, callers: int) -> list[str]:
    """What becomes of callers who all come at once."""
    found: list[str] = []

    async def call() -> None:
        try:
            await queue.run(time.sleep, WORK_SECONDS)
            found.append("answered")
        except ProblemError:
            found.append("refused")

    async def all_at_once() -> None:
        await queue.run(time.sleep, WORK_SECONDS)
        async with anyio.create_task_group() as group:
            for _ in range(callers):
                group.start_soon(call)

    anyio.run(all_at_once)
    return found


def test_a_burst_waits_as_long_as_patience_allows() -> None:
    assert statuses(ComputeQueue(1, 100, max_wait_seconds=60), callers=20) == ["answered"] * 20


def test_those_who_would_wait_too_long_are_refused_at_once() -> None:
    found = statuses(ComputeQueue(1, 100, max_wait_seconds=WORK_SECONDS / 2), callers=20)
    assert found.count("answered") == 2
    assert found.count("refused") == 18


def test_nobody_waits_where_none_may() -> None:
    assert statuses(ComputeQueue(1, 0, max_wait_seconds=60), callers=5).count("answered") == 1
