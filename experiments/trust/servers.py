"""Two servers before one PostgreSQL: what one is told the other knows, one killed loses nothing.

Both are live servers in processes of their own, asked in turn; one of them is killed with -9 while
requests arrive, and whoever had no answer sends the same request, key and all, to the other.
"""

import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.line import Line
from experiments.trust.live import PATIENT, Server, Told, connected, live_server
from experiments.trust.postgres import binaries, running_cluster
from experiments.trust.subject import Subject
from experiments.trust.swaps import shelve
from recommender.journal.audit_log import verify
from recommender.model.bundle.io import load_bundle
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.security.scopes import Role
from recommender.store.database import connect
from recommender.store.schema import recommendations

CALLERS = 4
STAFF_AND_ADMIN = (Role.STAFF, Role.ADMIN)
"""Whoever asks, and whoever keeps the roster."""
SEEN_SECONDS = 5.0
RECOMMEND = "/v1/recommendations"
SEEN, KILLED = "two servers, one store", "one of two servers killed"
WITHIN = f"seen within {SEEN_SECONDS:g} s; one of two wins; one request, one recommendation"
TARGET = "0 acknowledged writes lost, 0 doubled"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers, the keys to them, the store they share and the field that counts places."""

    servers: tuple[Server, Server]
    keys: Mapping[Role, str]
    url: str
    bundle_cache: BundleCache
    digests: Sequence[str]
    places: str

    def ask(
        self,
        which: int,
        method: str,
        path: str,
        body: bytes | None = None,
        role: Role = Role.STAFF,
        **headers: str,
    ) -> tuple[int, Told]:
        """Status and body of what one of them answers; 0 where it does not."""
        status, told, _ = self.asked(which, method, path, body, role, **headers)
        return status, told

    def asked(
        self, which: int, method: str, path: str, body: bytes | None, role: Role, **headers: str
    ) -> tuple[int, Told, str]:
        """The same, and the ETag."""
        headers |= {"Authorization": f"Bearer {self.keys[role]}"}
        headers |= {"Content-Type": "application/json"} if body else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with closing(connected(self.servers[which].port)) as line:
                line.request(method, path, body, named)
                response = line.getresponse()
                told = json.loads(response.read() or b"{}")
                return response.status, told, response.headers.get("ETag", "")
        except (OSError, ValueError, http.client.HTTPException):
            return 0, {}, ""


@dataclass(slots=True)
class Kept:
    """Recommendations that callers were told of, by the key they sent."""

    ids: dict[str, str] = field(default_factory=dict)
    again: int = 0
    refused: Counter[int] = field(default_factory=Counter)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many rounds of changes seen from the other side, then as many seconds of load."""
    found = binaries()
    if found is None:
        why = "PostgreSQL's server is not on this machine"
        return [Line(name, "-", why, TARGET, passed=False) for name in (SEEN, KILLED)]
    with running_cluster(found) as cluster, _pair(subject, cluster.create("servers")) as pair:
        return [_seen(pair, count, subject.request), _killed(pair, count, subject.request)]


@contextmanager
def _pair(subject: Subject, url: str) -> Iterator[Pair]:
    bundle_cache = BundleCache(subject.workspace / "shelf")
    digests = shelve(subject, bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(digests[0]))
    keys = keys_to(url, STAFF_AND_ADMIN)
    places = load_bundle(subject.bundle).practice.places
    assert places is not None
    settings: dict[str, object] = {
        "BUNDLES": bundle_cache.directory,
        "ROSTER": subject.roster,
        "STORE": url,
        "PEPPER": PEPPER,
    }
    settings |= {"CALLS_PER_MINUTE": 1_000_000, **PATIENT}
    with live_server(settings) as one, live_server(settings) as other:
        yield Pair((one, other), keys, url, bundle_cache, digests, places)


def _seen(pair: Pair, rounds: int, request: bytes) -> Line:
    taken: dict[str, list[float | None]] = {"roster": [], "model": [], "decision": []}
    wins, alike = 0, 0
    for number in range(rounds):
        here, there = number % 2, 1 - number % 2
        taken["roster"].append(_roster_seen(pair, number, request))
        taken["model"].append(_model_seen(pair, number, there))
        taken["decision"].append(_decision_seen(pair, here, there, request))
        wins += _one_wins(pair)
        alike += _one_request(pair, request)
    slowest = {
        name: max((each for each in times if each is not None), default=float("inf"))
        for name, times in taken.items()
    }
    missed = sum(each is None for times in taken.values() for each in times)
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest.items())
    return Line(
        SEEN,
        f"{rounds} rounds on PostgreSQL: a change of the roster, a model, a decision; the last "
        "place taken and one request sent at both at once",
        f"slowest {said}; {missed} not seen; one winner {wins} of {rounds}; "
        f"one recommendation {alike} of {rounds}",
        WITHIN,
        missed == 0
        and max(slowest.values()) <= SEEN_SECONDS
        and wins == alike == rounds,
    )  # fmt: skip


def _roster_seen(pair: Pair, number: int, request: bytes) -> float | None:
    """Seconds until the other server recommends from a roster that was changed at the first."""
    here, there = number % 2, 1 - number % 2
    before = pair.ask(there, "POST", RECOMMEND, request)[1].get("roster_version")
    if _with_places(pair, here, _a_clinician(pair), number + 2) != 200:
        return None
    return _until(
        lambda: pair.ask(there, "POST", RECOMMEND, request)[1].get("roster_version") != before
    )


def _model_seen(pair: Pair, number: int, there: int) -> float | None:
    digest = pair.digests[(number + 1) % len(pair.digests)]
    pair.bundle_cache.write_pointer(RegistryPointer(digest))
    return _until(
        lambda: pair.ask(there, "GET", "/v1/models/current")[1]["model"]["digest"] == digest
    )


def _decision_seen(pair: Pair, here: int, there: int, request: bytes) -> float | None:
    told = pair.ask(here, "POST", RECOMMEND, request)[1]
    path = f"{RECOMMEND}/{told['recommendation_id']}/decisions"
    chosen = {"clinician_id": told["shortlist"][0]["clinician_id"], "kind": "chosen"}
    if pair.ask(here, "POST", path, json.dumps(chosen).encode())[0] != 201:
        return None
    return _until(lambda: len(pair.ask(there, "GET", path)[1].get("decisions", ())) == 1)


def _one_wins(pair: Pair) -> bool:
    """Whether of two who take the last place at two servers one gets it and one is told no."""
    name = _a_clinician(pair)
    if _with_places(pair, 0, name, 1) != 200:
        return False
    path = f"/v1/clinicians/{name}/places/take"
    statuses = _at_once(
        lambda which: pair.ask(which, "POST", path, Idempotency_Key=secrets.token_hex(8))[0]
    )
    return sorted(statuses) == [200, 409]


def _one_request(pair: Pair, request: bytes) -> bool:
    """Whether one request sent to both at once, under one key, is one recommendation."""
    key = secrets.token_hex(8)

    def ask(which: int) -> Any:
        until = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < until:
            status, told = pair.ask(which, "POST", RECOMMEND, request, Idempotency_Key=key)
            if status == 201:
                return told["recommendation_id"]
            time.sleep(0.05)
        return None

    one, other = _at_once(ask)
    return one is not None and one == other


def _killed(pair: Pair, seconds: int, request: bytes) -> Line:
    kept, stop = Kept(), threading.Event()
    callers = [
        threading.Thread(target=_call, args=(pair, number, request, kept, stop))
        for number in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    time.sleep(seconds / 2)
    pair.servers[0].process.kill()
    time.sleep(seconds / 2)
    stop.set()
    for caller in callers:
        caller.join()
    there, holds = _there(pair.url)
    told = set(kept.ids.values())
    lost, doubled = len(told - set(there)), sum(times - 1 for times in there.values())
    shared = len(kept.ids) - len(told)
    return Line(
        KILLED,
        f"{CALLERS} callers at both for {seconds} s, one server killed with -9 in the middle: "
        f"{len(told):,} recommendations acknowledged, {kept.again} sent again to the other",
        f"{lost} lost, {doubled + shared} doubled, chain {'holds' if holds else 'broken'}; "
        f"{sum(kept.refused.values())} refused",
        TARGET,
        lost == doubled == shared == 0 and holds and len(told) > 0 and kept.again > 0,
    )


def _call(pair: Pair, number: int, request: bytes, kept: Kept, stop: threading.Event) -> None:
    """Asks both in turn; what one did not answer is sent to the other until it is answered."""
    which = number % 2
    while not stop.is_set():
        key = secrets.token_hex(8)
        status, told = pair.ask(which, "POST", RECOMMEND, request, Idempotency_Key=key)
        until = time.monotonic() + SEEN_SECONDS
        while status != 201 and time.monotonic() < until:
            kept.again += status == 0
            kept.refused[status] += status not in (0, 409)
            which = 1 - which
            time.sleep(0.02)
            status, told = pair.ask(which, "POST", RECOMMEND, request, Idempotency_Key=key)
        if status == 201:
            kept.ids[key] = told["recommendation_id"]
        which = 1 - which


def _there(url: str) -> tuple[Counter[str], bool]:
    """Recommendations of the journal with how often each is there, and whether its chain holds."""
    store = connect(url)
    with store.reading() as connection:
        ids = Counter(connection.execute(select(recommendations.c.recommendation_id)).scalars())
        holds = verify(connection).holds
    store.close()
    return ids, holds


def _a_clinician(pair: Pair) -> str:
    told = pair.ask(0, "GET", "/v1/clinicians", role=Role.ADMIN)[1]
    name: str = told["clinicians"][0]["clinician_id"]
    return name


def _with_places(pair: Pair, which: int, name: str, places: int) -> int:
    """The status of saying how many places a clinician has open."""
    path = f"/v1/clinicians/{name}"
    tag = pair.asked(which, "GET", path, None, Role.ADMIN)[2]
    body = json.dumps({"facts": {pair.places: places}}).encode()
    return pair.ask(which, "PATCH", path, body, Role.ADMIN, If_Match=tag)[0]


def _until(holds: Callable[[], bool]) -> float | None:
    """Seconds until something holds; None where it does not in time."""
    started = time.monotonic()
    while time.monotonic() - started < 2 * SEEN_SECONDS:
        if holds():
            return time.monotonic() - started
        time.sleep(0.05)
    return None


def _at_once(ask: Callable[[int], Any]) -> list[Any]:
    """What both servers answer when asked at the same time."""
    found: list[Any] = [None, None]

    def one(which: int) -> None:
        found[which] = ask(which)

    threads = [threading.Thread(target=one, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
