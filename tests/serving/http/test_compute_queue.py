import time
from collections.abc import Awaitable, Callable

import anyio

from recommender.serving.http.compute_queue import OVERLOAD_SECONDS, ComputeQueue
from recommender.serving.http.problems import ProblemError

WORK_SECONDS = 0.02


def work() -> None:
    time.sleep(WORK_SECONDS)


async def outcomes(run: Callable[..., Awaitable[None]], callers: int) -> list[str]:
    """What becomes of callers who all come at once."""
    found: list[str] = []

    async def call() -> None:
        try:
            await run(work)
            found.append("answered")
        except ProblemError:
            found.append("refused")

    async with anyio.create_task_group() as group:
        for _ in range(callers):
            group.start_soon(call)
    return found


def statuses(queue: ComputeQueue, callers: int) -> list[str]:
    """What becomes of callers who all come at once, after one who came alone."""

    async def all_at_once() -> list[str]:
        await queue.run(work)
        return await outcomes(queue.run, callers)

    return anyio.run(all_at_once)


def test_a_burst_waits_as_long_as_patience_allows() -> None:
    assert statuses(ComputeQueue(1, 100, max_wait_seconds=60), callers=20) == ["answered"] * 20


def test_those_who_would_wait_too_long_are_refused_at_once() -> None:
    found = statuses(ComputeQueue(1, 100, max_wait_seconds=WORK_SECONDS / 2), callers=20)
    assert found.count("answered") == 2
    assert found.count("refused") == 18


def test_a_few_wait_however_slow_they_are() -> None:
    queue = ComputeQueue(1, 100, max_wait_seconds=WORK_SECONDS / 2, burst=8)
    assert statuses(queue, callers=9) == ["answered"] * 9


def test_nobody_waits_where_none_may() -> None:
    assert statuses(ComputeQueue(1, 0, max_wait_seconds=60), callers=5).count("answered") == 1


def test_after_a_refusal_one_request_waits_until_the_overload_has_passed() -> None:
    queue = ComputeQueue(1, 4, max_wait_seconds=60)

    async def counted() -> list[int]:
        found = [await outcomes(queue.run, 6), await outcomes(queue.run, 5)]
        await anyio.sleep(OVERLOAD_SECONDS)
        found.append(await outcomes(queue.run, 5))
        return [each.count("answered") for each in found]

    assert anyio.run(counted) == [5, 2, 5]


def test_on_the_loop_as_many_wait_and_others_run_between_two_computations() -> None:
    queue = ComputeQueue(1, 4, max_wait_seconds=60)

    async def beside() -> tuple[list[str], int]:
        turns, found = 0, list[str]()

        async def other() -> None:
            nonlocal turns
            while len(found) < 6:
                turns += 1
                await anyio.sleep(0)

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            found.extend(await outcomes(queue.run_on_loop, 6))
        return found, turns

    found, turns = anyio.run(beside)
    assert found.count("answered") == 5
    assert turns > 5
