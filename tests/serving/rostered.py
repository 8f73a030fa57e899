"""A server with a store, and what is sent to its roster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recommender.settings import Settings
from tests.serving.served import TestClient, a_caller, some_settings

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
    return some_settings(directory, store=store, look_seconds=0.02, **changes)


@contextmanager
def a_keeper(directory: Path, url: str | None = None, **changes: Any) -> Iterator[TestClient]:
    """A caller of a server with a store."""
    with a_caller(with_store(directory, url, **changes)) as running:
        yield running


def etag_of(caller: TestClient, path: str) -> str:
    """The version of what stands at an address."""
    return str(caller.get(path).headers["etag"])


def put(caller: TestClient, path: str, body: Any, **headers: str) -> Any:
    """The response to a PUT of a body on the version that stands there, or on the one given."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.put(path, json=body, headers=given or {"if-match": etag_of(caller, path)})
