"""A server with a store, and what is sent to its roster."""

import secrets
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection

from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.migration import open_store
from tests.support.guarded import PEPPER
from tests.support.served import RECOMMEND, TestClient, a_caller, some_settings

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


def with_store(directory: Path, url: str | None = None, **changes: Any) -> Settings:
    """Settings of a server whose roster is kept in a database."""
    store = url or f"sqlite:///{directory / 'journal.db'}"
    return some_settings(directory, store=store, pepper=PEPPER, poll_seconds=0.02, **changes)


class ByRole(httpx.Auth):
    """Shows the key of whoever asks this: staff for recommendations, the administrator else."""

    def __init__(self, keys: Mapping[Role, str]) -> None:
        self.keys = keys

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        role = Role.STAFF if request.url.path.startswith(RECOMMEND) else Role.ADMIN
        request.headers["authorization"] = f"Bearer {self.keys[role]}"
        yield request


@contextmanager
def a_keeper(directory: Path, url: str | None = None, **changes: Any) -> Iterator[TestClient]:
    """A caller of a server with a store."""
    settings = with_store(directory, url, **changes)
    assert settings.store is not None
    store = open_store(settings.store.get_secret_value())
    with store.writing() as connection:
        keys = {role: _key(connection, role) for role in (Role.STAFF, Role.ADMIN)}
    store.close()
    with a_caller(settings) as running:
        running.auth = ByRole(keys)
        yield running


def _key(connection: Connection, role: Role) -> str:
    wanted = KeyRequest(f"{role}-{secrets.token_hex(4)}", role)
    now = datetime.now(UTC)
    return create_key(connection, wanted, Pepper.of(PEPPER), now=now, actor="test").text


def etag_of(caller: TestClient, path: str) -> str:
    """The version of what stands at an address."""
    return str(caller.get(path).headers["etag"])


def put(caller: TestClient, path: str, body: Any, **headers: str) -> Any:
    """The response to a PUT of a body on the version that stands there, or on the one given."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.put(path, json=body, headers=given or {"if-match": etag_of(caller, path)})
