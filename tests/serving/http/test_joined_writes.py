"""The head of a response is sent with its body, and never waits for a body that is late."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from recommender.serving.http.joined_writes import JoinedWrites

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
Arrived = Callable[[], bytes]


def on_a_connection(check: Callable[[JoinedWrites, Arrived], Awaitable[None]]) -> None:
    """Gives a check a connection, and what has arrived at its other end since it last looked."""

    async def checked() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        far.setblocking(False)
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)

        def arrived() -> bytes:
            try:
                return far.recv(100)
            except BlockingIOError:
                return b""

        with far:
            await check(JoinedWrites(transport, loop), arrived)
            transport.close()
            await asyncio.sleep(0)

    asyncio.run(checked())


@pytest.mark.parametrize("body", [b"body", b"", b"HTTP/1.1 is the version"])
def test_a_head_is_sent_with_what_is_written_next(body: bytes) -> None:
    async def check(joined: JoinedWrites, arrived: Arrived) -> None:
        for _ in range(2):
            joined.write(HEAD)
            assert arrived() == b""
            joined.write(body)
            assert arrived() == HEAD + body
        joined.write(b"more")
        assert arrived() == b"more"
        await asyncio.sleep(0)
        assert arrived() == b""

    on_a_connection(check)


def test_a_head_without_a_body_is_sent_at_the_end_of_the_step() -> None:
    async def check(joined: JoinedWrites, arrived: Arrived) -> None:
        joined.write(HEAD)
        await asyncio.sleep(0)
        assert arrived() == HEAD
        joined.write(b"late")
        assert arrived() == b"late"

    on_a_connection(check)


def test_what_waits_is_sent_before_the_connection_closes() -> None:
    async def check(joined: JoinedWrites, arrived: Arrived) -> None:
        joined.write(HEAD)
        joined.close()
        assert joined.is_closing()
        assert arrived() == HEAD

    on_a_connection(check)
