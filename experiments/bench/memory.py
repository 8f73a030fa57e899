"""What a live server holds in memory and takes of a core, by how many clinicians its roster has.

One server reads its roster from a file and keeps nothing, one has a store, as practices do, and has
its roster changed once.
"""

import http.client
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.bench.latency import CLIENT
from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.live import PATIENT, Server, live_server
from recommender.model.bundle.io import load_bundle
from recommender.registry.registry import Registry
from recommender.rollout.bundle_cache import BundleCache
from recommender.rollout.poller import wait_for_pointer
from recommender.security.scopes import Role

WARM_UP, REQUESTS = 20, 100
"""After the first every view of the roster was made and every buffer has found its size."""
PATIENCE_SECONDS = 300
MIB = 2**20
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one server took: MiB resident and the most it ever had, core milliseconds a request."""

    resident: float
    peak: float
    request: float


@dataclass(frozen=True, slots=True)
class Held:
    """What servers of one roster took.

    Attributes
    ----------
    file, store
        Without a store; with one, after one clinician was changed.
    database
        MiB of the store's file, in which the roster is kept.
    kib_a_request
        KiB by which that file grew with each recorded request.
    change
        Core seconds the change of one clinician took.
    """

    clinicians: int
    file: Cost
    store: Cost
    database: float
    kib_a_request: float
    change: float


def held(bundle: Path, roster: Path, clinicians: int) -> Held:
    """Starts both servers, one after the other, asks them and reads what they took.

    A larger roster is the file's, over and over under new ids.
    """
    rows = roster.with_name(f"clinicians{clinicians}.csv")
    _over_and_over(roster, clinicians).to_csv(rows, index=False)
    settings: dict[str, object] = {"BUNDLE": bundle, "ROSTER": rows, **PATIENT}
    with live_server(settings) as server:
        file = _asked(server, {})
    path, places = rows.with_suffix(".db"), load_bundle(bundle).practice.places
    assert places is not None
    settings |= {"STORE": f"sqlite:///{path}", "PEPPER": PEPPER, "POLL_SECONDS": 0.2}
    keys = _keys(f"sqlite:///{path}")
    with live_server(settings) as server:
        _ask(server, keys[Role.STAFF], WARM_UP)
        before = _core_seconds(server)
        _change(server, keys[Role.ADMIN], places)
        change = _core_seconds(server) - before
        empty = _size(path)
        store = _asked(server, keys[Role.STAFF])
    full = _size(path)
    grown = 1024 * (full - empty) / (WARM_UP + REQUESTS)
    return Held(clinicians, file, store, full, grown, change)


def per_clinician(costs: Sequence[tuple[int, float]]) -> float:
    """KiB each further clinician takes, between the fewest and the most, from MiB."""
    (few, less), (many, more) = costs[0], costs[-1]
    return 1024 * (more - less) / (many - few)


def _asked(server: Server, key: Mapping[str, str]) -> Cost:
    _ask(server, key, WARM_UP)
    before = _core_seconds(server)
    _ask(server, key, REQUESTS)
    process, request = server.process.pid, 1000 * (_core_seconds(server) - before) / REQUESTS
    return Cost(_status(process, "VmRSS"), _status(process, "VmHWM"), request)


def _core_seconds(server: Server) -> float:
    """User and system time so far, of all threads: what is bought, however busy the machine."""
    told = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICKS


def _over_and_over(roster: Path, size: int) -> pd.DataFrame:
    table = pd.read_csv(roster, dtype=str, keep_default_na=False)
    many = table.iloc[[place % len(table) for place in range(size)]].copy()
    many["clinician_id"] = [f"k{place:06}" for place in range(size)]
    return many


def _keys(url: str) -> Mapping[Role, Mapping[str, str]]:
    made = keys_to(url, (Role.STAFF, Role.ADMIN))
    return {role: {"Authorization": f"Bearer {key}"} for role, key in made.items()}


def _ask(server: Server, key: Mapping[str, str], times: int) -> None:
    headers = {"Content-Type": "application/json", **key}
    with closing(_line(server)) as line:
        for _ in range(times):
            line.request("POST", "/v1/recommendations", CLIENT.read_bytes(), headers)
            response = line.getresponse()
            if response.status not in (200, 201):
                raise SystemExit(f"the server answered {response.status}")
            response.read()


def _change(server: Server, key: Mapping[str, str], places: str) -> None:
    path = "/v1/clinicians/k000000"
    with closing(_line(server)) as line:
        line.request("GET", path, headers=dict(key))
        response = line.getresponse()
        response.read()
        headers = {"Content-Type": "application/json", "If-Match": response.headers["ETag"], **key}
        line.request("PATCH", path, json.dumps({"facts": {places: 3}}), headers)
        response = line.getresponse()
        if response.status != 200:
            raise SystemExit(f"the server answered {response.status}")
        response.read()


def _line(server: Server) -> http.client.HTTPConnection:
    """A connection that waits as long as a large roster takes."""
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)


def _status(process: int, line: str) -> float:
    """MiB that Linux says of a process."""
    told = Path(f"/proc/{process}/status").read_text()
    return int(told.split(f"{line}:")[1].split()[0]) / 1024


def _size(path: Path) -> float:
    with closing(sqlite3.connect(path)) as store:
        pages, page = (
            store.execute(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "page_size")
        )
    return float(pages * page / MIB)


def follower_mib(directory: Path) -> float:
    """MiB resident of the process that follows a registry beside each `recommender serve`."""
    registry, bundle_cache = (
        f"sqlite:///{directory / 'mlflow.db'}",
        BundleCache(directory / "shelf"),
    )
    directory.mkdir(parents=True)
    Registry(registry).alias("champion")
    line = [sys.executable, "-m", "recommender.rollout.poller", str(bundle_cache.directory)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(f"{registry}\n")
        process.stdin.flush()
        wait_for_pointer(bundle_cache, PATIENCE_SECONDS)
        # It leaves with whoever holds the other end of its input.
        return _status(process.pid, "VmRSS")
