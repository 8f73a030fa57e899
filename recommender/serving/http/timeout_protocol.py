"""Connections that give nobody a reason to wait: who says nothing in time is let go.

uvicorn waits for ever for the head of a request, and for whoever does not read what was sent.
Imported by `serving.server`.
"""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class TimeoutConfig(uvicorn.Config):
    """uvicorn's settings, and two more.

    Attributes
    ----------
    head_seconds
        How long the head of a request may take.
    most_connections
        Open at a time in this process.
    """

    def __init__(self, app: Any, *, head_seconds: float, most_connections: int, **named: Any):
        super().__init__(app, **named, **_PROTOCOLS)
        self.head_seconds = head_seconds
        self.most_connections = most_connections


class TimeoutProtocol(H11Protocol):
    """One connection, closed when the head of a request does not arrive in time."""

    config: TimeoutConfig
    _timer: asyncio.TimerHandle | None = None
    waits_since: float | None = None
    """When it began to wait for a head; None while a request is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Makes room for a new one where too many are open."""
        super().connection_made(transport)
        if len(self.connections) > self.config.most_connections:
            _let_go(self)
        if not transport.is_closing():
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Waits on for as long as the head is not whole."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._rest()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._rest()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Cuts off whoever has not even read the last response; closes for others."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Does not wait at the end for a head that never came."""
        if self.waits_since is not None:
            self.transport.abort()
        else:
            super().shutdown()

    def _wait(self) -> None:
        self.waits_since = self.loop.time()
        self._timer = self.loop.call_later(self.config.head_seconds, self.transport.abort)

    def _rest(self) -> None:
        self.waits_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_PROTOCOLS: dict[str, Any] = {"http": TimeoutProtocol, "ws": "none"}


def _let_go(newest: TimeoutProtocol) -> None:
    """Closes the connection that has waited longest for a head, or the newest if none waits."""
    waiting = [
        each
        for each in newest.connections
        if isinstance(each, TimeoutProtocol) and each.waits_since is not None
    ]
    oldest = min(waiting, key=lambda each: each.waits_since or 0.0, default=newest)
    oldest.transport.abort()
