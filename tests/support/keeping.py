"""A running application that keeps what it is told: callers are staff unless they say otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from recommender.journal.roster_versions import RosterVersion, current_roster, replace_roster
from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.database import Store
from recommender.store.migration import open_store
from tests.support.builders import a_practice
from tests.support.served import RECOMMEND, TestClient, a_caller, a_request, some_settings

PEPPER = "a pepper of more than thirty-two letters"


@dataclass(frozen=True, slots=True)
class Keeping:
    """The server's clients, and its store as others see it."""

    staff: TestClient
    tool: TestClient
    other_tool: TestClient
    store: Store

    @property
    def app(self) -> FastAPI:
        assert isinstance(self.staff.app, FastAPI)
        return self.staff.app

    def recommended(self, **changes: Any) -> dict[str, Any]:
        """A recommendation that is kept."""
        response = self.staff.post(RECOMMEND, json=a_request(**changes))
        assert response.status_code == 201, response.text
        told: dict[str, Any] = response.json()
        return told

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        return self.staff.post(
            path, json=body, headers={} if key is None else {"idempotency-key": key}
        )


@contextmanager
def a_keeping(settings: Settings, url: str) -> Iterator[Keeping]:
    """A server on a store with the schema."""
    store = open_store(url)
    changed = settings.model_copy(update={"store": None})
    given = changed.model_dump() | {"store": url, "pepper": PEPPER}
    with a_caller(Settings(**given)) as staff:
        staff.headers["authorization"] = f"Bearer {make_key(store, 'desk', Role.STAFF)}"
        tools = [TestClient(staff.app, base_url="http://localhost") for _ in range(2)]
        for number, tool in enumerate(tools):
            tool.headers["authorization"] = f"Bearer {make_key(store, f't{number}', Role.TOOL)}"
        yield Keeping(staff, tools[0], tools[1], store)
    store.close()


def make_key(store: Store, name: str, role: Role) -> str:
    """A live key of this role."""
    with store.writing() as connection:
        wanted, now = KeyRequest(name, role), datetime.now(UTC)
        made = create_key(connection, wanted, Pepper.of(PEPPER), now=now, actor="test")
    return str(made.text)


def put_clinicians(store: Store, places: int) -> RosterVersion:
    """The small practice's clinicians in the journal, each with so many open places."""
    rows = {
        f"k{number:02d}": {"offers": ["cbt"], "guides": 3, "places": places} for number in range(12)
    }
    with store.writing() as connection:
        return replace_roster(
            connection, a_practice(), rows, seen=current_roster(connection).etag, actor="test"
        )


def some_practice(directory: Path) -> Settings:
    return some_settings(directory)
