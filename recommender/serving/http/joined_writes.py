"""A transport that sends the head of a response together with the beginning of its body.

uvicorn writes one after the other: two packets, and two times that the caller wakes.
"""

import asyncio
from typing import Any

_HEAD = b"HTTP/1.1 "


class JoinedWrites:
    """Another transport, in which a head waits for the next write, or for the end of the step.

    Whatever else is asked of it is asked of the other transport.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sends data after the head that waits, or lets a head wait."""
        if not self._head and data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._send_head)
            return
        head, self._head = self._head, b""
        self._transport.write(head + data)

    def close(self) -> None:
        """Sends what waits and closes the connection."""
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if self._head:
            self.write(b"")
