import os
import signal
import socket
import sys
import threading
import time

import pytest

from experiments.demo.server import serve_until_stopped

SERVER = """
import http.server, sys, time

class Late(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if time.monotonic() > ready else 503)
        self.end_headers()

    def log_message(self, *words):
        pass

ready = time.monotonic() + 0.6
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Late).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_addresses_are_printed_once_the_server_is_ready_and_it_ends_with_the_demo(
    port: int,
) -> None:
    began = time.monotonic()
    announced: list[tuple[str, float]] = []

    def announce(url: str) -> None:
        announced.append((url, time.monotonic() - began))
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    before = signal.getsignal(signal.SIGTERM)
    try:
        command = [sys.executable, "-c", SERVER, str(port)]
        assert serve_until_stopped(command, {}, port, announce) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    ((url, seconds),) = announced
    assert url == f"http://127.0.0.1:{port}"
    assert seconds > 0.6
    with socket.socket() as freed:
        freed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        freed.bind(("127.0.0.1", port))


def test_a_server_that_ends_before_it_is_ready_is_not_announced(port: int) -> None:
    announced: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    try:
        command = [sys.executable, "-c", "raise SystemExit(3)"]
        assert serve_until_stopped(command, {}, port, announced.append) == 3
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not announced


def test_a_port_in_use_is_named_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"port {port}: is in use"):
            serve_until_stopped(["nothing"], {}, port, print)
