import json
from pathlib import Path

import pytest
from sqlalchemy import text

from recommender.journal.extract import record_training
from recommender.store.database import connect, open_store
from tests.support.journal_rows import pair, rate, recommend
from tests.support.server import CANARY, TestClient, captured_logs, roster_client

ME = "/v1/subjects/c0001"


def a_client_is_kept(url: str) -> None:
    """A client who was recommended, met somebody and rated, and whom a model learned from."""
    store = open_store(url)
    recommend(store)
    pair(store)
    rate(store)
    with store.writing() as connection:
        record_training(connection, "d" * 64, ["p1"], actor="test")
    store.close()


@pytest.mark.both_databases("triggers")
def test_all_that_is_kept_of_a_client_is_told_and_then_forgotten(
    tmp_path: Path, a_store_url: str
) -> None:
    a_client_is_kept(a_store_url)
    with roster_client(tmp_path, a_store_url) as caller:
        told = caller.get(f"{ME}/export")
        assert told.headers["cache-control"] == "no-store"
        assert [each["pairing_id"] for each in told.json()["pairings"]] == ["p1"]
        assert told.json()["payloads"][0]["request"]
        assert told.json()["models"] == ["d" * 64]
        receipt = caller.delete(ME).json()
        assert receipt["model_digests"] == ["d" * 64]
        assert receipt["rows"]["ratings"] == 1
        for response in (caller.get(f"{ME}/export"), caller.delete(ME)):
            assert (response.status_code, response.json()["type"]) == (
                404,
                "/problems/no-such-record",
            )
        found = caller.get("/v1/audit-events/verification").json()
        assert found["valid"]
        assert found["rows"] > 3


def test_a_chain_that_was_tampered_with_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    a_client_is_kept(url)
    store = connect(url)
    with store.writing() as connection:
        for (name,) in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))
        connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE seq = 2"))
    store.close()
    with roster_client(tmp_path, url) as caller:
        found = caller.get("/v1/audit-events/verification").json()
    assert (found["valid"], found["first_invalid"]) == (False, 2)
    assert found["problem"] == "was changed after it was written"


def test_without_a_store_nothing_is_kept_of_anybody(caller: TestClient) -> None:
    for response in (
        caller.get(f"{ME}/export"),
        caller.delete(ME),
        caller.get("/v1/audit-events/verification"),
    ):
        assert (response.status_code, response.json()["type"]) == (409, "/problems/no-store")


def test_a_pseudonym_in_an_address_is_not_logged(tmp_path: Path) -> None:
    with captured_logs() as stream, roster_client(tmp_path) as caller:
        address = f"/v1/subjects/{CANARY}/export"
        responses = [caller.get(address), caller.get(f"{address}?{CANARY}={CANARY}")]
        caller.delete(f"/v1/subjects/{CANARY}")
    assert [each.status_code for each in responses] == [404, 400]
    sent = [each.text + json.dumps(dict(each.headers)) for each in responses]
    assert CANARY not in "".join([stream.getvalue(), *sent])
