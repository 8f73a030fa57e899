"""Counts the calls of each caller and says when they are too many."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SECONDS = 60


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """Result of counting a call: whether it is allowed, and the RateLimit headers."""

    allowed: bool
    headers: Mapping[str, str]


class RateLimiter:
    """A moving-window limit per caller; for one thread, the event loop's.

    Parameters
    ----------
    calls
        Allowed calls of one caller in any minute.
    elapsed
        Seconds that only increase.
    """

    def __init__(self, calls: int, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._elapsed = elapsed
        self._times: dict[str, deque[float]] = {}
        """When the allowed calls of each caller were, oldest first."""
        self._next_cleaning = elapsed() + SECONDS

    def spend(self, caller: str) -> RateLimitState:
        """Counts one call; the headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
        now = self._elapsed()
        if now >= self._next_cleaning:
            self._forget_absent(now)
        times = self._times.setdefault(caller, deque())
        while times and times[0] <= now - SECONDS:
            times.popleft()
        allowed = len(times) < self._calls
        if allowed:
            times.append(now)
        wait = max(1, math.ceil(times[0] + SECONDS - now))
        headers = {
            "RateLimit-Policy": f'"calls";q={self._calls};w={SECONDS}',
            "RateLimit": f'"calls";r={self._calls - len(times)};t={wait}',
        }
        return RateLimitState(allowed, headers if allowed else headers | {"Retry-After": str(wait)})

    def _forget_absent(self, now: float) -> None:
        """Once a minute: removes who has not called since, so that addresses do not add up."""
        self._next_cleaning = now + SECONDS
        present = {name: times for name, times in self._times.items() if times[-1] > now - SECONDS}
        self._times = present
