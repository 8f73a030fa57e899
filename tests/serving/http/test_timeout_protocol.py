"""Bytes on a connection: which are a request, which are refused, and which are never read."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from recommender.serving.http.busy_refusal import BusyRefusal, whole_request
from recommender.serving.http.head_requests import HeadMiddleware
from recommender.serving.http.timeout_protocol import (
    MAX_INCOMPLETE_BYTES,
    TimeoutConfig,
    TimeoutProtocol,
)

HOST = b"host: localhost\r\n"
GET = b"GET /path HTTP/1.1\r\n" + HOST
POST = b"POST /path HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
SECONDS = 10.0


class Application:
    """Answers each request when its body has arrived, and remembers what it was sent."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(
            busy_refusal=BusyRefusal(
                {},
                allowed_hosts=["*"],
                root_path="",
                response_headers={},
                completed=lambda *_: None,
            )
        )
        self.scopes = list[Scope]()
        self.bodies = list[bytes]()
        self.disconnected = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 200; at /early before the body has arrived, at /begun it begins before."""
        self.scopes.append(scope)
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"4")],
        }
        if scope["path"] == "/begun":
            await send(start)
        if scope["path"] != "/early" and not await self._read(receive):
            self.disconnected += 1
            return
        await self.may_answer.wait()
        if scope["path"] != "/begun":
            await send(start)
        await send({"type": "http.response.body", "body": b"done"})

    async def _read(self, receive: Receive) -> bool:
        """Whether all of the body came."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        return True

    @property
    def paths(self) -> list[str]:
        """Paths of the requests that reached it."""
        return [scope["path"] for scope in self.scopes]


class Line:
    """The other end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Sends pieces that the server reads one by one."""
        for piece in pieces:
            self._writer.write(piece)
            for _ in range(4):
                await asyncio.sleep(0)

    async def read(self) -> bytes:
        """What has arrived; empty when the connection is closed."""
        try:
            return await asyncio.wait_for(self._reader.read(2**20), SECONDS)
        except ConnectionError:
            return b""

    async def rest(self) -> bytes:
        """All that arrives until the connection is closed."""
        received = b""
        while part := await self.read():
            received += part
        return received


@asynccontextmanager
async def connected(
    application: Any, head_seconds: float = SECONDS, state: ServerState | None = None
) -> AsyncIterator[Line]:
    config = TimeoutConfig(
        application,
        head_seconds=head_seconds,
        max_connections=2,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = state or ServerState()
    near, far = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_accepted_socket(
        lambda: TimeoutProtocol(config, server, {}), near
    )
    reader, writer = await asyncio.open_connection(sock=far)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        transport.abort()
        await asyncio.gather(*server.tasks)


def responses(sent: bytes) -> list[tuple[int, dict[bytes, bytes], bytes]]:
    """Status, headers and body of the responses that bytes consist of."""
    found = []
    while sent:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("host", "localhost")]))
        client.send(h11.EndOfMessage())
        client.receive_data(sent)
        client.receive_data(b"")
        response, body = client.next_event(), b""
        if isinstance(response, h11.InformationalResponse):
            found.append((response.status_code, dict(response.headers), b""))
            sent = sent.partition(b"\r\n\r\n")[2]
            continue
        assert isinstance(response, h11.Response)
        while isinstance(event := client.next_event(), h11.Data):
            body += event.data
        assert isinstance(event, h11.EndOfMessage)
        found.append((response.status_code, dict(response.headers), body))
        sent = client.trailing_data[0]
    return found


def answered(application: Application, *pieces: bytes) -> list[int]:
    """Statuses of what is answered to pieces, and then to `LAST` if the connection is open."""

    async def asked() -> bytes:
        async with connected(application) as line:
            await line.send(*pieces)
            received = await line.read()
            await line.send(LAST)
            return received + await line.rest()

    received = asyncio.run(asked())
    return [status for status, _, _ in responses(received)]


def in_a_loop(check: Callable[[Application], Awaitable[None]]) -> None:
    """Runs a check with an application."""

    async def checked() -> None:
        await check(Application())

    asyncio.run(checked())


REFUSED_HEADS = {
    "two lengths that differ": POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "two lengths": POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"content-length: 2, 2\r\n\r\n{}",
    "a length with a sign": POST + b"content-length: +2\r\n\r\n{}",
    "a negative length": POST + b"content-length: -2\r\n\r\n{}",
    "a hexadecimal length": POST + b"content-length: 0x2\r\n\r\n{}",
    "an empty length": POST + b"content-length:\r\n\r\n{}",
    "a length with a space": POST + b"content-length: 2 2\r\n\r\n{}",
    "a length of 70 bits": POST + b"content-length: 1180591620717411303424\r\n\r\n{}",
    "length, then chunks": POST
    + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then length": POST
    + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
    "another encoding": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two encodings": CHUNKED[:-2] + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and more": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": POST + b"transfer-encoding: identity\r\ncontent-length: 2\r\n\r\n{}",
    "like chunked": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a control character before chunked": POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a tabulator after chunked": POST + b"transfer-encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "no encoding": POST + b"transfer-encoding:\r\ncontent-length: 2\r\n\r\n{}",
    "a folded value": GET + b"x: a\r\n b\r\n\r\n",
    "a folded length": POST + b"content-length:\r\n 2\r\n\r\n{}",
    "a folded encoding": POST + b"transfer-encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n",
    "a fold before all headers": b"GET /path HTTP/1.1\r\n " + HOST + b"\r\n",
    "a space before the colon": GET + b"x : a\r\n\r\n",
    "a tabulator before the colon": GET + b"x\t: a\r\n\r\n",
    "a space in a name": GET + b"x y: a\r\n\r\n",
    "a bracket in a name": GET + b"x(: a\r\n\r\n",
    "an empty name": GET + b": a\r\n\r\n",
    "a name that is not ASCII": GET + b"x\xe9: a\r\n\r\n",
    "a header without a colon": GET + b"x\r\n\r\n",
    "NUL in a value": GET + b"x: a\x00b\r\n\r\n",
    "CR in a value": GET + b"x: a\rb\r\n\r\n",
    "a control character in a value": GET + b"x: a\x01b\r\n\r\n",
    "DEL in a value": GET + b"x: a\x7fb\r\n\r\n",
    "LF after every line": (GET + b"\r\n").replace(b"\r\n", b"\n"),
    "LF after the first line": (GET + b"\r\n").replace(b"\r\n", b"\n", 1),
    "LF after a header": GET + b"x: a\ny: b\r\n\r\n",
    "LF after the head": GET + b"\n",
    "CR twice": GET + b"x: a\r\r\n\r\n",
    "CR alone": GET.replace(b"1.1\r\n", b"1.1\r") + b"\r\n",
    "no host": b"GET /path HTTP/1.1\r\n\r\n",
    "two hosts": GET + HOST + b"\r\n",
    "two hosts in HTTP/1.0": (GET + HOST + b"\r\n").replace(b"1.1", b"1.0"),
    "HTTP/0.9": (GET + b"\r\n").replace(b"1.1", b"0.9"),
    "HTTP/1.2": (GET + b"\r\n").replace(b"1.1", b"1.2"),
    "HTTP/2.0": (GET + b"\r\n").replace(b"1.1", b"2.0"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /path\r\n\r\n",
    "http in small letters": (GET + b"\r\n").replace(b"HTTP", b"http"),
    "an absolute address": (GET + b"\r\n").replace(b"/path", b"http://localhost/path"),
    "an address without a path": (GET + b"\r\n").replace(b"/path", b"http://localhost"),
    "no slash": (GET + b"\r\n").replace(b"/path", b"path"),
    "a star and more": (GET + b"\r\n").replace(b"/path", b"*path"),
    "a fragment": (GET + b"\r\n").replace(b"/path", b"/path#part"),
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target that is not ASCII": (GET + b"\r\n").replace(b"/path", "/é".encode()),
    "a query that is not ASCII": (GET + b"\r\n").replace(b"/path", "/?é".encode()),
    "a control character in a target": (GET + b"\r\n").replace(b"/path", b"/\x01"),
    "a space in a target": (GET + b"\r\n").replace(b"/path", b"/pa th"),
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT to a path": b"CONNECT /path HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": (GET + b"\r\n").replace(b"GET", b"FETCH"),
    "a method in small letters": (GET + b"\r\n").replace(b"GET", b"get"),
    "TLS": b"\x16\x03\x01\x02\x00\x01",
    "no HTTP at all": b"hello\r\n\r\n",
}
UNREADABLE_CHUNKS = {
    "no hexadecimal size": b"zz\r\n",
    "a size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a size with a sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "an empty size": b"\r\n{}\r\n0\r\n\r\n",
    "a space before a size": b" 2\r\n{}\r\n0\r\n\r\n",
    "a space after a size": b"2 \r\n{}\r\n0\r\n\r\n",
    "a size of 68 bits": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "LF after a size": b"2\n{}\r\n0\r\n\r\n",
    "CR after a size": b"2\r{}\r\n0\r\n\r\n",
    "LF after an extension": b"2;a\n{}\r\n0\r\n\r\n",
    "NUL in an extension": b"2;a\x00\r\n{}\r\n0\r\n\r\n",
    "LF after a chunk": b"2\r\n{}\n0\r\n\r\n",
    "nothing after a chunk": b"2\r\n{}0\r\n\r\n",
    "a chunk that is longer than its size": b"2\r\n{}}\r\n0\r\n\r\n",
    "LF after the last chunk": b"2\r\n{}\r\n0\r\n\n",
    "a trailer without a colon": b"2\r\n{}\r\n0\r\ntrailer\r\n\r\n",
    "a length as a trailer": b"2\r\n{}\r\n0\r\ncontent-length: 2\r\n\r\n",
    "an encoding as a trailer": b"2\r\n{}\r\n0\r\ntransfer-encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("sent", REFUSED_HEADS.values(), ids=REFUSED_HEADS)
def test_a_head_that_others_may_read_differently_is_refused_and_closes(sent: bytes) -> None:
    application = Application()

    async def asked() -> bytes:
        async with connected(application) as line:
            await line.send(sent)
            return await line.rest()

    ((status, headers, body),) = responses(asyncio.run(asked()))
    assert (status, headers[b"connection"]) == (400, b"close")
    assert body == b"Invalid HTTP request received."
    assert application.paths == []
    assert whole_request(sent) is None


@pytest.mark.parametrize("chunks", UNREADABLE_CHUNKS.values(), ids=UNREADABLE_CHUNKS)
def test_a_body_in_unreadable_chunks_is_refused_and_closes(chunks: bytes) -> None:
    for pieces in ([CHUNKED + chunks], [CHUNKED, chunks]):
        application = Application()
        assert answered(application, *pieces) == [400]
        assert (application.bodies, application.disconnected) == ([], len(application.paths))


@pytest.mark.parametrize(
    ("sent", "path", "body"),
    [
        (GET + b"\r\n", "/path", b""),
        (GET.replace(b"/path", b"//other/path") + b"\r\n", "//other/path", b""),
        (GET.replace(b"/path", b"/a%20b/../c?d=/e?f") + b"\r\n", "/a b/../c", b""),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", "*", b""),
        (b"PROPFIND /path HTTP/1.1\r\n" + HOST + b"\r\n", "/path", b""),
        (b"\r\n" + GET + b"\r\n", "/path", b""),
        (GET + b"content-length: 2\r\n\r\n{}", "/path", b"{}"),
        (POST + b"content-length: 2 \r\n\r\n{}", "/path", b"{}"),
        (POST + b"content-length: 2\r\n\r\n{}\r\n", "/path", b"{}"),
        (POST + b"content-length: 0\r\n\r\n", "/path", b""),
        (CHUNKED + b"1\r\n{\r\n01;a=b\r\n}\r\n0\r\n\r\n", "/path", b"{}"),
        (CHUNKED.replace(b": chunked", b":\tChunked  ") + b"2\r\n{}\r\n0\r\n\r\n", "/path", b"{}"),
    ],
)
def test_a_request_is_answered_and_the_connection_stays_open(
    sent: bytes, path: str, body: bytes
) -> None:
    application = Application()
    assert answered(application, sent) == [200, 200]
    assert application.paths == [path, "/last"]
    assert application.bodies == [body, b""]


requests = st.sampled_from(
    [
        GET + b"x: a\r\ny:\r\n\r\n",
        POST + b"content-length: 20\r\n\r\n" + b"x" * 20,
        CHUNKED + b"3\r\nxyz\r\nA;ext=1\r\n" + b"x" * 10 + b"\r\n0\r\nx-trailer: a\r\n\r\n",
        POST + UPGRADE + b"content-length: 20\r\n\r\n" + b"x" * 20,
    ]
)


@given(requests, st.data())
def test_wherever_a_request_is_cut_it_is_the_same(sent: bytes, data: st.DataObject) -> None:
    whole, in_pieces = Application(), Application()
    assert answered(whole, sent) == [200, 200]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent) - 1), max_size=20)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert answered(in_pieces, *pieces) == [200, 200]
    assert in_pieces.bodies == whole.bodies
    assert in_pieces.scopes[0] == whole.scopes[0]


@given(requests, st.data())
def test_what_is_refused_as_busy_is_a_request_that_would_have_been_answered(
    sent: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(sent) - 1))
    changed = sent[:place] + data.draw(st.binary(max_size=2)) + sent[place + 1 :]
    request = whole_request(changed)
    if request is None:
        return
    application = Application()
    assert answered(application, changed) == [200, 200]
    (scope, _), (method, target) = application.scopes, (request.method, request.target)
    assert (scope["method"].encode(), scope["headers"]) == (method, request.headers)
    assert scope["raw_path"] == target.partition(b"?")[0]


def test_spaces_around_a_value_and_trailers_are_not_among_the_headers() -> None:
    application = Application()
    head = CHUNKED[:-2] + b"X-Name: \t a b  \r\nempty:\r\n\r\n"
    assert answered(application, head + b"0\r\nx-request-id: trailer\r\n\r\n") == [200, 200]
    assert application.scopes[0]["headers"] == [
        (b"host", b"localhost"),
        (b"transfer-encoding", b"chunked"),
        (b"x-name", b"a b"),
        (b"empty", b""),
    ]


FIRST = POST + b"content-length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "pieces",
    [
        [FIRST, GET + b"\r\n"],
        [FIRST + GET + b"\r\n"],
        [FIRST + b"\x00"],
        [FIRST + b"hello\r\n\r\n"],
        [FIRST + GET[:7], GET[7:] + b"\r\n"],
    ],
)
def test_what_is_sent_before_a_response_is_complete_is_never_read(pieces: list[bytes]) -> None:
    async def check(application: Application) -> None:
        application.may_answer.clear()
        async with connected(application) as line:
            await line.send(*pieces, LAST)
            application.may_answer.set()
            ((status, headers, _),) = responses(await line.rest())
        assert (status, headers[b"connection"]) == (200, b"close")
        assert application.paths == ["/path"]

    in_a_loop(check)


@pytest.mark.parametrize("version", [b"HTTP/1.1\r\nconnection: close", b"HTTP/1.0"])
def test_after_the_last_request_of_a_connection_nothing_is_read(version: bytes) -> None:
    application = Application()
    sent = (GET + b"\r\n").replace(b"HTTP/1.1", version)
    assert answered(application, sent + GET + b"\r\n") == [200]
    assert answered(application, sent) == [200]
    assert application.paths == ["/path"] * 2


def test_after_an_early_response_the_rest_of_the_body_is_passed_over() -> None:
    async def check(application: Application) -> None:
        async with connected(application) as line:
            await line.send(POST.replace(b"/path", b"/early") + b"content-length: 400\r\n\r\n")
            received = await line.read()
            await line.send(GET * 4, b"x" * (400 - 4 * len(GET)) + GET + b"\r\n")
            received += await line.read()
            await line.send(LAST)
            received += await line.rest()
        assert [status for status, _, _ in responses(received)] == [200] * 3
        assert application.paths == ["/early", "/path", "/last"]

    in_a_loop(check)


def test_a_caller_who_waits_is_told_to_continue_once_the_body_is_wanted() -> None:
    async def check(application: Application) -> None:
        async with connected(application) as line:
            await line.send(POST + b"expect: 100-Continue\r\ncontent-length: 2\r\n\r\n")
            assert await line.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await line.send(b"{}")
            ((status, _, _),) = responses(await line.read())
        assert status == 200

    in_a_loop(check)


def test_a_caller_with_http_1_0_is_not_told_to_continue() -> None:
    sent = POST.replace(b"1.1", b"1.0") + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    assert answered(Application(), sent, b"{}") == [200]


HIDDEN = LAST.replace(b"/last", b"/hidden")


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (GET + UPGRADE + b"\r\n", b""),
        (GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n", b""),
        (POST + UPGRADE + b"content-length: 2\r\n\r\n{}", b"{}"),
        (CHUNKED[:-2] + UPGRADE + b"\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
        (POST + UPGRADE + b"content-length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN, HIDDEN),
        (CHUNKED + b"0\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", b""),
    ],
)
def test_a_request_for_another_protocol_is_answered_in_this_one(sent: bytes, body: bytes) -> None:
    for pieces in ([sent], [sent[:-1], sent[-1:]]):
        application = Application()
        assert answered(application, *pieces) == [200, 200]
        assert application.paths == ["/path", "/last"]
        assert application.bodies == [body, b""]


def test_what_follows_a_request_for_another_protocol_is_never_read() -> None:
    application = Application()
    assert answered(application, GET + UPGRADE + b"\r\n" + GET + UPGRADE + b"\r\n") == [200]
    assert application.paths == ["/path"]


PIECE = b"a" * (MAX_INCOMPLETE_BYTES // 4)


@pytest.mark.parametrize(
    "begun",
    [
        [GET + b"x: ", *[PIECE] * 4],
        [GET, *[b"x: " + PIECE + b"\r\n"] * 4],
        [b"GET /", *[PIECE] * 4],
        [b"\r\n" * len(PIECE)] * 3,
        [CHUNKED, b"2;", *[PIECE] * 4],
        [CHUNKED, b"2\r\n{}\r\n0\r\n", *[b"x: " + PIECE + b"\r\n"] * 4],
        [CHUNKED, *[b"0" * len(PIECE)] * 5],
    ],
    ids=["value", "headers", "target", "empty lines", "extension", "trailers", "zeros"],
)
def test_a_head_or_a_line_without_an_end_is_refused(begun: Sequence[bytes]) -> None:
    application = Application()

    async def asked() -> bytes:
        async with connected(application) as line:
            await line.send(*begun)
            return await line.rest()

    ((status, _, _),) = responses(asyncio.run(asked()))
    assert status == 400
    assert application.bodies == []


def test_a_head_below_the_limit_and_a_body_above_it_are_read() -> None:
    application, body = Application(), PIECE * 8
    head = [GET + b"x: ", *[PIECE] * 3, b"\r\n\r\n"]
    assert answered(application, *head) == [200, 200]
    length = b"content-length: %d\r\n\r\n" % len(body)
    assert answered(application, POST + length, *[PIECE] * 8) == [200, 200]
    assert application.bodies == [b"", b"", body, b""]


def test_no_refusal_is_sent_into_a_response_that_has_begun() -> None:
    async def check(application: Application) -> None:
        async with connected(application) as line:
            await line.send(CHUNKED.replace(b"/path", b"/begun"))
            begun = await line.read()
            await line.send(b"zz\r\n")
            assert b"Invalid" not in begun + await line.rest()
        assert application.disconnected == 1

    in_a_loop(check)


@pytest.mark.parametrize("begun", [b"", GET, b"\r\n"])
def test_a_head_that_does_not_arrive_in_time_closes_the_connection(begun: bytes) -> None:
    async def check(application: Application) -> None:
        async with connected(application, head_seconds=0.05) as line:
            await line.send(begun)
            assert await line.rest() == b""

    in_a_loop(check)


def test_of_more_connections_than_allowed_the_one_that_waited_longest_is_closed() -> None:
    async def check(application: Application) -> None:
        state = ServerState()
        async with connected(application, state=state) as oldest:
            await oldest.send(GET[:7])
            async with (
                connected(application, state=state) as second,
                connected(application, state=state) as third,
            ):
                assert await oldest.rest() == b""
                for line in (second, third):
                    await line.send(GET + b"\r\n")
                    assert responses(await line.read())[0][0] == 200

    in_a_loop(check)


@pytest.mark.parametrize("path", [b"/path", b"/begun"])
def test_the_head_of_a_response_arrives_with_its_body(path: bytes) -> None:
    async def check(application: Application) -> None:
        async with connected(application) as line:
            for _ in range(2):
                await line.send((GET + b"\r\n").replace(b"/path", path))
                ((status, headers, body),) = responses(await line.read())
                assert (status, headers[b"content-length"], body) == (200, b"4", b"done")

    in_a_loop(check)


def test_head_is_answered_with_the_length_of_the_body_and_without_it() -> None:
    async def check(application: Application) -> None:
        answering: Any = HeadMiddleware(application)
        answering.state = application.state
        async with connected(answering) as line:
            await line.send((GET + b"\r\n").replace(b"GET", b"HEAD"))
            received = await line.read()
            assert received.startswith(b"HTTP/1.1 200")
            assert b"content-length: 4\r\n" in received
            assert received.endswith(b"\r\n\r\n")
            await line.send(GET + b"\r\n")
            assert responses(await line.read())[0][2] == b"done"

    in_a_loop(check)


class FileApplication(Application):
    """Sends all of a response, and the message that ends it when it may."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"file", "more_body": True})
        await self.may_answer.wait()
        await send({"type": "http.response.body", "body": b""})


def test_a_caller_who_has_all_of_a_file_may_ask_before_the_server_knows_that_it_ended() -> None:
    async def asked() -> bytes:
        application = FileApplication()
        application.may_answer.clear()
        async with connected(application) as line:
            await line.send(GET + b"\r\n")
            received = b""
            while not received.endswith(b"file"):
                received += await line.read()
            await line.send(LAST)
            application.may_answer.set()
            return received + await line.rest()

    found = responses(asyncio.run(asked()))
    assert [(status, body) for status, _, body in found] == [(200, b"file")] * 2
