import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import h11
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from recommender.serving.app import create_app
from recommender.serving.dependencies import app_state
from recommender.serving.http.busy_refusal import BusyRefusal, whole_request
from tests.support.server import RECOMMEND, a_request, locked_settings, server_settings

BODY = json.dumps(a_request()).encode()
REQUEST_ID = "asked-by-the-test"
HEADERS = {
    "host": "localhost",
    "content-type": "application/json",
    "connection": "keep-alive",
    "x-request-id": REQUEST_ID,
}
CLOCK = [(b"date", b"Mon, 23 Nov 2026 09:00:00 GMT")]


def written(
    path: str = RECOMMEND, method: str = "POST", body: bytes = BODY, **headers: str
) -> bytes:
    """The bytes of a request; `_` in the name of a header is written as `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    framing = {} if "transfer-encoding" in named else {"content-length": str(len(body))}
    every = HEADERS | framing | named
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in every.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_response(sent: bytes) -> tuple[int, dict[bytes, bytes], Any]:
    """Status, headers and JSON of a response, as an HTTP client reads it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "localhost")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(sent)
    response, body = connection.next_event(), b""
    assert isinstance(response, h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data == (b"", False)
    return response.status_code, dict(response.headers), json.loads(body)


@contextmanager
def one_computation(app: FastAPI) -> Iterator[None]:
    """Its queue for recommendations is full, and has refused a request, while the block runs."""
    queue, begun, may_end = (
        app_state(app).queues.recommendations,
        threading.Event(),
        threading.Event(),
    )

    def slow() -> None:
        begun.set()
        assert may_end.wait(20)

    thread = threading.Thread(target=anyio.run, args=(queue.run, slow))
    thread.start()
    try:
        assert begun.wait(20)
        assert queue.is_full()
        yield
    finally:
        may_end.set()
        thread.join()


@pytest.fixture(params=["without a store", "with a store", "below a path"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> FastAPI:
    with_store = request.param == "with a store"
    settings = locked_settings(tmp_path) if with_store else server_settings(tmp_path)
    root_path = "/match" if request.param == "below a path" else ""
    return create_app(settings.model_copy(update={"queue_limit": 0, "root_path": root_path}))


def refusal_of(app: FastAPI) -> BusyRefusal:
    refusal: BusyRefusal = app.state.busy_refusal
    return refusal


def in_a_loop(respond: Callable[[], Any]) -> Any:
    async def responding() -> Any:
        return respond()

    return anyio.run(responding)


def test_a_refusal_is_what_the_application_would_have_answered(app: FastAPI) -> None:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            return await caller.post(RECOMMEND, content=BODY, headers=HEADERS)

    with one_computation(app):
        sent = b"".join(in_a_loop(lambda: refusal_of(app).response_to(written(), CLOCK)))
        expected = anyio.run(asked)
    status, headers, body = read_response(sent)
    assert headers.pop(b"date") == CLOCK[0][1]
    assert (status, body) == (expected.status_code, expected.json())
    assert headers == {name.encode(): text.encode() for name, text in expected.headers.items()}
    assert (status, body["instance"]) == (503, REQUEST_ID)


@pytest.mark.parametrize(
    "sent",
    [
        written("/v1/pairings"),
        written(method="PUT"),
        written(host="elsewhere.example"),
        written(origin="https://www.practice.example"),
        written(content_encoding="gzip"),
        written(connection="close"),
        written(upgrade="websocket"),
        written(expect="100-continue"),
        written()[:-1],
        written() + b"POST",
        written(transfer_encoding="chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
        b"\x16\x03\x01",
    ],
    ids=lambda sent: sent[:12].hex(),
)
def test_what_the_application_has_to_decide_is_left_to_it(tmp_path: Path, sent: bytes) -> None:
    settings = server_settings(tmp_path).model_copy(update={"queue_limit": 0})
    app = create_app(settings)
    with one_computation(app):
        assert in_a_loop(lambda: refusal_of(app).response_to(sent, CLOCK)) == ()


def test_without_an_overload_every_request_reaches_the_application(tmp_path: Path) -> None:
    refusal = refusal_of(create_app(server_settings(tmp_path)))
    assert not refusal.is_active
    assert in_a_loop(lambda: refusal.response_to(written(), CLOCK)) == ()


def test_of_several_read_in_one_step_as_many_pass_as_may_be_admitted(tmp_path: Path) -> None:
    app = create_app(server_settings(tmp_path).model_copy(update={"queue_limit": 0}))
    with one_computation(app):
        pass

    async def read_in_two_steps() -> list[list[bool]]:
        steps = []
        for _ in range(2):
            steps.append([bool(refusal_of(app).response_to(written(), CLOCK)) for _ in range(3)])
            await anyio.sleep(0)
        return steps

    assert anyio.run(read_in_two_steps) == [[False, True, True]] * 2


heads = st.builds(
    written,
    path=st.sampled_from([RECOMMEND, f"{RECOMMEND}?include=facts", "/livez"]),
    method=st.sampled_from(["POST", "PUT"]),
    body=st.binary(max_size=30),
    accept=st.sampled_from(["*/*", "application/json"]),
)


@given(heads, st.data())
def test_a_request_is_whole_with_all_of_its_bytes_and_no_more(
    sent: bytes, data: st.DataObject
) -> None:
    request = whole_request(sent)
    assert request is not None
    assert sent.startswith(request.method + b" " + request.target)
    end = data.draw(st.integers(0, len(sent) - 1))
    assert whole_request(sent[:end]) is None
    assert whole_request(sent + data.draw(st.binary(min_size=1, max_size=20))) is None
