"""Champions promoted in a live mlflow server while two servers that follow it answer.

Both are whole `recommender serve` commands before one PostgreSQL, each with bundles on a disk of
its own, and are asked all the time. Then the registry is killed: both go on.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.line import Line
from experiments.trust.live import PATIENT, START_SECONDS, live_server
from experiments.trust.postgres import binaries, running_cluster
from experiments.trust.servers import RECOMMEND, STAFF_AND_ADMIN, Pair
from experiments.trust.subject import Subject
from experiments.trust.swaps import shelve
from experiments.trust.tracking import Tracking, tracking_server
from recommender.model.bundle.io import load_bundle
from recommender.registry.registry import Registry
from recommender.rollout.bundle_cache import BundleCache
from recommender.training.mlflow_run import tracked_run

SEEN_SECONDS = 30.0
"""The registry is asked every 4 seconds; the rest is fetching and trying a bundle, twice."""
PAUSE = 0.1
"""Between two requests of one caller: both servers and both followers share this machine."""
AFTER = 10
"""Requests to each server once the registry is gone."""
NAME = "a promotion seen by two servers"
TARGET = f"taken up by both within {SEEN_SECONDS:g} s; 0 failed; both answer without a registry"


@dataclass(slots=True)
class Answered:
    """What both servers answered while champions changed."""

    statuses: Counter[int] = field(default_factory=Counter)
    digests: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, digest: str | None) -> None:
        """Counts one response."""
        with self.lock:
            self.statuses[status] += 1
            if digest is not None:
                self.digests.add(digest)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many promotions under load, then the registry's end."""
    found = binaries()
    if found is None:
        return [Line(NAME, "-", "PostgreSQL is not on this machine", TARGET, passed=False)]
    with running_cluster(found) as cluster, tracking_server(subject.workspace) as tracking:
        registry, versions = _published(subject, tracking)
        with _following(subject, cluster.create("registries"), tracking, versions) as pair:
            return [_promoted(pair, registry, versions, tracking, count, subject.request)]


def _published(subject: Subject, tracking: Tracking) -> tuple[Registry, Mapping[int, str]]:
    """The registry, and the digest of each version in it; the first is champion."""
    registry, bundle_cache = Registry(tracking.url), BundleCache(subject.workspace / "made")
    practice, versions = load_bundle(subject.bundle).practice, dict[int, str]()
    for digest in shelve(subject, bundle_cache):
        with tracked_run(registry, "trust", "published", {}) as run:
            made = registry.publish(run.run_id, bundle_cache.bundle(digest), practice, digest, {})
        versions[made.version] = digest
    _promote(registry, min(versions))
    return registry, versions


def _promote(registry: Registry, version: int) -> None:
    registry.promote(version, by="trust", at=datetime.now(UTC), reason="measured")


@contextmanager
def _following(
    subject: Subject, url: str, tracking: Tracking, versions: Mapping[int, str]
) -> Iterator[Pair]:
    """Two whole commands that share the registry and the store and nothing else."""
    keys = keys_to(url, STAFF_AND_ADMIN)
    practice = load_bundle(subject.bundle).practice
    settings: dict[str, object] = {"STORE": url, "PEPPER": PEPPER, **PATIENT}
    settings["CALLS_PER_MINUTE"] = 1_000_000
    with ExitStack() as both:
        servers = []
        for name in ("one", "other"):
            words = ["-m", "recommender.cli", "serve", "--registry", tracking.url]
            words += ["--bundles", str(subject.workspace / name), "--roster", str(subject.roster)]
            words += ["--practice", subject.practice]
            log = subject.workspace / f"{name}.log"
            servers.append(both.enter_context(live_server(settings, log, words)))
        bundle_cache, places = BundleCache(subject.workspace / "made"), practice.places
        assert places is not None
        yield Pair(
            (servers[0], servers[1]), keys, url, bundle_cache, tuple(versions.values()), places
        )


def _promoted(
    pair: Pair,
    registry: Registry,
    versions: Mapping[int, str],
    tracking: Tracking,
    count: int,
    request: bytes,
) -> Line:
    answered, stop, numbers = Answered(), threading.Event(), sorted(versions)
    # A registry that is slow to speak is not waited for: the definition answers meanwhile.
    _seen_by_both(pair, versions[numbers[0]], START_SECONDS)
    callers = [
        threading.Thread(target=_ask, args=(pair, which, request, answered, stop))
        for which in (0, 1)
    ]
    for caller in callers:
        caller.start()
    taken = [
        _taken_up(pair, registry, number, versions[number])
        for number in (numbers[round_ % len(numbers)] for round_ in range(1, count + 1))
    ]
    tracking.process.kill()
    tracking.process.wait()
    alone = _answers_alone(pair, request)
    stop.set()
    for caller in callers:
        caller.join()
    return _line(taken, answered, alone, set(versions.values()))


def _line(
    taken: Sequence[float | None], answered: Answered, alone: int, published: set[str]
) -> Line:
    done = [seconds for seconds in taken if seconds is not None]
    missed, total = len(taken) - len(done), sum(answered.statuses.values())
    failed = total - answered.statuses[201]
    return Line(
        NAME,
        f"{len(taken)} promotions in mlflow over HTTP, artifacts on it, two `recommender serve`; "
        f"{total:,} recommendations meanwhile; then the registry killed",
        f"slowest {max(done, default=float('inf')):.1f} s, {missed} missed; {failed} failed; "
        f"{alone} of {2 * AFTER} answered without a registry",
        TARGET,
        missed == failed == 0
        and max(done, default=0) <= SEEN_SECONDS
        and answered.digests <= published
        and len(answered.digests) > 1
        and alone == 2 * AFTER,
    )


def _ask(pair: Pair, which: int, request: bytes, answered: Answered, stop: threading.Event) -> None:
    while not stop.wait(PAUSE):
        status, told = pair.ask(which, "POST", RECOMMEND, request)
        answered.add(status, told["model"]["digest"] if status == 201 else None)


def _taken_up(pair: Pair, registry: Registry, number: int, digest: str) -> float | None:
    """Seconds until both answer with a version, counted from its promotion; None if never."""
    _promote(registry, number)
    return _seen_by_both(pair, digest, 4 * SEEN_SECONDS)


def _seen_by_both(pair: Pair, digest: str, patience: float) -> float | None:
    started = time.monotonic()
    while time.monotonic() - started < patience:
        told = [pair.ask(which, "GET", "/v1/models/current")[1] for which in (0, 1)]
        if all(each.get("model", {}).get("digest") == digest for each in told):
            return time.monotonic() - started
        time.sleep(PAUSE)
    return None


def _answers_alone(pair: Pair, request: bytes) -> int:
    statuses = [pair.ask(number % 2, "POST", RECOMMEND, request)[0] for number in range(2 * AFTER)]
    return statuses.count(201)
