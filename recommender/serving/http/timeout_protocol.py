"""A uvicorn protocol that closes connections whose request head exceeds a timeout.

Under overload it also sends refusals without the application, see `BusyRefusal`.

`HttpToolsProtocol` is internal to uvicorn: this module is written for the range `uvicorn>=0.40,<1`
that pyproject.toml pins, and is the only one to change when the range does.
"""

import asyncio
from typing import Any

import uvicorn
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recommender.serving.http.busy_refusal import BusyRefusal
from recommender.serving.http.joined_writes import JoinedWrites
from recommender.serving.http.request_heads import is_answered

MAX_INCOMPLETE_BYTES = 64 * 1024
"""Most bytes of a head, of the line before a chunk, or of trailers, that are not complete."""
_MALFORMED = "Invalid HTTP request received."


class TimeoutConfig(uvicorn.Config):
    """uvicorn's configuration with the limits of `TimeoutProtocol`.

    Attributes
    ----------
    head_seconds
        Longest time to receive the head of a request.
    max_connections
        Open connections of this process.
    """

    def __init__(self, app: Any, *, head_seconds: float, max_connections: int, **options: Any):
        super().__init__(app, **options, **_PROTOCOLS)
        self.head_seconds = head_seconds
        self.max_connections = max_connections


class TimeoutProtocol(HttpToolsProtocol):
    """One connection; aborted when a request head does not arrive in time.

    Requests are answered one at a time: after one that is sent before the response to another is
    complete, that response is the last.
    """

    config: TimeoutConfig
    busy_refusal: BusyRefusal
    _timer: asyncio.TimerHandle | None = None
    waiting_since: float | None = None
    """Loop time since which it waits for a head; None while a request is processed."""
    _incomplete_bytes = 0
    """Bytes received since a head, a piece of a body, or a request was complete."""
    _is_in_request = False
    """Whether a request has begun and is not complete."""
    _is_in_head = False
    _is_last = False
    """Whether nothing more is read after the request in progress."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timeout; above the limit, closes the connection idle for longest."""
        self.busy_refusal = self.config.loaded_app.state.busy_refusal
        joined: Any = JoinedWrites(transport, self.loop)
        super().connection_made(joined)
        if len(self.connections) > self.config.max_connections:
            _close_longest_waiting(self)
        if not transport.is_closing():
            self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Stops the timeout once the head is complete; refuses what is malformed or too long."""
        if self._is_last or self._refuse_busy(data):
            return
        self._unset_keepalive_if_required()
        self._incomplete_bytes += len(data)
        try:
            self._parse(data)
        except HttpParserError:
            if not self._is_last:
                self._refuse_malformed()
                return
        if self._incomplete_bytes > MAX_INCOMPLETE_BYTES:
            self._refuse_malformed()
        elif self._is_in_progress:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    @property
    def _is_in_progress(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_sent(self) -> bool:
        """Whether a response of declared length is sent, but for the message that ends it.

        A caller who has all of it may send the next request.
        """
        cycle = self.cycle
        is_declared = cycle.response_started and cycle.chunked_encoding is False
        return is_declared and cycle.expected_content_length == 0

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            # The parser stops after the head, as if another protocol followed it. None is offered
            # here: the request is read again without the header that asks for one.
            (end,) = upgrade.args
            head = self._head_without_upgrade()
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._parse(head + data[end:])

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        first = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([first, *lines, b"", b""])

    def _refuse_malformed(self) -> None:
        """Answers 400 and closes; aborts if the response to this request has begun."""
        self.logger.warning(_MALFORMED)
        if self._is_in_progress:
            # The application reads that the caller is gone, and what it answers is not sent.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        self.send_400_response(_MALFORMED)

    def on_message_begin(self) -> None:
        """Stops reading at a request that is sent before the response to another is complete."""
        if self._is_in_progress and not self._is_sent:
            self._is_last = True
            self.cycle.keep_alive = False
            raise HttpParserError("another request is in progress")
        self._is_in_request = self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Adds a header without the spaces that follow it, but none that follows a chunked body."""
        if self._is_in_head:
            super().on_header(name, value.rstrip(b" "))

    def on_headers_complete(self) -> None:
        """Begins to answer a request, unless its head is refused or has to be parsed again."""
        self._is_in_head, self._incomplete_bytes = False, 0
        version = self.parser.get_http_version()
        if not is_answered(version, self.parser.get_method(), self.url, self.headers):
            raise HttpParserError("the head of the request is not answered")
        if self.parser.should_upgrade():
            return
        # A caller with HTTP/1.0 does not know interim responses.
        self.expect_100_continue = self.expect_100_continue and version != "1.0"
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Adds a piece of the body."""
        self._incomplete_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the body."""
        if not self.parser.should_upgrade():
            self._is_in_request, self._incomplete_bytes = False, 0
            super().on_message_complete()

    def _refuse_busy(self, data: bytes) -> bool:
        """Whether a refusal was sent to a whole request that came while a queue is overloaded."""
        if not self.busy_refusal.is_active or self._is_in_request or self._is_in_progress:
            return False
        response = self.busy_refusal.response_to(data, self.server_state.default_headers)
        for part in response:
            self.transport.write(part)
        if response:
            self.on_response_complete()
            self._stop_timer()
            self._start_timer()
        return bool(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeout."""
        self._stop_timer()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Aborts a connection that has not read its last response; closes others normally."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Aborts at once if no head has arrived."""
        if self.waiting_since is not None:
            self.transport.abort()
        else:
            super().shutdown()

    def _start_timer(self) -> None:
        self.waiting_since = self.loop.time()
        self._timer = self.loop.call_later(self.config.head_seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        self.waiting_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_PROTOCOLS: dict[str, Any] = {"http": TimeoutProtocol, "ws": "none"}


def _close_longest_waiting(newest: TimeoutProtocol) -> None:
    """Closes the connection that has waited longest for a head; the newest if none waits."""
    waiting = [
        each
        for each in newest.connections
        if isinstance(each, TimeoutProtocol) and each.waiting_since is not None
    ]
    oldest = min(waiting, key=lambda each: each.waiting_since or 0.0, default=newest)
    oldest.transport.abort()
