import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from recommender.settings import Settings
from tests.support.server import RECOMMEND, a_request, server_settings
from tests.support.server_process import free_port, http_request, server_process, wait_until_ready

pytestmark = pytest.mark.slow

BODY = json.dumps(a_request()).encode()
HEAD = f"POST {RECOMMEND} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@contextmanager
def a_server(directory: Path, **changes: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a live server whose settings these are."""
    settings, port = server_settings(directory), free_port()
    given = {f"RECOMMENDER_{name.upper()}": value for name, value in changes.items()}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in given.items():
            patched.setenv(name, value)
        with server_process(settings, port) as process:
            wait_until_ready(process, port)
            yield port, process.pid
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def strict_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that waits a second for a request and has few lines."""
    limits = {"receive_timeout_seconds": "1", "max_connections": "32"}
    with a_server(tmp_path_factory.mktemp("strict"), **limits) as (port, _):
        yield port


def left_open(port: int, sent: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(sent)
    return line


def seconds_until_closed(line: socket.socket) -> tuple[float, bytes]:
    started, received = time.monotonic(), b""
    try:
        while part := line.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return time.monotonic() - started, received


def test_whoever_is_slow_is_let_go(strict_port: int) -> None:
    with ExitStack() as open_lines:
        silent = open_lines.enter_context(left_open(strict_port, b""))
        head = open_lines.enter_context(left_open(strict_port, HEAD.encode()[:40]))
        half = HEAD + f"content-length: {len(BODY)}\r\n\r\n"
        body = open_lines.enter_context(left_open(strict_port, half.encode() + BODY[:10]))
        assert http_request(strict_port, "POST", RECOMMEND, BODY)[0] == 200
        for line in (silent, head):
            taken, received = seconds_until_closed(line)
            assert taken < 5
            assert received == b""
        _, received = seconds_until_closed(body)
        assert received.startswith(b"HTTP/1.1 408")
        assert b"/problems/request-timeout" in received
        assert b"connection: close" in received.lower()


def test_a_thousand_silent_lines_keep_nobody_out(strict_port: int) -> None:
    with ExitStack() as open_lines:
        for _ in range(100):
            open_lines.enter_context(left_open(strict_port, b"POST"))
        for _ in range(5):
            assert http_request(strict_port, "POST", RECOMMEND, BODY)[0] == 200


def test_what_is_compressed_or_too_large_is_refused(strict_port: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", strict_port, timeout=10)
    line.request("GET", "/livez", headers={"content-encoding": "gzip"})
    response = line.getresponse()
    assert response.status == 415
    assert b"/problems/unsupported-media-type" in response.read()
    line.request("POST", RECOMMEND, iter([b"[" * 65536] * 8), encode_chunked=True)
    assert line.getresponse().status in (413, 415)
    line.close()


@pytest.mark.long
def test_several_processes_share_a_port_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    with a_server(tmp_path, processes="2") as (port, parent):
        first = workers_of(parent)
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        statuses, until = list[int](), time.monotonic() + 60
        while not is_replaced(parent, first[0]):
            assert time.monotonic() < until
            statuses.append(http_request(port, "POST", RECOMMEND, BODY)[0])
            # Leaves the processor to the process that starts.
            time.sleep(0.02)
        assert set(statuses) <= {200}


def is_replaced(parent: int, killed: int) -> bool:
    """Whether two serve again, one of them new."""
    found = workers_of(parent)
    return len(found) == 2 and killed not in found


def workers_of(parent: int) -> list[int]:
    """Processes that serve: children of the first, but for Python's own tracker of resources."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(each) for each in children if b"spawn_main" in command_of(each)]


def command_of(process: str) -> bytes:
    """How a process was started; nothing once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_port_that_is_taken_is_said_to_be_by_several_too(tmp_path: Path) -> None:
    settings: Settings = server_settings(tmp_path)
    with socket.socket() as taken, pytest.MonkeyPatch.context() as patched:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        patched.setenv("RECOMMENDER_PROCESSES", "2")
        with server_process(settings, taken.getsockname()[1]) as process:
            _, logged = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "is in use" in logged


def test_under_overload_every_request_is_answered_or_refused_and_counted(tmp_path: Path) -> None:
    whole = (HEAD + f"content-length: {len(BODY)}\r\n\r\n").encode() + BODY
    with a_server(tmp_path, queue_limit="0") as (port, _), ExitStack() as open_lines:
        lines = [open_lines.enter_context(left_open(port, b"")) for _ in range(30)]
        statuses = list[int]()
        for _ in range(4):
            for line in lines:
                line.sendall(whole)
            statuses += [status_of(line) for line in lines]
        counted = http_request(port, "GET", "/metrics")[2].decode()
    assert set(statuses) == {200, 503}
    assert f'recommender_refusals_total{{problem="busy"}} {statuses.count(503):.1f}' in counted


def status_of(line: socket.socket) -> int:
    """The status of one response, which is read to its end."""
    response = http.client.HTTPResponse(line, method="POST")
    response.begin()
    response.read()
    return response.status
