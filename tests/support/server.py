"""Applications on the small practice in this process, and the requests that tests send to them.

`local_client` serves a bundle without keys; `locked_server` has a key for each role and one staff
account; `journal_server` and `roster_client` store what they are sent; `cache_settings` follow a
bundle cache. Servers in processes of their own are in `server_process`.
"""

import io
import json
import secrets
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr
from starlette.exceptions import StarletteDeprecationWarning

from recommender.journal.roster_versions import RosterVersion, current_roster, replace_roster
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.rollout.bundle_cache import BundleCache
from recommender.security.accounts import add_account
from recommender.security.keys import KeyRequest, NewKey, Pepper, create_key
from recommender.security.scopes import Role
from recommender.serving.app import create_app
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.dependencies import app_state
from recommender.serving.http.json_log import configure_logs
from recommender.settings import Settings
from recommender.store.database import Store, open_store
from tests.support.builders import DEFINITION, a_bundle, a_model, a_practice, write_tables
from tests.support.contract_check import check_contract

with warnings.catch_warnings():
    # Starlette asks for httpx2, which nothing else here needs.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient as _TestClient

RECOMMEND = "/v1/recommendations"
FOR_TOOLS = f"{RECOMMEND}?include=facts,exclusions,relaxations,unanswered"
"""The address with every part that a matching tool may ask for."""
WHOLE = f"{FOR_TOOLS},contributions"
"""The address with every part."""


def whole(recommendation_id: str) -> str:
    """The address of all of a recommendation."""
    return WHOLE.replace("?", f"/{recommendation_id}?")


PEPPER = "a pepper of more than thirty-two letters"
PAGE_ORIGIN = "https://www.practice.example"
"""Origin of the page that publishable keys of tests are for."""
PASSWORD = "four words without tune"
SAME_SITE = {"sec-fetch-site": "same-origin"}
CANARY = "zqxcanaryqz"
"""A text that must appear in no log line, error or page."""
CANARY_NAME = f"{CANARY}!"
"""The same as the name of a member, in a form that no field has."""
ANSWERS: dict[str, Any] = {"concern": "anxiety", "wanted": ["cbt"], "directive": 4, "agrees": True}
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "errors"}
INES: dict[str, Any] = {
    "name": "Ines",
    "facts": {
        "offers": ["cbt"],
        "guides": 4,
        "fee": 220.5,
        "rooms": [{"latitude": -33.87, "longitude": 151.21}],
        "hours": [{"day": "mon", "start": "09:00", "end": "17:00"}],
        "places": 1,
        "not_with": [],
    },
}
"""A clinician as the roster's endpoints accept her."""


class TestClient(_TestClient):
    """A caller; what it is answered is compared with the contract of callers with its scopes."""

    __test__ = False

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._violations = check_contract(app)

    def request(self, *args: Any, **options: Any) -> Any:
        response = super().request(*args, **options)
        assert self._violations == [], self._violations
        return response


# Settings


def server_settings(directory: Path, **changes: Any) -> Settings:
    """Settings of a server without keys whose bundle and roster are in a directory."""
    if not (directory / "bundle").exists():
        write_tables(directory)
        a_bundle(directory)
    given = {"bundle": directory / "bundle", "roster": directory / "clinicians.csv"}
    return Settings(**given | changes)


def locked_settings(directory: Path, **changes: Any) -> Settings:
    """Settings of a server with a store, whose callers need keys."""
    given = {
        "store": SecretStr(f"sqlite:///{directory}/recommender.db"),
        "pepper": SecretStr(PEPPER),
    }
    return server_settings(directory, **given | changes)


def roster_settings(directory: Path, url: str | None = None, **changes: Any) -> Settings:
    """Settings of a server with a store that looks for changes of the roster all the time."""
    store = url or f"sqlite:///{directory / 'journal.db'}"
    return locked_settings(directory, store=store, poll_seconds=0.02, **changes)


def cache_settings(bundle_cache: BundleCache) -> Settings:
    """Settings of a server that follows a bundle cache and looks at it all the time."""
    return Settings(
        bundles=bundle_cache.directory,
        roster=bundle_cache.directory.parent / "clinicians.csv",
        practice=str(DEFINITION),
        poll_seconds=0.01,
    )


def settings_without_model(bundle_cache: BundleCache) -> Settings:
    """Settings of a server that has the roster and the definition, and no model."""
    return cache_settings(bundle_cache).model_copy(update={"bundles": None})


# Requests and responses


def a_request(answers: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A client who wants CBT, some guidance and agrees to a predicted order."""
    return {"answers": ANSWERS | (answers or {}), "asked_on": "2026-11-23"} | changes


def post_bytes(caller: TestClient, body: bytes, **headers: str) -> Any:
    """The response to a request for a recommendation whose body is these bytes."""
    given = {"content-type": "application/json"} | headers
    return caller.post(RECOMMEND, content=body, headers=given)


def etag_of(caller: TestClient, path: str) -> str:
    """The present version of the resource at an address."""
    return str(caller.get(path).headers["etag"])


def put_if_match(caller: TestClient, path: str, body: Any, **headers: str) -> Any:
    """The response to a PUT on the present version of a resource, or with the given headers."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.put(path, json=body, headers=given or {"if-match": etag_of(caller, path)})


def check_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a response, checked for everything that each must have."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert set(problem) == PROBLEM_MEMBERS
    assert problem["status"] == status
    assert problem["instance"] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    return problem


@contextmanager
def captured_logs() -> Iterator[io.StringIO]:
    """The log lines written within, as a server writes them."""
    stream = io.StringIO()
    configure_logs(stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()


def log_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Captured log lines, parsed."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# Servers


@lru_cache(maxsize=1)
def _migrated_file() -> bytes:
    """A SQLite file with the schema and no rows."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "migrated.db"
        store = open_store(f"sqlite:///{path}")
        store.scrub()
        store.close()
        return path.read_bytes()


def store_with_schema(url: str) -> Store:
    """The database at an address; a new SQLite file gets the schema as a copy, not by migrating."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        path.touch(0o600)
        path.write_bytes(_migrated_file())
    return open_store(url)


def local_client(settings: Settings) -> TestClient:
    """A caller on the server's own machine; the application runs within `with`."""
    app = create_app(settings)
    return TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))


def new_key(store: Store, name: str, role: Role, **more: Any) -> NewKey:
    """A live key of this role; a publishable one is for pages of `PAGE_ORIGIN`."""
    more = {"now": datetime.now(UTC)} | more
    now = more.pop("now")
    if role is Role.BROWSER:
        more = {"origins": (PAGE_ORIGIN,)} | more
    with store.writing() as connection:
        wanted = KeyRequest(name, role, **more)
        return create_key(connection, wanted, Pepper.of(PEPPER), now=now, actor="test")


@dataclass(slots=True)
class LockedServer:
    """A running server, a key for each role, and the time it takes for now."""

    client: TestClient
    keys: Mapping[Role, NewKey]
    now: datetime

    @property
    def auth(self) -> AuthBackend:
        assert isinstance(self.client.app, FastAPI)
        return app_state(self.client.app).auth

    @property
    def store(self) -> Store:
        assert self.auth.credentials is not None
        return self.auth.credentials.store

    def later(self, wait: timedelta) -> None:
        self.now += wait

    def make_key(self, name: str, role: Role, only: str | None = None, **more: Any) -> NewKey:
        return new_key(self.store, name, role, only=only, now=self.now, **more)

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
            if key.startswith("pk_"):
                headers.setdefault("origin", PAGE_ORIGIN)
        return self.client.request(method, path, headers=headers, **options)

    def log_in(self, password: str = PASSWORD, **headers: str) -> Any:
        body = {"name": "intake.desk", "password": password}
        return self.client.post("/v1/session", json=body, headers=SAME_SITE | headers)


@contextmanager
def locked_server(settings: Settings) -> Iterator[LockedServer]:
    """A running server with a key for each role and one staff account."""
    assert settings.store is not None
    store, now = store_with_schema(settings.store.get_secret_value()), datetime.now(UTC)
    keys = {role: new_key(store, f"a-{role}", role, now=now) for role in Role}
    with store.writing() as connection:
        add_account(connection, "intake.desk", Role.STAFF, PASSWORD, now=now, actor="test")
    store.close()
    with local_client(settings) as client:
        running = LockedServer(client, keys, now)
        running.auth.clock = lambda: running.now
        yield running


def operations(app: FastAPI) -> tuple[tuple[str, str], ...]:
    """Every method and path of the application's route table."""
    result = []
    for route in iter_route_contexts(app.routes):
        if str(route.path).endswith("/static"):
            continue
        assert route.methods, "a mounted application does not ask who calls"
        result += [(method, str(route.path)) for method in sorted(route.methods)]
    return tuple(result)


@dataclass(frozen=True, slots=True)
class JournalServer:
    """A running server's clients, and its store."""

    staff: TestClient
    tool: TestClient
    other_tool: TestClient
    store: Store

    @property
    def app(self) -> FastAPI:
        assert isinstance(self.staff.app, FastAPI)
        return self.staff.app

    def recommended(self, **changes: Any) -> dict[str, Any]:
        """All of a recommendation that is stored in the journal."""
        response = self.staff.post(WHOLE, json=a_request(**changes))
        assert response.status_code == 201, response.text
        result: dict[str, Any] = response.json()
        return result

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        return self.staff.post(
            path, json=body, headers={} if key is None else {"idempotency-key": key}
        )


@contextmanager
def journal_server(settings: Settings, url: str) -> Iterator[JournalServer]:
    """A server on a store that has the schema, one staff client and two tools."""
    store = store_with_schema(url)
    changed = settings.model_copy(update={"store": None})
    given = changed.model_dump() | {"store": url, "pepper": PEPPER}
    with local_client(Settings(**given)) as staff:
        staff.headers["authorization"] = f"Bearer {new_key(store, 'desk', Role.STAFF).text}"
        tools = [TestClient(staff.app, base_url="http://localhost") for _ in range(2)]
        for number, tool in enumerate(tools):
            key = new_key(store, f"t{number}", Role.TOOL)
            tool.headers["authorization"] = f"Bearer {key.text}"
        yield JournalServer(staff, tools[0], tools[1], store)
    store.close()


class KeyByRole(httpx.Auth):
    """Sends the staff key with requests for recommendations, the administrator's with others."""

    def __init__(self, keys: Mapping[Role, str]) -> None:
        self.keys = keys

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        role = Role.STAFF if request.url.path.startswith(RECOMMEND) else Role.ADMIN
        request.headers["authorization"] = f"Bearer {self.keys[role]}"
        yield request


@contextmanager
def roster_client(directory: Path, url: str | None = None, **changes: Any) -> Iterator[TestClient]:
    """A caller of a server with a store, with the keys of an administrator and of staff."""
    settings = roster_settings(directory, url, **changes)
    assert settings.store is not None
    store = store_with_schema(settings.store.get_secret_value())
    keys = {
        role: new_key(store, f"{role}-{secrets.token_hex(4)}", role).text
        for role in (Role.STAFF, Role.ADMIN)
    }
    store.close()
    with local_client(settings) as running:
        running.auth = KeyByRole(keys)
        yield running


def put_small_roster(store: Store, places: int) -> RosterVersion:
    """The small practice's clinicians in the journal, each with so many open places."""
    rows = {
        f"k{number:02d}": {"offers": ["cbt"], "guides": 3, "places": places} for number in range(12)
    }
    with store.writing() as connection:
        return replace_roster(
            connection, a_practice(), rows, seen=current_roster(connection).etag, actor="test"
        )


# Bundle caches


def empty_bundle_cache(directory: Path) -> BundleCache:
    """A bundle cache without bundles, beside a roster."""
    write_tables(directory)
    return BundleCache(directory / "shelf")


def put_bundle(bundle_cache: BundleCache, model: AllianceModel) -> str:
    """The digest of a model's bundle, which is put into the cache."""
    unnamed = bundle_cache.directory / "unnamed"
    digest = save_bundle(model, unnamed)
    unnamed.rename(bundle_cache.bundle(digest))
    return digest


def two_bundles(bundle_cache: BundleCache) -> tuple[str, str]:
    """Digests of two models whose predictions are half a point apart."""
    model = a_model()
    other = replace(model, client_mean=model.client_mean + 0.5)
    return put_bundle(bundle_cache, model), put_bundle(bundle_cache, other)


def damage_bundle(bundle_cache: BundleCache, digest: str) -> str:
    """The same digest, with one byte of its bundle changed."""
    path = bundle_cache.bundle(digest) / "arrays.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return digest


def wait_until(holds: Callable[[], bool]) -> None:
    """Returns when a condition holds; fails after ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.01)


def served_digest(caller: TestClient) -> str:
    """Digest of the active model."""
    return str(caller.get("/v1/models/current").json()["model"]["digest"])


def readiness(caller: TestClient) -> str:
    """The status that `/readyz` gives."""
    response = caller.get("/readyz")
    assert response.status_code == 200
    return str(response.json()["status"])
