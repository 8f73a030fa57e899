"""Runs independent tasks in further processes of this machine, one core each."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import Any

from recommender.compute.runner import PARTS_PER_THREAD, Part, Result, Shared, TaskRunner
from recommender.errors import RecommenderError

_task: Callable[[Any], Any] | None = None
"""In a process that was started: the task with its shared argument, which is sent once."""


def runner_in(processes: int) -> TaskRunner:
    """A task runner in so many processes, each with the shared argument.

    The runner raises a RecommenderError when a process ends by itself.
    """

    def run(
        work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
    ) -> Iterator[tuple[str, Result]]:
        waiting = iter(parts)
        # A copy of this process (fork) would have its locks, but not the threads that hold them.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, _prepare, (work, shared)) as pool:

            def submitted(count: int) -> dict[Future[Any], str]:
                return {pool.submit(_run_task, part): name for name, part in islice(waiting, count)}

            running = submitted(PARTS_PER_THREAD * processes)
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        raise _ended() from None
                    running |= submitted(1)
                    yield name, result

    return run


def _prepare(work: Callable[[Shared, Any], Any], shared: Shared) -> None:
    global _task  # Each process has one task, for as long as it runs.
    _task = partial(work, shared)


def _run_task(part: Any) -> Any:
    assert _task is not None
    return _task(part)


def _ended() -> RecommenderError:
    problem = "lost a process before it had finished, perhaps for want of memory"
    remedy = "run the same command with fewer; parts that exist are not computed again"
    return RecommenderError("processes", problem, remedy)
