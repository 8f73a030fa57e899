"""Recommendations over HTTP beside a bare FastAPI route that returns the same bytes.

Servers run in processes of their own and are asked in turn over one kept connection each. A bare
route answers faster alone than beside a slow server, whose work takes the processor's caches: it is
asked alone as well.
"""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

REQUESTS, WARM_UP = 300, 20
ADDRESS = "/v1/recommendations"
CONNECTIONS = 8
COUNTED = f"{ADDRESS}?include=exclusions"
"""The address whose answer says how many clinicians there are."""
CLIENT = Path(__file__).parents[1] / "demo" / "client.json"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one route over many requests."""

    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class Varied:
    """Many clients, one request each, for one size of roster.

    Attributes
    ----------
    ours, bare
        Asked in turn.
    alone
        The bare route, asked alone.
    at_once
        Answers a second with `CONNECTIONS` requests at once.
    refused
        How many of these were refused because the server was busy.
    """

    clinicians: int
    ours: Latency
    bare: Latency
    alone: Latency
    at_once: float
    refused: int


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
    return Beside(clinicians, told["eligible"], len(answer), _latency(taken[0]), _latency(taken[1]))


def compare_varied(bundle: Path, roster: Path, clinicians: int, bodies: Sequence[bytes]) -> Varied:
    """Asks for each client, both servers in turn, then ours with several connections at once."""
    serve = ("recommender.cli", "serve", "--bundle", bundle, "--roster", roster)
    with server(*serve) as (ours, _):
        answer = ask(ours, bodies[0])
        with server("experiments.bench.bare") as (bare, _):
            ask(bare, answer, path="/answer")
            alone = [taken for body in bodies for taken in _timed((bare,), body)]
            for body in bodies[:WARM_UP]:
                _timed((ours, bare), body)
            both = [_timed((ours, bare), body) for body in bodies]
        started = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            shares = [bodies[place::CONNECTIONS] for place in range(CONNECTIONS)]
            refused = sum(pool.map(partial(_refused, ours.port), shares))
        seconds = time.perf_counter() - started
    return Varied(
        clinicians=clinicians,
        ours=_latency([each[0] for each in both]),
        bare=_latency([each[1] for each in both]),
        alone=_latency(alone),
        at_once=(len(bodies) - refused) / seconds,
        refused=refused,
    )


def _refused(port: int, bodies: Sequence[bytes]) -> int:
    """How many requests over one connection are refused because the server is busy."""
    connection, refused = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 0
    for body in bodies:
        connection.request("POST", ADDRESS, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        refused += response.status == 503
    connection.close()
    return refused


def _in_turn(
    ours: http.client.HTTPConnection, bare: http.client.HTTPConnection, body: bytes
) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + REQUESTS):
        for place, each in enumerate(_timed((ours, bare), body)):
            if number >= WARM_UP:
                taken[place].append(each)
    return taken


def _timed(asked: Sequence[http.client.HTTPConnection], body: bytes) -> list[float]:
    """Milliseconds of the same request to each server in turn."""
    taken = []
    for each in asked:
        started = time.perf_counter()
        ask(each, body)
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def _latency(taken: list[float]) -> Latency:
    return Latency(float(np.median(taken)), float(np.quantile(taken, 0.99)))


def ask(asked: http.client.HTTPConnection, body: bytes, path: str = "") -> bytes:
    """The answer to one request, which must succeed."""
    asked.request("POST", path or ADDRESS, body, {"Content-Type": "application/json"})
    response = asked.getresponse()
    content = response.read()
    if response.status != 200:
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
