"""Keeps requests below a number a minute, as Cliniko's documentation recommends."""

from collections import deque
from collections.abc import Callable

MINUTE = 60.0
DEFAULT_PER_MINUTE = 180
"""Below the documented 200, for whatever else uses the same user's keys."""
LONG_WAIT = 5.0
"""Seconds from which a wait is named; between two requests it is shorter as a rule."""


class RequestPace:
    """Waits before a request where the last minute already has as many as allowed.

    Before a long wait it calls `notify` with a line that gives the seconds.

    Examples
    --------
    >>> now = [0.0]
    >>> def sleep(seconds):
    ...     now[0] += seconds
    >>> pace = RequestPace(2, lambda: now[0], sleep)
    >>> for _ in range(3):
    ...     pace.wait()
    >>> now
    [60.0]
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        notify: Callable[[str], object] = str,
    ) -> None:
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._clock = clock
        self._sleep = sleep
        self._notify = notify

    def wait(self) -> None:
        """Returns when a request may be sent, and counts it."""
        if len(self._sent) == self._sent.maxlen:
            left = self._sent[0] + MINUTE - self._clock()
            if left >= LONG_WAIT:
                sent = f"{self._sent.maxlen} requests were sent within a minute"
                self._notify(f"{sent}: waiting {left:.0f} s")
            if left > 0:
                self._sleep(left)
        self._sent.append(self._clock())
