"""A client changes their mind: what was said last holds, and the next training obeys it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.journal.consents import current_consents
from recommender.settings import Settings
from tests.support.server import (
    CANARY,
    JournalServer,
    TestClient,
    captured_logs,
    journal_server,
    server_settings,
)

CONSENTS = "/v1/subjects/c0001/consents"


@pytest.fixture
def keeping(tmp_path: Path, settings: Settings) -> Iterator[JournalServer]:
    with journal_server(settings, f"sqlite:///{tmp_path / 'journal.db'}") as kept:
        yield kept


def test_who_takes_back_that_they_may_be_learned_from_is_not(
    tmp_path: Path, a_store_url: str
) -> None:
    with journal_server(server_settings(tmp_path), a_store_url) as keeping:
        keeping.post(CONSENTS, {"version": "2026-1", "train": True, "research": True})
        told = keeping.post(CONSENTS, {"version": "2026-2", "train": False}).json()
        with keeping.store.reading() as connection:
            standing = current_consents(connection)
    assert told == {"consents": {"train": False, "research": True}, "reference_warnings": []}
    assert {scope: given for (_, scope), given in standing.items()} == told["consents"]


def test_sent_twice_with_a_key_it_is_one_statement(keeping: JournalServer) -> None:
    body = {"version": "2026-1", "train": False}
    first, again = (keeping.post(CONSENTS, body, "a key") for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("body", [{}, {"version": "2026-1"}, {"train": True}, {"version": "x y"}])
def test_what_says_nothing_is_refused(keeping: JournalServer, body: dict[str, object]) -> None:
    refused = keeping.post(CONSENTS, body)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-feedback")


def test_a_tool_may_not_speak_for_a_client(keeping: JournalServer) -> None:
    body = {"version": "2026-1", "train": True}
    assert keeping.tool.post(CONSENTS, json=body).status_code == 403


def test_a_pseudonym_that_is_none_is_refused_and_not_logged(keeping: JournalServer) -> None:
    with captured_logs() as stream:
        refused = keeping.post(f"/v1/subjects/{CANARY} x/consents", {"version": "1", "train": True})
    assert refused.status_code == 404
    assert CANARY not in stream.getvalue() + refused.text


def test_without_a_store_nothing_is_recorded(caller: TestClient) -> None:
    refused = caller.post(CONSENTS, json={"version": "2026-1", "train": True})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-store")
