"""How often one caller may call in a minute, and what it is told of it.

Counted in this process: several servers allow several times as much. Imported by `serving.door`.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

SECONDS = 60


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """One call counted: whether it was allowed, and the headers that say what is left."""

    allowed: bool
    headers: Mapping[str, str]


class RateLimiter:
    """One limit, for any number of callers.

    Parameters
    ----------
    calls
        How many a caller may make in any minute.
    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._limit = RateLimitItemPerMinute(calls)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, caller: str) -> RateLimitState:
        """Counts one call; the headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
        allowed = self._window.hit(self._limit, caller)
        left = self._window.get_window_stats(self._limit, caller)
        wait = max(1, math.ceil(left.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"calls";q={self._calls};w={SECONDS}',
            "RateLimit": f'"calls";r={left.remaining};t={wait}',
        }
        return RateLimitState(allowed, headers if allowed else headers | {"Retry-After": str(wait)})
