"""A running application with a store: callers need keys here, and every role has one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from recommender.security.keys import KeyRequest, NewKey, Pepper, create_key
from recommender.security.passwords import add_account
from recommender.security.scopes import Role
from recommender.serving.auth.backend import AuthBackend
from recommender.serving.dependencies import app_state
from recommender.settings import Settings
from recommender.store.database import Store
from recommender.store.migration import open_store
from tests.support.served import TestClient, a_caller, some_settings

PEPPER = "a pepper of more than thirty-two letters"
PASSWORD = "four words without tune"
SAME_SITE = {"sec-fetch-site": "same-origin"}


@dataclass(slots=True)
class Guarded:
    """The server, and what opens it."""

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

    def make_key(self, name: str, role: Role, only: str | None = None) -> NewKey:
        wanted = KeyRequest(name, role, only)
        with self.store.writing() as connection:
            return create_key(connection, wanted, Pepper.of(PEPPER), now=self.now, actor="test")

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return self.client.request(method, path, headers=headers, **options)

    def log_in(self, password: str = PASSWORD, **headers: str) -> Any:
        told = {"name": "intake.desk", "password": password}
        return self.client.post("/v1/session", json=told, headers=SAME_SITE | headers)


def guarded_settings(directory: Path, **changes: Any) -> Settings:
    """Settings of a server with a store of its own."""
    given = {
        "store": SecretStr(f"sqlite:///{directory}/recommender.db"),
        "pepper": SecretStr(PEPPER),
    }
    return some_settings(directory, **given | changes)


@contextmanager
def guarded(settings: Settings) -> Iterator[Guarded]:
    """A running server with a key for every role and one account of staff."""
    assert settings.store is not None
    store, now = open_store(settings.store.get_secret_value()), datetime.now(UTC)
    with store.writing() as connection:
        keys = {
            role: create_key(
                connection, KeyRequest(f"a-{role}", role), Pepper.of(PEPPER), now=now, actor="test"
            )
            for role in Role
        }
        add_account(connection, "intake.desk", Role.STAFF, PASSWORD, now=now, actor="test")
    store.close()
    with a_caller(settings) as client:
        running = Guarded(client, keys, now)
        running.auth.clock = lambda: running.now
        yield running


def operations(app: FastAPI) -> tuple[tuple[str, str], ...]:
    """Every method and path the application answers, from its own route table."""
    found = []
    for route in iter_route_contexts(app.routes):
        assert route.methods, "a mounted application does not ask who calls"
        found += [(method, str(route.path)) for method in sorted(route.methods)]
    return tuple(found)
