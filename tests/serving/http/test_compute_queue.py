import itertools
import threading
import time
from collections.abc import Awaitable, Callable

import anyio

from recommender.serving.http.compute_queue import ON_LOOP_SECONDS, OVERLOAD_SECONDS, ComputeQueue
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


def threads_of(queue: ComputeQueue, seconds: float, callers: int) -> tuple[list[str], set[int]]:
    """What becomes of callers with short work after one who came alone; where it is computed."""
    threads = set[int]()

    def short() -> None:
        threads.add(threading.get_ident())
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    async def all_at_once() -> list[str]:
        await queue.run_short(short)
        threads.clear()
        return await outcomes(lambda _: queue.run_short(short), callers)

    return anyio.run(all_at_once), threads


def test_work_is_computed_on_the_event_loop_only_while_it_is_short() -> None:
    loop = threading.get_ident()
    assert threads_of(ComputeQueue(1, 8, max_wait_seconds=60), 0.0, callers=2)[1] == {loop}
    slow = threads_of(ComputeQueue(1, 8, max_wait_seconds=60), 2 * ON_LOOP_SECONDS, callers=2)
    assert loop not in slow[1]


def test_under_overload_longer_work_is_computed_on_the_event_loop_and_none_waits() -> None:
    queue, loop = ComputeQueue(1, 4, max_wait_seconds=60), threading.get_ident()
    work_seconds = 2 * ON_LOOP_SECONDS
    found, threads = threads_of(queue, work_seconds, callers=8)
    assert (found.count("answered"), loop in threads) == (5, False)
    found, threads = threads_of(queue, work_seconds, callers=3)
    assert (found.count("answered"), threads) == (1, {loop})


def test_callers_with_short_work_are_refused_as_others_are() -> None:
    found, _ = threads_of(ComputeQueue(1, 4, max_wait_seconds=60), 0.0, callers=6)
    assert found.count("answered") == 5


def test_the_event_loop_does_other_work_between_two_short_computations() -> None:
    queue, order = ComputeQueue(1, 8, max_wait_seconds=60), list[str]()

    async def other() -> None:
        for _ in range(20):
            order.append("other")
            await anyio.sleep(0)

    async def beside() -> None:
        await queue.run_short(int)
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(queue.run_short, lambda: order.append("computed"))
            group.start_soon(other)

    anyio.run(beside)
    assert order.count("computed") == 4
    assert ("computed", "computed") not in itertools.pairwise(order)
