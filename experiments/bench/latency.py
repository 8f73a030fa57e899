"""Recommendations over HTTP beside a bare FastAPI route that returns the same bytes.

Servers run in processes of their own and are asked in turn over one kept connection each.
"""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REQUESTS, WARM_UP = 300, 20
ADDRESS = "/v1/recommendations"
COUNTED = f"{ADDRESS}?include=exclusions"
"""The address whose answer says how many clinicians there are."""
Headers = Mapping[str, str]
JSON: Headers = {"Content-Type": "application/json"}
NO_HEADERS: Headers = {}
CLIENT = Path(__file__).parents[1] / "demo" / "client.json"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one route over many requests."""

    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class Beside:
    """Ours and the bare route's, for one size of roster."""

    clinicians: int
    eligible: int
    answer_bytes: int
    ours: Latency
    bare: Latency


def compare(bundle: Path, roster: Path, clinicians: int) -> Beside:
    """Asks both servers in turn and measures each request."""
    body = CLIENT.read_bytes()
    serve = ("recommender.cli", "serve", "--bundle", bundle, "--roster", roster)
    with server(*serve) as (ours, _):
        answer = ask(ours, body)
        told = json.loads(ask(ours, body, COUNTED))
        with server("experiments.bench.bare") as (bare, _):
            ask(bare, answer, path="/answer")
            taken = _in_turn(ours, bare, body)
    if told["eligible"] + len(told["excluded"]) != clinicians:
        raise SystemExit(f"the roster should have {clinicians} clinicians")
    return Beside(
        clinicians, told["eligible"], len(answer), latency_of(taken[0]), latency_of(taken[1])
    )


def _in_turn(
    ours: http.client.HTTPConnection, bare: http.client.HTTPConnection, body: bytes
) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + REQUESTS):
        for place, each in enumerate(timed((ours, bare), body)):
            if number >= WARM_UP:
                taken[place].append(each)
    return taken


def timed(
    asked: Sequence[http.client.HTTPConnection], body: bytes, headers: Headers = NO_HEADERS
) -> list[float]:
    """Milliseconds of the same request to each server in turn."""
    taken = []
    for each in asked:
        started = time.perf_counter()
        ask(each, body, headers=headers)
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def latency_of(taken: Sequence[float]) -> Latency:
    """Median and 99th percentile."""
    return Latency(float(np.median(taken)), float(np.quantile(taken, 0.99)))


def ask(
    asked: http.client.HTTPConnection,
    body: bytes,
    path: str = "",
    headers: Headers = NO_HEADERS,
) -> bytes:
    """The answer to one request, which must succeed."""
    asked.request("POST", path or ADDRESS, body, {**JSON, **headers})
    response = asked.getresponse()
    content = response.read()
    if response.status not in (200, 201):
        raise SystemExit(f"the server answered {response.status}: {content.decode()[:500]}")
    return content


@contextmanager
def server(module: str, *words: str | Path) -> Iterator[tuple[http.client.HTTPConnection, int]]:
    """A server in a process of its own: one kept connection, and which process it is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-m", module, *map(str, words), "--port", str(port)]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        yield connection, process.pid
        connection.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("a server did not start")
