"""Counts the calls of each caller and says when they are too many."""

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
    """Result of counting a call: whether it is allowed, and the RateLimit headers."""

    allowed: bool
    headers: Mapping[str, str]


class RateLimiter:
    """A moving-window limit per caller.

    Parameters
    ----------
    calls
        Allowed calls of one caller in any minute.
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
