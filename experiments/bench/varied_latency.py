"""Recommendations of varied clients over HTTP: cold, one at a time and several at once.

A bare FastAPI route that returns the same bytes is asked in turn with it. It answers faster alone
than beside a slow server, whose work takes the processor's caches: it is asked alone as well.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from experiments.bench.latency import (
    ADDRESS,
    JSON,
    NO_HEADERS,
    Headers,
    Latency,
    ask,
    latency_of,
    server,
    timed,
)
from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.live import connected, live_server
from recommender.security.scopes import Role

CONNECTIONS = 8
WARM_UP = 20
BUSY = 503


@dataclass(frozen=True, slots=True)
class VariedLatency:
    """Many clients, one request each, for one size of roster.

    Attributes
    ----------
    ready
        Seconds from the start of the process until it says that it is ready.
    first
        Milliseconds of the first answer.
    ours, bare
        Asked in turn.
    alone
        The bare route, asked alone.
    at_once
        Answers a second with `CONNECTIONS` requests at once.
    refused
        How many of these were refused because the server was busy.
    """

    ready: float
    first: float
    ours: Latency
    bare: Latency
    alone: Latency
    at_once: float
    refused: int


def compare_varied(
    bundle: Path, roster: Path, bodies: Sequence[bytes], store: Path | None = None
) -> VariedLatency:
    """Asks for each client, both servers in turn, then ours with several connections at once.

    With a `store`, a file that does not exist yet, requests carry a key and are recorded.
    """
    settings, headers = _with_store(store)
    started = time.perf_counter()
    with live_server({"BUNDLE": bundle, "ROSTER": roster, **settings}) as running:
        ours = connected(running.port)
        ready = time.perf_counter() - started
        started = time.perf_counter()
        answer = ask(ours, bodies[0], headers=headers)
        first = 1000 * (time.perf_counter() - started)
        with server("experiments.bench.bare") as (bare, _):
            ask(bare, answer, path="/answer")
            alone = [taken for body in bodies for taken in timed((bare,), body)]
            for body in bodies[:WARM_UP]:
                timed((ours, bare), body, headers)
            both = [timed((ours, bare), body, headers) for body in bodies]
        started = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            shares = [bodies[place::CONNECTIONS] for place in range(CONNECTIONS)]
            refused = sum(pool.map(partial(_refused, ours.port, headers), shares))
        seconds = time.perf_counter() - started
    return VariedLatency(
        ready=ready,
        first=first,
        ours=latency_of([each[0] for each in both]),
        bare=latency_of([each[1] for each in both]),
        alone=latency_of(alone),
        at_once=(len(bodies) - refused) / seconds,
        refused=refused,
    )


def _with_store(store: Path | None) -> tuple[dict[str, str], Headers]:
    """Settings of the server and headers of requests."""
    if store is None:
        return {}, NO_HEADERS
    url = f"sqlite:///{store}"
    keys = keys_to(url, [Role.TOOL])
    settings = {
        "STORE": url,
        "PEPPER": PEPPER,
        "CALLS_PER_MINUTE": "1000000",
    }
    return settings, {"Authorization": f"Bearer {keys[Role.TOOL]}"}


def _refused(port: int, headers: Headers, bodies: Sequence[bytes]) -> int:
    """How many requests over one connection are refused because the server is busy."""
    connection, refused = connected(port), 0
    for body in bodies:
        connection.request("POST", ADDRESS, body, {**JSON, **headers})
        response = connection.getresponse()
        response.read()
        refused += response.status == BUSY
    connection.close()
    return refused
