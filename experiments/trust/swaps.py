"""Models exchanged under load in a live server of another process: nothing fails, nothing mixes.

Every response is held against what this process computes from the bundle whose digest the response
claims, number by number.
"""

import http.client
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from experiments.trust.line import Line
from experiments.trust.live import PATIENT, Told, call, connected, live_server
from experiments.trust.subject import Subject
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.required_scope import NOTHING
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings

MODELS, CALLERS = 3, 4
TOP_KS = (1, 2, 3, 5, 8, 13)
"""Sizes of shortlists asked for: as many kinds of request, each with answers of its own."""
WARM = 10
"""Swaps after which memory is first read: by then every buffer has found its size."""
SWAP_SECONDS = 30.0
TENTH = 10
GROWTH = 0.05


@dataclass(slots=True)
class Load:
    """What came of the requests of all callers, added up while they run."""

    answered: int = 0
    failed: int = 0
    mixed: int = 0
    digests: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, told: Told, expected: Told | None) -> None:
        """Counts one response."""
        with self.lock:
            self.answered += 1
            self.failed += status != 200
            self.mixed += status == 200 and told != expected
            if status == 200:
                self.digests.add(told["model"]["digest"])


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many swaps and rollbacks, and at every tenth a damaged bundle that must be refused."""
    bundle_cache = BundleCache(subject.workspace / "shelf")
    digests = shelve(subject, bundle_cache)
    expected = _expected(subject, bundle_cache, digests)
    load, stop, taken = Load(), threading.Event(), []
    bundle_cache.write_pointer(RegistryPointer(digests[0]))
    settings = {"BUNDLES": bundle_cache.directory, "ROSTER": subject.roster, "POLL_SECONDS": 0.2}
    with live_server(settings | PATIENT) as server:
        callers = [
            threading.Thread(target=_ask, args=(server.port, subject.request, expected, load, stop))
            for _ in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        before, refused = 0, 0
        for swap in range(1, count + 1):
            taken.append(_swap(server.port, bundle_cache, digests[swap % MODELS]))
            if swap % TENTH == 0:
                refused += _is_refused(
                    server.port, bundle_cache, _damaged(bundle_cache, digests[0])
                )
            if swap == min(WARM, count):
                before = server.memory()
        after = server.memory()
        stop.set()
        for caller in callers:
            caller.join()
    swapped = _swapped(count, load, taken, refused)
    return swapped, _grown(count, before, after)


def _swapped(count: int, load: Load, taken: Sequence[float | None], refused: int) -> Line:
    done = [seconds for seconds in taken if seconds is not None]
    missed, offered = count - len(done), count // TENTH
    slowest = f"slowest {max(done):.1f} s" if done else "none done"
    bad = missed + load.failed + load.mixed + offered - refused
    return Line(
        "hot swap and rollback under load",
        f"{count} swaps, {CALLERS} callers, {load.answered:,} responses recomputed by the digest "
        "they claim, a damaged bundle offered after every tenth",
        f"{missed} missed, {slowest}; {load.failed} failed, {load.mixed} mixed; "
        f"{refused} of {offered} damaged refused",
        "0 missed, 0 failed, 0 mixed, all damaged refused",
        bad == 0 and load.answered > count and len(load.digests) == min(MODELS, count + 1),
    )


def _grown(count: int, before: int, after: int) -> Line:
    growth = after / before - 1
    return Line(
        "memory over the swaps",
        f"resident memory of the server, from swap {min(WARM, count)} to swap {count}",
        f"{before / 2**20:.0f} to {after / 2**20:.0f} MiB, {growth:+.1%}",
        f"at most +{GROWTH:.0%}",
        growth <= GROWTH,
    )


def shelve(subject: Subject, bundle_cache: BundleCache) -> list[str]:
    """Bundles of models that predict apart from each other, by digest."""
    model, digests = load_bundle(subject.bundle), []
    for place in range(MODELS):
        unnamed = subject.workspace / "unnamed"
        other = replace(model, client_mean=model.client_mean - 0.25 * place)
        digests.append(save_bundle(other, unnamed))
        bundle_cache.directory.mkdir(parents=True, exist_ok=True)
        unnamed.rename(bundle_cache.bundle(digests[-1]))
    return digests


def _damaged(bundle_cache: BundleCache, digest: str) -> str:
    """The digest of a bundle that is not what its digest says."""
    broken = bundle_cache.bundle("ab" * 32)
    if not broken.exists():
        shutil.copytree(bundle_cache.bundle(digest), broken)
        (broken / "report.json").write_bytes(b"{ }")
    return broken.name


def _expected(
    subject: Subject, bundle_cache: BundleCache, digests: Sequence[str]
) -> Mapping[tuple[str, int], Told]:
    """What each model answers to each kind of request, computed here."""
    found = {}
    for digest in digests:
        state = open_snapshot(Settings(bundle=bundle_cache.bundle(digest), roster=subject.roster))
        for top_k in TOP_KS:
            request = state.form.read(_body(subject.request, top_k))
            body = recommend_parsed(state, request).to_json(included=NOTHING)
            found[digest, top_k] = _comparable(json.loads(body))
    return found


def _body(request: bytes, top_k: int) -> Told:
    return {**json.loads(request), "top_k": top_k, "asked_on": "2026-11-23"}


def _comparable(told: Told) -> Told:
    """A response without what is different each time."""
    return {name: part for name, part in told.items() if name != "recommendation_id"}


def _ask(
    port: int,
    request: bytes,
    expected: Mapping[tuple[str, int], Told],
    load: Load,
    stop: threading.Event,
) -> None:
    """Asks without a pause until told to stop; a connection that breaks is a failure."""
    bodies = {top_k: json.dumps(_body(request, top_k)).encode() for top_k in TOP_KS}
    connection, turn = connected(port), 0
    while not stop.is_set():
        top_k = TOP_KS[turn % len(TOP_KS)]
        turn += 1
        try:
            status, told = call(connection, "POST", "/v1/recommendations", bodies[top_k])
        except (OSError, ValueError, http.client.HTTPException):
            connection.close()
            load.add(0, {}, None)
            continue
        digest = told.get("model", {}).get("digest", "")
        load.add(status, _comparable(told), expected.get((digest, top_k)))
    connection.close()


def _is_refused(port: int, bundle_cache: BundleCache, digest: str) -> bool:
    """Whether a bundle, once offered, is seen, refused, and told of without detail."""
    bundle_cache.write_pointer(RegistryPointer(digest))
    return _comes(port, "/readyz", lambda told: told == {"status": "degraded"}) is not None


def _swap(port: int, bundle_cache: BundleCache, digest: str) -> float | None:
    """Seconds from an offer until it answers; None where it never did."""
    bundle_cache.write_pointer(RegistryPointer(digest))
    return _comes(port, "/v1/models/current", lambda told: told["model"]["digest"] == digest)


def _comes(port: int, path: str, holds: Callable[[Told], bool]) -> float | None:
    """Seconds until the server says what is waited for; None where it does not in time."""
    started = time.monotonic()
    while time.monotonic() - started < SWAP_SECONDS:
        with closing(connected(port)) as connection:
            if holds(call(connection, "GET", path)[1]):
                return time.monotonic() - started
        time.sleep(0.05)
    return None
