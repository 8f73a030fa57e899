"""Sends requests again where that is safe: busy servers, lost connections."""

import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from .errors import error_of

KEY_HEADER = "Idempotency-Key"
NOT_DONE = frozenset({429, 503})
"""Statuses of a request that was not carried out."""
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and after how long a request is sent again.

    Attributes
    ----------
    attempts
        Requests sent at most, the first included.
    first_wait, longest_wait
        Seconds. The wait doubles from attempt to attempt, and each is drawn between half of it and
        all of it. `Retry-After` of the server is waited for in full; where it is longer than
        `longest_wait` the request fails at once.
    """

    attempts: int = 4
    first_wait: float = 0.25
    longest_wait: float = 20.0

    def waits(self) -> Iterator[float]:
        """The wait before each further attempt."""
        for retry in range(self.attempts - 1):
            longest = min(self.first_wait * 2**retry, self.longest_wait)
            # Clients that were refused together must not come back together.
            yield random.uniform(longest / 2, longest)


class RetryingTransport(httpx.BaseTransport):
    """Sends a request until it is answered or refused; raises `ApiError` for a refusal.

    A POST has one Idempotency-Key for all its attempts, so that it is carried out once. Another
    write without a key is sent again only where the server says that nothing was done.
    """

    def __init__(self, inner: httpx.BaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer below 400.

        Raises
        ------
        ApiError
            Of the last attempt, or of the first that cannot be repeated.
        httpx.TransportError
            When the last attempt got no answer.
        """
        if request.method == "POST":
            request.headers.setdefault(KEY_HEADER, str(uuid.uuid4()))
        repeatable = request.method in READS or KEY_HEADER in request.headers
        for wait in self._retries.waits():
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError:
                if not repeatable:
                    raise
            else:
                asked = _retry_after(response)
                if response.status_code not in NOT_DONE or asked > self._retries.longest_wait:
                    return _accepted(response)
                response.close()
                wait = max(wait, asked)
            time.sleep(wait)
        return _accepted(self._inner.handle_request(request))

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.status_code < 400:
        return response
    body = response.read()
    response.close()
    raise error_of(response.status_code, body, _retry_after(response) or None)


def _retry_after(response: httpx.Response) -> float:
    """Seconds of Retry-After, a number or a date; 0 without it or where it cannot be read."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
