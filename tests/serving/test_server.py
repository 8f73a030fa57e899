import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recommender.serving.server import bound
from recommender.settings import Settings
from tests.support.server import PEPPER, RECOMMEND, SAME_SITE, a_request, store_with_schema
from tests.support.server_process import (
    JSON,
    ROOT,
    RUN_SERVER,
    free_port,
    http_request,
    running_server,
    server_process,
    wait_until_ready,
)

pytestmark = pytest.mark.slow

BODY = json.dumps(a_request()).encode()


def test_a_real_server_answers_over_http_and_stops_when_told(settings: Settings) -> None:
    port = free_port()
    with server_process(settings, port) as process:
        wait_until_ready(process, port)
        status, headers, body = http_request(port, "POST", RECOMMEND, BODY)
        assert status == 200
        assert json.loads(body)["shortlist"]
        assert "server" not in {name.lower() for name in headers}
        assert http_request(port, "GET", "/openapi.json")[0] == 200
        assert http_request(port, "GET", "/nowhere")[0] == 404
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert events[:2] == ["model_loaded", "serving_without_keys"]
    assert set(events[2:]) == {"request_completed"}


def test_a_request_under_way_is_finished_when_the_server_is_stopped(settings: Settings) -> None:
    port = free_port()
    with server_process(settings, port) as process:
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


def test_a_caller_on_this_machine_does_not_choose_its_address_by_a_header(
    settings: Settings, tmp_path: Path
) -> None:
    """Each try would have counted as that of another caller, without end."""
    url = f"sqlite:///{tmp_path}/recommender.db"
    store_with_schema(url).close()
    tried = json.dumps({"name": "intake.desk", "password": "wrong"}).encode()
    where = {"bundle": settings.bundle, "roster": settings.roster}
    with running_server(store=url, pepper=PEPPER, **where) as port:
        statuses = [
            http_request(
                port,
                "POST",
                "/v1/session",
                tried,
                JSON | SAME_SITE | {"x-forwarded-for": f"203.0.113.{number}"},
            )[0]
            for number in range(11)
        ]
    assert statuses == [401] * 10 + [429]


def test_a_body_is_sent_without_waiting_for_the_client_to_acknowledge_the_headers(
    settings: Settings,
) -> None:
    """With the delay on, every answer over a kept connection took 40 ms longer."""
    delayed = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        delayed.append(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def connect_once(port: socket.socket) -> None:
        async with await asyncio.start_server(accept, sock=port):
            reader, writer = await asyncio.open_connection(*port.getsockname())
            await reader.read()
            writer.close()

    with bound(settings.model_copy(update={"port": 0})) as port:
        asyncio.run(connect_once(port))
    assert delayed == [False]


def test_a_server_whose_port_is_taken_says_so(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with server_process(settings, taken.getsockname()[1]) as process:
            _, logged = process.communicate(timeout=60)
        assert f"port {taken.getsockname()[1]}: is in use; stop the program" in logged
    assert process.returncode != 0


def test_a_served_model_is_excluded_from_garbage_collections(settings: Settings) -> None:
    stop = "print(gc.get_freeze_count()); os.kill(os.getpid(), signal.SIGTERM)"
    serve = f"import gc, os, signal; serve(Settings(), lambda: exec({stop!r}))"
    given = {
        "RECOMMENDER_BUNDLE": str(settings.bundle),
        "RECOMMENDER_ROSTER": str(settings.roster),
        "RECOMMENDER_PORT": str(free_port()),
    }
    frozen = subprocess.run(
        [sys.executable, "-c", RUN_SERVER + serve],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(frozen) > 100_000


def test_a_server_never_loads_the_registry_or_the_training_code() -> None:
    look = "import sys, recommender.serving.server; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", look],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"mlflow", "recommender.registry.registry", "recommender.training"} & set(found)
