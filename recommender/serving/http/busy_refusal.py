"""Refuses requests to an overloaded queue before they reach the layers of the application.

When more requests come than can be computed, most of what a server sends are refusals. Through all
layers each takes time of the same core that computes the other answers.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import Scope

from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.problems import BUSY, RETRY_SOON, ProblemError, problem_response
from recommender.serving.http.raw_headers import Header
from recommender.serving.http.request_context import (
    RequestInfo,
    common_headers,
    log_completed,
    read_trace_headers,
)
from recommender.serving.http.request_heads import is_answered

_ANSWERED_ALIKE = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"authorization",
        b"cache-control",
        b"connection",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"x-request-id",
    }
)
"""Headers that change nothing in a refusal; a request with any other goes through all layers."""
_STATUS_LINE = b"HTTP/1.1 503 Service Unavailable"


class BusyRefusal:
    """What the application would answer to requests while a queue is overloaded.

    Parameters
    ----------
    queues
        Queues by path, without the root path.
    allowed_hosts
        Names that Host may have; "*" for any.
    root_path
        The path at which callers see this server.
    response_headers
        Headers that layers of the application add to every response of these paths.
    completed
        Called with the scope, status and seconds of each refused request.
    """

    def __init__(
        self,
        queues: Mapping[str, ComputeQueue],
        *,
        allowed_hosts: Sequence[str],
        root_path: str,
        response_headers: Mapping[str, str],
        completed: Callable[[Scope, int, float], None],
    ) -> None:
        self._queues = {path.encode(): queue for path, queue in queues.items()}
        self._hosts = {host.lower().encode() for host in allowed_hosts}
        self._root_path = root_path
        self._response_headers = dict(response_headers)
        self._completed = completed
        self._arriving = Counter[bytes]()

    @property
    def is_active(self) -> bool:
        """Whether any queue is overloaded; while none is, the application answers everything."""
        return any(queue.is_overloaded for queue in self._queues.values())

    def response_to(self, data: bytes, default_headers: Iterable[Header]) -> Sequence[bytes]:
        """Head and body of the refusal of one whole request; empty where the application answers.

        Parameters
        ----------
        data
            What a connection received that waits for a request.
        default_headers
            Headers that the server adds to every response.
        """
        started = time.perf_counter()
        headers = self._headers_of_refused(data)
        if headers is None:
            return ()
        info = RequestInfo(problem=BUSY.slug, response_headers=self._response_headers)
        read_trace_headers(headers, info)
        refusal = ProblemError(BUSY, headers=RETRY_SOON)
        response = problem_response(refusal, info.request_id, root_path=self._root_path)
        own = common_headers(info, response.raw_headers)
        every = [*default_headers, *response.raw_headers, *own.items()]
        lines = [name + b": " + value for name, value in every]
        scope: Scope = {"type": "http", "method": "POST", "state": {"info": info}}
        seconds = time.perf_counter() - started
        self._completed(scope, BUSY.status, seconds)
        log_completed(scope, BUSY.status, seconds)
        return b"\r\n".join([_STATUS_LINE, *lines, b"", b""]), bytes(response.body)

    def _headers_of_refused(self, data: bytes) -> dict[bytes, bytes] | None:
        """Headers of a request that is refused; None where the application decides."""
        request = whole_request(data)
        if request is None or request.method != b"POST":
            return None
        path, headers = request.target.partition(b"?")[0], dict(request.headers)
        is_alike = headers.keys() <= _ANSWERED_ALIKE and (
            b"*" in self._hosts or _name_of(headers[b"host"]) in self._hosts
        )
        queue = self._queues.get(path)
        if queue is None or not is_alike or not queue.is_overloaded:
            return None
        if queue.is_full(self._arriving[path]):
            return headers
        # The application admits it in the next step of the event loop. Without a count until then,
        # all that are read in this step would pass.
        self._arriving[path] += 1
        asyncio.get_running_loop().call_soon(self._has_arrived, path)
        return None

    def _has_arrived(self, path: bytes) -> None:
        self._arriving[path] -= 1


class WholeRequest:
    """One request as the parser reports it."""

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.headers = list[Header]()
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        """Adds a piece of the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Adds a header without the spaces that follow it."""
        self.headers.append((name.lower(), value.rstrip(b" ")))

    def on_message_complete(self) -> None:
        """Ends it."""
        self.is_complete = True


def whole_request(data: bytes) -> WholeRequest | None:
    """The request that bytes consist of, no more and no less, on a connection that stays open.

    Of those with a body, only one whose length is declared.
    """
    request = WholeRequest()
    parser = HttpRequestParser(request)
    try:
        parser.feed_data(data)
    except (HttpParserError, HttpParserUpgrade):
        return None
    request.method, version = parser.get_method(), parser.get_http_version()
    head = data.partition(b"\r\n\r\n")[0]
    length = len(head) + 4 + int(dict(request.headers).get(b"content-length", 0))
    is_whole = (
        request.is_complete
        and length == len(data)
        and version == "1.1"
        and is_answered(version, request.method, request.target, request.headers)
        and not any(_closes(*header) for header in request.headers)
    )
    return request if is_whole else None


def _closes(name: bytes, value: bytes) -> bool:
    """Whether a header may say that the connection is closed after the response."""
    return name == b"connection" and b"close" in value.lower()


def _name_of(host: bytes) -> bytes:
    """A Host without its port, in small letters."""
    return host.partition(b":")[0].lower()
