"""A queue for computations that is bounded by the expected wait as well as by its length.

A bound on the length alone can mean minutes when requests are slow. The expected wait follows from
the duration of recent requests; however slow they are, each worker may have a few requests waiting,
and at most one while more come than can be computed.
"""

import asyncio
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
OVERLOADED_ON_LOOP_SECONDS = 3 * ON_LOOP_SECONDS
"""The same under overload, when none waits: whatever else is on the loop waits for one at most. A
thread and the loop, which sends refusals, would wait for each other all the time."""
OVERLOAD_SECONDS = 1.0
"""For so long after a refusal at most one request for each worker may wait. A few callers at once
wait for each other; under more requests than can be computed, a longer queue only delays every
answer. It is the time after which refused callers are asked to come again."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _MeanDuration:
    """Moving average of how long work takes by a clock; 0 before the first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._clock = clock

    def timed(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, whose duration enters the average."""
        started = self._clock()
        try:
            return work()
        finally:
            latest = self._clock() - started
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
        self._mean = _MeanDuration(time.perf_counter)
        # Beside the loop, work takes longer by the clock of the wall: it would not return to it.
        self._mean_short = _MeanDuration(time.thread_time)
        self._overloaded_until = 0.0
        # Counted here: the limiter's own statistics lag behind requests that were just admitted.
        self._admitted = 0
        # Whether something was computed in this step of the loop: whatever else is ready in it is
        # not computed in the same step, and waits as if the first were still there.
        self._has_computed = False

    @property
    def is_overloaded(self) -> bool:
        """Whether a request was refused within `OVERLOAD_SECONDS`."""
        return time.monotonic() < self._overloaded_until

    def refuse_if_full(self) -> None:
        """Refuses one more request when it would wait too long; never while a worker is free.

        Raises
        ------
        ProblemError
            503 with `Retry-After`.
        """
        if self.is_full():
            raise ProblemError(BUSY, headers=RETRY_SOON)

    def is_full(self, arriving: int = 0) -> bool:
        """Whether one more request would wait too long; if so, an overload begins or goes on.

        `arriving` is how many come before it that are not admitted yet.
        """
        waiting = self._admitted + self._has_computed + arriving - self._workers
        if waiting < 0:
            return False
        if self.is_overloaded:
            may_wait, too_long = 0 if self._is_on_loop else 1, True
        else:
            expected = (waiting + 1) * self._mean.seconds / self._workers
            may_wait, too_long = self._burst, expected > self._max_wait_seconds
        always = self._workers * may_wait
        full = waiting >= self._max_waiting or (waiting >= always and too_long)
        if full:
            self._overloaded_until = time.monotonic() + OVERLOAD_SECONDS
        return full

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

        Between two computations the loop handles what has arrived meanwhile. The work must not wait
        for anything: only its processor time is measured. Raises as `refuse_if_full`.
        """
        timed = partial(self._mean_short.timed, work)
        with self._admission():
            if not self._is_on_loop:
                return await self._in_thread(timed)
            if self._admitted == 1 and not self._has_computed:
                # Nobody to take turns with: waiting for the limiter takes a step of the loop.
                self._has_computed = True
                asyncio.get_running_loop().call_soon(self._next_step)
                return self._mean.timed(timed)
            async with self._limiter:
                return self._mean.timed(timed)

    @property
    def _is_on_loop(self) -> bool:
        limit = OVERLOADED_ON_LOOP_SECONDS if self.is_overloaded else ON_LOOP_SECONDS
        return 0.0 < self._mean_short.seconds <= limit

    @contextmanager
    def _admission(self) -> Iterator[None]:
        """Counts a request while it waits and is computed."""
        self.refuse_if_full()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    def _next_step(self) -> None:
        self._has_computed = False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        timed = partial(self._mean.timed, work)
        return await to_thread.run_sync(timed, limiter=self._limiter)
