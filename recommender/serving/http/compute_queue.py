"""A queue for computations that is bounded by the expected wait as well as by its length.

A bound on the length alone can mean minutes when requests are slow. The expected wait follows from
the duration of recent requests; however slow they are, each worker may have a few requests waiting,
and one while more come than can be computed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from recommender.serving.http.problems import BUSY, RETRY_SOON, ProblemError

LATEST_WEIGHT = 0.1
"""Weight of the latest request in the moving average of durations."""
ON_LOOP_SECONDS = 0.005
"""Longest mean duration of work on the event loop. Handing it to a thread takes 0.4 to 0.8 ms; but
while several requests wait, whatever else is on the loop waits for up to three of them."""
OVERLOAD_SECONDS = 1.0
"""For so long after a refusal only one request for each worker may wait. A few callers at once wait
for each other; under more requests than can be computed, a longer queue only delays every answer.
It is the time after which refused callers are asked to come again."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _MeanDuration:
    """Moving average of how long work takes; 0 before the first."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, whose duration enters the average."""
        started = time.perf_counter()
        try:
            return work()
        finally:
            latest = time.perf_counter() - started
            weight = LATEST_WEIGHT if self.seconds else 1.0
            self.seconds += weight * (latest - self.seconds)


class ComputeQueue:
    """One queue for a few workers: threads, or turns on the event loop.

    Parameters
    ----------
    workers
        Requests computed concurrently.
    max_waiting
        Requests that may wait, however fast they are.
    max_wait_seconds
        Longest expected wait of the last one.
    burst
        Requests that may wait for each worker however slow they are, except after a refusal.
    """

    def __init__(
        self, workers: int, max_waiting: int, max_wait_seconds: float, burst: int = 1
    ) -> None:
        self._limiter = CapacityLimiter(workers)
        self._workers = workers
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._burst = burst
        self._mean = _MeanDuration()
        self._mean_short = _MeanDuration()
        self._overloaded_until = 0.0
        # Counted here: the limiter's own statistics lag behind requests that were just admitted.
        self._admitted = 0

    def refuse_if_full(self) -> None:
        """Refuses one more request when it would wait too long; never while a worker is free.

        Raises
        ------
        ProblemError
            503 with `Retry-After`.
        """
        waiting = self._admitted - self._workers
        if waiting < 0:
            return
        now = time.monotonic()
        expected = (waiting + 1) * self._mean.seconds / self._workers
        overloaded = now < self._overloaded_until
        always = self._workers * (1 if overloaded else self._burst)
        too_long = overloaded or expected > self._max_wait_seconds
        if waiting >= self._max_waiting or (waiting >= always and too_long):
            self._overloaded_until = now + OVERLOAD_SECONDS
            raise ProblemError(BUSY, headers=RETRY_SOON)

    async def run(
        self,
        work: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """The result of `work`, computed in a worker thread; raises as `refuse_if_full`."""
        with self._admission():
            return await self._in_thread(partial(work, *arguments, **named))

    async def run_short(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, computed on the event loop as long as such work takes little time.

        Between two computations the loop handles what has arrived meanwhile. Raises as
        `refuse_if_full`.
        """
        timed = partial(self._mean_short.timed, work)
        with self._admission():
            if not 0.0 < self._mean_short.seconds <= ON_LOOP_SECONDS:
                return await self._in_thread(timed)
            async with self._limiter:
                return self._mean.timed(timed)

    @contextmanager
    def _admission(self) -> Iterator[None]:
        """Counts a request while it waits and is computed."""
        self.refuse_if_full()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        timed = partial(self._mean.timed, work)
        return await to_thread.run_sync(timed, limiter=self._limiter)
