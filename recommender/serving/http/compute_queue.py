"""Requests that wait to be computed: few enough that whoever is let in is answered soon.

A queue bounded by number alone is minutes long on a slow day. This one is bounded by how long the
last in line would wait, by what requests took lately; however slow they are, each worker has one
more request waiting for it. Imported by `serving.app` and the routes.
"""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from recommender.serving.http.problems import BUSY, RETRY_SOON, ProblemError

WEIGHT = 0.1
"""Of the latest request in what requests take."""

Asked = ParamSpec("Asked")
Found = TypeVar("Found")


class ComputeQueue:
    """One line before a few workers.

    Parameters
    ----------
    workers
        Requests computed at the same time.
    most
        Requests that may wait, however fast they are.
    patience_seconds
        How long the last of them may have to wait.
    """

    def __init__(self, workers: int, most: int, patience_seconds: float) -> None:
        self._limiter = CapacityLimiter(workers)
        self._workers = workers
        self._most = most
        self._patience = patience_seconds
        self._seconds = 0.0
        # The limiter learns of a request a moment after it was let in: others would slip past.
        self._let_in = 0

    @property
    def full(self) -> bool:
        """Whether one more would wait too long; never while a worker is free."""
        waiting = self._let_in - self._workers
        if waiting < 0:
            return False
        expected = (waiting + 1) * self._seconds / self._workers
        too_long = waiting >= self._workers and expected > self._patience
        return waiting >= self._most or too_long

    async def run(
        self, work: Callable[Asked, Found], *asked: Asked.args, **named: Asked.kwargs
    ) -> Found:
        """What the work gives, computed in a thread.

        Raises
        ------
        ProblemError
            When too many wait: a quick refusal serves callers better.
        """
        if self.full:
            raise ProblemError(BUSY, headers=RETRY_SOON)
        self._let_in += 1
        try:
            return await to_thread.run_sync(
                lambda: self._timed(work, *asked, **named), limiter=self._limiter
            )
        finally:
            self._let_in -= 1

    def _timed(
        self, work: Callable[Asked, Found], *asked: Asked.args, **named: Asked.kwargs
    ) -> Found:
        started = time.perf_counter()
        try:
            return work(*asked, **named)
        finally:
            taken = time.perf_counter() - started
            weight = WEIGHT if self._seconds else 1.0
            self._seconds += weight * (taken - self._seconds)
