"""A uvicorn protocol that closes connections whose request head exceeds a timeout.

Under overload it also sends refusals without the application, see `BusyRefusal`.

`H11Protocol` is internal to uvicorn: this module is written for the range `uvicorn>=0.40,<1` that
pyproject.toml pins, and is the only one to change when the range does.
"""

import asyncio
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from recommender.serving.http.busy_refusal import BusyRefusal
from recommender.serving.http.joined_writes import JoinedWrites


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


class TimeoutProtocol(H11Protocol):
    """One connection; aborted when a request head does not arrive in time."""

    config: TimeoutConfig
    busy_refusal: BusyRefusal
    _timer: asyncio.TimerHandle | None = None
    waiting_since: float | None = None
    """Loop time since which it waits for a head; None while a request is processed."""

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
        """Stops the timeout once the head is complete."""
        if self._refuse_busy(data):
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def _refuse_busy(self, data: bytes) -> bool:
        """Whether a refusal was sent to a whole request that came while a queue is overloaded."""
        if not self.busy_refusal.is_active:
            return False
        is_new = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        if not is_new:
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
