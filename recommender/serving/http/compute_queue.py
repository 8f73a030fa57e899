"""A queue for worker threads that is bounded by the expected wait as well as by its length.

A bound on the length alone can mean minutes when requests are slow. The expected wait follows from
the duration of recent requests; however slow they are, each worker may have one request waiting.
"""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from recommender.serving.http.problems import BUSY, RETRY_SOON, ProblemError

LATEST_WEIGHT = 0.1
"""Weight of the latest request in the moving average of durations."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ComputeQueue:
    """One queue for a few worker threads.

    Parameters
    ----------
    workers
        Requests computed concurrently.
    max_waiting
        Requests that may wait, however fast they are.
    max_wait_seconds
        Longest expected wait of the last one.
    """

    def __init__(self, workers: int, max_waiting: int, max_wait_seconds: float) -> None:
        self._limiter = CapacityLimiter(workers)
        self._workers = workers
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._mean_seconds = 0.0
        # Counted here: the limiter's own statistics lag behind requests that were just admitted.
        self._admitted = 0

    @property
    def full(self) -> bool:
        """Whether one more request would be refused; never while a worker is free."""
        waiting = self._admitted - self._workers
        if waiting < 0:
            return False
        expected = (waiting + 1) * self._mean_seconds / self._workers
        too_long = waiting >= self._workers and expected > self._max_wait_seconds
        return waiting >= self._max_waiting or too_long

    async def run(
        self,
        work: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """The result of `work`, computed in a worker thread.

        Raises
        ------
        ProblemError
            503 when the queue is full.
        """
        if self.full:
            raise ProblemError(BUSY, headers=RETRY_SOON)
        self._admitted += 1
        try:
            return await to_thread.run_sync(
                lambda: self._timed(work, *arguments, **named), limiter=self._limiter
            )
        finally:
            self._admitted -= 1

    def _timed(
        self,
        work: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        started = time.perf_counter()
        try:
            return work(*arguments, **named)
        finally:
            seconds = time.perf_counter() - started
            weight = LATEST_WEIGHT if self._mean_seconds else 1.0
            self._mean_seconds += weight * (seconds - self._mean_seconds)
