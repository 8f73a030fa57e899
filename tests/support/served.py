"""A running application on the small practice, and requests to it."""

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from starlette.exceptions import StarletteDeprecationWarning

from recommender.serving.app import create_app
from recommender.serving.http.request_context import configure_logs
from recommender.settings import Settings
from tests.support.builders import a_bundle, write_tables

with warnings.catch_warnings():
    # Starlette asks for httpx2, which nothing else here needs.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient as TestClient

RECOMMEND = "/v1/recommendations"
CANARY = "zqxcanaryqz"
ANSWERS: dict[str, Any] = {"concern": "anxiety", "wanted": ["cbt"], "directive": 4, "agrees": True}


def some_settings(directory: Path, **changes: Any) -> Settings:
    """Settings of a server whose bundle and roster lie in a directory."""
    if not (directory / "bundle").exists():
        write_tables(directory)
        a_bundle(directory)
    given = {"bundle": directory / "bundle", "roster": directory / "clinicians.csv"}
    return Settings(**given | changes)


def a_caller(settings: Settings) -> TestClient:
    """A caller on the server's own machine; the application runs within `with`."""
    app = create_app(settings)
    return TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))


def a_request(answers: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A client who wants CBT, some guidance and agrees to a predicted order."""
    return {"answers": ANSWERS | (answers or {}), "asked_on": "2026-11-23"} | changes


def send(caller: TestClient, body: bytes, **headers: str) -> Any:
    """The response to a request of bytes as they are."""
    given = {"content-type": "application/json"} | headers
    return caller.post(RECOMMEND, content=body, headers=given)


@contextmanager
def kept_logs() -> Iterator[io.StringIO]:
    """What is logged within, as a server would write it."""
    stream = io.StringIO()
    configure_logs(stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged, line by line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
