"""Five times as many requests as a server can answer, and a thousand lines that say nothing.

Requests are sent when they are due, whatever became of those before (an open loop), and a time is
taken from when a request was due: waiting in the generator counts against the server.
"""

import asyncio
import gc
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.trust.line import Line
from experiments.trust.live import live_server
from experiments.trust.subject import Subject

CLOSED = 2
"""Callers who ask without a pause when capacity is measured."""
NORMAL, OVER = 0.5, 5.0
"""Shares of capacity that are asked for."""
SILENT, BYTE_SECONDS, AT_ONCE = 1000, 1.0, 20
"""Lines that send a byte in so many seconds, and how many of them at the same moment."""
REFUSED_MS, ACCEPTED_TIMES, OTHERS_TIMES = 50.0, 2.0, 1.1
GIVEN_UP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: what came back, 0 where nothing did, and the milliseconds since it was due."""

    status: int
    ms: float


class Caller:
    """Connections to one server, each for one request at a time, kept for the next."""

    def __init__(self, port: int, body: bytes) -> None:
        self._port = port
        head = (
            "POST /v1/recommendations HTTP/1.1\r\nhost: localhost\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._sent = head.encode() + body
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, due: float) -> Answered:
        """Sends a request and reads all of its response."""
        try:
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                status = await self._status()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            status = 0
        return Answered(status, 1000 * (time.perf_counter() - due))

    async def _status(self) -> int:
        line = await self._line()
        reader, writer = line
        try:
            writer.write(self._sent)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
        except BaseException:
            await _closed_line(writer)
            raise
        self._free.append(line)
        return int(head[9:12])

    async def close(self) -> None:
        """Closes what is kept."""
        for _, writer in self._free:
            await _closed_line(writer)

    async def _line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A kept connection that the server has not closed since, or a new one."""
        while self._free:
            line = self._free.pop()
            if not line[0].at_eof():
                return line
            await _closed_line(line[1])
        return await asyncio.open_connection("127.0.0.1", self._port)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """Each phase for so many seconds."""
    with live_server({"BUNDLE": subject.bundle, "ROSTER": subject.roster}) as server:
        # The generator has thousands of requests in hand: its own pauses are not the server's.
        gc.disable()
        try:
            return asyncio.run(_measured(count, server.port, subject.request))
        finally:
            gc.enable()


async def _measured(seconds: int, port: int, body: bytes) -> Sequence[Line]:
    caller = Caller(port, body)
    await _closed(caller, min(seconds, 3))
    capacity = sum(each.status == 200 for each in await _closed(caller, seconds)) / seconds
    normal = _p99(await _open(caller, NORMAL * capacity, seconds), 200)
    over = await _open(caller, OVER * capacity, seconds)
    silent = asyncio.create_task(_silent(port, seconds + 2))
    await asyncio.sleep(2)
    others = _p99(await _open(caller, NORMAL * capacity, seconds), 200)
    again = await silent
    calm = _p99(await _open(caller, NORMAL * capacity, seconds), 200)
    await caller.close()
    return _overloaded(capacity, normal, over), _others(max(normal, calm), others, again)


def _overloaded(capacity: float, normal: float, over: Sequence[Answered]) -> Line:
    refused, accepted = _p99(over, 503), _p99(over, 200)
    statuses = [each.status for each in over]
    lost = len(over) - statuses.count(200) - statuses.count(503)
    return Line(
        "overload 5x",
        f"open loop at {OVER:g} times {capacity:.0f} requests a second, beside "
        f"{NORMAL:g} times (p99 {normal:.0f} ms)",
        f"{statuses.count(200):,} answered, p99 {accepted:.0f} ms ({accepted / normal:.1f} times); "
        f"{statuses.count(503):,} refused, p99 {refused:.0f} ms; {lost} neither",
        f"refused within {REFUSED_MS:.0f} ms, answered within {ACCEPTED_TIMES:g} times, 0 neither",
        refused <= REFUSED_MS and accepted <= ACCEPTED_TIMES * normal and lost == 0,
    )


def _others(normal: float, others: float, opened: int) -> Line:
    return Line(
        "slow clients",
        f"{opened:,} lines send one byte of a head a second while others ask",
        f"others' p99 {others:.0f} ms beside {normal:.0f} ms ({others / normal:.2f} times)",
        f"at most {OTHERS_TIMES:g} times",
        opened > 0 and others <= OTHERS_TIMES * normal,
    )


async def _closed(caller: Caller, seconds: float) -> list[Answered]:
    """What a few callers get who each ask again as soon as they are answered."""
    until, answered = time.perf_counter() + seconds, list[Answered]()

    async def go_on() -> None:
        while time.perf_counter() < until:
            answered.append(await caller.ask(time.perf_counter()))

    await asyncio.gather(*(go_on() for _ in range(CLOSED)))
    return answered


async def _open(caller: Caller, rate: float, seconds: float) -> list[Answered]:
    """What callers get who come at a rate, whatever became of those before."""
    started, asked = time.perf_counter(), list[asyncio.Task[Answered]]()
    for number in range(int(rate * seconds)):
        due = started + number / rate
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        elif number % 16 == 0:
            await asyncio.sleep(0)
        asked.append(_begun(caller.ask(due)))
    return list(await asyncio.gather(*asked))


def _begun(work: Coroutine[Any, Any, Answered]) -> asyncio.Task[Answered]:
    return asyncio.create_task(work)


async def _silent(port: int, seconds: float) -> int:
    """Opens lines that send a byte now and then, and counts those that were opened."""
    head = b"POST /v1/recommendations HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 1000
    opened = []
    for _ in range(SILENT):
        with suppress(OSError):
            opened.append((await asyncio.open_connection("127.0.0.1", port))[1])
    # Callers who do not know of each other do not send at the same moment.
    groups = [opened[at : at + AT_ONCE] for at in range(0, len(opened), AT_ONCE)]
    until, place = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        for group in groups:
            for writer in group:
                if not writer.is_closing():
                    writer.write(head[place : place + 1])
            await asyncio.sleep(BYTE_SECONDS / len(groups))
        place += 1
    for writer in opened:
        await _closed_line(writer)
    return len(opened)


async def _closed_line(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _p99(answered: Sequence[Answered], status: int) -> float:
    """The 99th percentile in milliseconds of those with a status; not a number without any."""
    taken = [each.ms for each in answered if each.status == status]
    return float(np.quantile(taken, 0.99)) if taken else float("nan")
