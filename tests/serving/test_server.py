import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recommender.settings import Settings
from tests.support.served import RECOMMEND, a_request

pytestmark = pytest.mark.slow

RUN = "from recommender.serving.server import serve; from recommender.settings import Settings; "
BODY = json.dumps(a_request()).encode()
JSON = {"content-type": "application/json"}


@contextmanager
def a_process(settings: Settings, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {
        "RECOMMENDER_BUNDLE": str(settings.bundle),
        "RECOMMENDER_ROSTER": str(settings.roster),
        "RECOMMENDER_PORT": str(port),
    }
    command = [sys.executable, "-c", RUN + "serve(Settings())"]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        command, env=environment, cwd=root, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body or None, JSON if body else {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def wait_until_ready(process: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended by itself"
        try:
            if ask(port, "GET", "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server was never ready")


def test_a_real_server_answers_over_http_and_stops_when_told(settings: Settings) -> None:
    port = a_free_port()
    with a_process(settings, port) as process:
        wait_until_ready(process, port)
        status, headers, body = ask(port, "POST", RECOMMEND, BODY)
        assert status == 200
        assert json.loads(body)["shortlist"]
        assert "server" not in {name.lower() for name in headers}
        assert ask(port, "GET", "/openapi.json")[0] == 200
        assert ask(port, "GET", "/nowhere")[0] == 404
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert events[:2] == ["model_loaded", "serving_without_keys"]
    assert set(events[2:]) == {"request_completed"}


def test_a_request_under_way_is_finished_when_the_server_is_stopped(settings: Settings) -> None:
    port = a_free_port()
    with a_process(settings, port) as process:
        wait_until_ready(process, port)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            head = f"POST {RECOMMEND} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
            line.sendall(head.encode() + BODY[:10])
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            line.sendall(BODY[10:])
            reply = b""
            while received := line.recv(65536):
                reply += received
        process.communicate(timeout=20)
    assert reply.startswith(b"HTTP/1.1 200")
    assert process.returncode == 0


def test_a_server_whose_port_is_taken_says_so(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with a_process(settings, taken.getsockname()[1]) as process:
            _, logged = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "server: could not start" in logged


def test_a_server_never_loads_the_registry_or_the_training_code() -> None:
    look = "import sys, recommender.serving.server; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", look],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"mlflow", "recommender.registry.registry", "recommender.training"} & set(found)
