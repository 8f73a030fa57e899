"""Short forms of the parts of `make trust` that ask a live server of another process."""

import json
import sqlite3
from pathlib import Path

import pytest

from experiments.trust import canaries, overload
from experiments.trust.canaries import CANARY, in_database, requests_of
from experiments.trust.subject import Subject
from tests.support.builders import a_bundle, write_tables
from tests.support.server import TestClient, a_request

pytestmark = pytest.mark.slow


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    write_tables(tmp_path)
    (tmp_path / "workspace").mkdir()
    return Subject(
        a_bundle(tmp_path),
        tmp_path / "clinicians.csv",
        json.dumps(a_request()).encode(),
        tmp_path / "workspace",
    )


@pytest.mark.long
def test_no_canary_is_found(subject: Subject) -> None:
    (line,) = canaries.measure(60, subject)
    assert line.passed, line


def test_a_canary_that_was_kept_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE audit (facts TEXT, sealed BLOB)")
        connection.execute("INSERT INTO audit VALUES ('{}', ?)", (CANARY.encode(),))
        connection.execute("CREATE TABLE roster_rows (cells TEXT)")
        connection.execute("INSERT INTO roster_rows VALUES (?)", (CANARY,))
    assert in_database(path) == ["audit.sealed"]


def test_the_canary_stands_in_every_field_of_every_body(caller: TestClient) -> None:
    contract = caller.get("/openapi.json").json()
    sent = list(requests_of(contract, 10_000))
    assert {f"{each.method} {path}" for each in sent for path in [each.path]} >= {
        "GET /livez?zqx~canary~7f3a=zqx~canary~7f3a",
        "PUT /v1/roster",
        "POST /v1/recommendations",
    }
    bodies = [json.loads(each.body) for each in sent if each.body and b"NaN" not in each.body
              and each.body.startswith(b"{") and each.body.endswith(b"}")]  # fmt: skip
    for name in ("concern", "wanted", "max_fee", "home", "free"):
        assert any(body.get("answers", {}).get(name) == CANARY
                   for body in bodies if isinstance(body.get("answers"), dict)), name  # fmt: skip
    for name in ("fee", "hours", "places", "rooms"):
        assert any(body.get("facts", {}).get(name) == CANARY
                   for body in bodies if isinstance(body.get("facts"), dict)), name  # fmt: skip


@pytest.mark.long
def test_under_overload_everybody_is_answered_or_refused(subject: Subject) -> None:
    over, others = overload.measure(1, subject)
    assert " 0 neither" in over.figure
    assert others.how.startswith("1,000 lines")
