"""With a sandbox key everything answers as usual, and no table gains a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from recommender.errors import KeyReusedError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.idempotency import StoredReply, ticket_for
from recommender.security.scopes import ROLES, Role
from recommender.serving.authorization import NEEDS, is_page
from recommender.serving.sandbox import LIFETIME_SECONDS, MAX_HELD, Sandbox
from recommender.store.database import Connection, Store
from recommender.store.schema import metadata
from tests.support.server import (
    RECOMMEND,
    LockedServer,
    a_request,
    check_problem,
    locked_server,
    locked_settings,
)

RATING: dict[str, Any] = {
    **{"pairing_id": "p1", "session": 3, "instrument": "wai_sr", "metric": "sum", "score": 48},
    "rated_on": "2026-10-20",
}
PAIRING = {"pairing_id": "p1", "client_id": "c1", "clinician_id": "k01"}
EVENT = {"kind": "attended", "happened_on": "2026-10-05", "session": 1}


class Trial:
    """A server, and a sandbox key of each role that can have one."""

    def __init__(self, server: LockedServer) -> None:
        self.server = server
        self.keys = {
            role: server.make_key(f"trial-{role}", role, sandbox=True).text
            for role in (Role.TOOL, Role.BROWSER, Role.STAFF)
        }

    def ask(self, role: Role, method: str, path: str, **options: Any) -> Any:
        response = self.server.ask(method, path, self.keys[role], **options)
        assert response.headers["recommender-sandbox"] == "true"
        return response


@pytest.fixture(scope="module")
def trial(practice_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    store = f"sqlite:///{tmp_path_factory.mktemp('sandbox')}/recommender.db"
    with locked_server(locked_settings(practice_files, store=store)) as server:
        yield Trial(server)


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_nothing_that_a_sandbox_key_sends_is_stored(trial: Trial) -> None:
    before, served = rows(trial.server.store), etag_of_roster(trial)
    again = {"idempotency-key": "trial-1"}
    written: dict[str, Any] = {}
    for role in trial.keys:
        for headers in ({}, again, again):
            made = trial.ask(role, "POST", RECOMMEND, json=a_request(), headers=headers)
            assert made.status_code == 201
    written[f"POST {RECOMMEND}"] = made
    where = made.headers["location"]
    desk = Role.STAFF
    chosen = {"clinician_id": made.json()["shortlist"][0]["clinician_id"]}
    for operation, path, body in (
        ("POST /v1/recommendations/{recommendation_id}/decisions", f"{where}/decisions", chosen),
        ("POST /v1/recommendations/{recommendation_id}/wishes", f"{where}/wishes", chosen),
        (
            "POST /v1/recommendations/{recommendation_id}/closings",
            f"{where}/closings",
            {"reason": "other"},
        ),
        ("POST /v1/pairings", "/v1/pairings", PAIRING),
        ("POST /v1/pairings/{pairing_id}/events", "/v1/pairings/p1/events", EVENT),
        ("POST /v1/ratings", "/v1/ratings", RATING),
        (
            "POST /v1/subjects/{pseudonym}/consents",
            "/v1/subjects/c1/consents",
            {"version": "2026-1", "train": True},
        ),
    ):
        written[operation] = trial.ask(desk, "POST", path, json=body, headers=again)
        assert written[operation].status_code in (200, 201), operation
    at = "/v1/clinicians/k01"
    for change in ("take", "give"):
        operation = f"POST /v1/clinicians/{{clinician_id}}/places/{change}"
        path = f"{at}/places/{change}"
        counted = [trial.ask(desk, "POST", path, headers={"idempotency-key": change}) for _ in "ab"]
        written[operation] = counted[0]
        assert [each.status_code for each in counted] == [200, 200]
        assert counted[1].headers["idempotent-replayed"] == "true"
    tag = {"if-match": trial.ask(desk, "GET", at).headers["etag"]}
    available = trial.ask(desk, "PUT", f"{at}/availability", json={"places": 7}, headers=tag)
    written["PUT /v1/clinicians/{clinician_id}/availability"] = available
    assert available.status_code == 200
    assert available.json()["clinician"]["facts"]["places"] == 7

    assert rows(trial.server.store) == before
    assert etag_of_roster(trial) == served
    # Every operation that writes and that a sandbox key may call was called.
    writing = {
        name
        for name, need in NEEDS.items()
        if not name.startswith("GET") and need in ROLES[desk] and not is_page(name.split(" ")[1])
    }
    computed = {
        "POST /v1/predictions",
        "POST /v1/allocations",
        # What is corrected is never found, see below.
        "POST /v1/ratings/{rating_id}/corrections",
    }
    assert set(written) == writing - computed


def etag_of_roster(trial: Trial) -> str:
    return str(trial.ask(Role.STAFF, "GET", "/v1/roster").headers["etag"])


def test_what_is_wrong_is_refused_as_it_always_is(trial: Trial) -> None:
    where = trial.ask(Role.STAFF, "POST", RECOMMEND, json=a_request()).headers["location"]
    wrong = trial.ask(Role.STAFF, "POST", f"{where}/decisions", json={"clinician_id": "nobody"})
    check_problem(wrong, 422)
    check_problem(trial.ask(Role.TOOL, "POST", RECOMMEND, json={"answers": {"colour": 1}}), 422)
    check_problem(trial.ask(Role.STAFF, "POST", "/v1/ratings", json=RATING | {"session": 0}), 422)
    check_problem(trial.ask(Role.TOOL, "POST", f"{where}/decisions", json={}), 403)


def test_what_was_not_stored_is_not_found_and_the_answer_says_why(trial: Trial) -> None:
    where = trial.ask(Role.TOOL, "POST", RECOMMEND, json=a_request()).headers["location"]
    for role, path in (
        (Role.TOOL, where),
        (Role.STAFF, f"{where}/decisions"),
        (Role.STAFF, "/v1/pairings/p1"),
        (Role.STAFF, "/v1/ratings/r1"),
    ):
        (error,) = check_problem(trial.ask(role, "GET", path), 404)["errors"]
        assert "sandbox key" in error["message"]
        assert "without --sandbox" in error["message"]
    for role in (Role.TOOL, Role.STAFF):
        listed = trial.ask(role, "GET", RECOMMEND)
        assert (listed.status_code, listed.json()) == (200, {"recommendations": [], "next": None})
    correction = {"expected_version": 1, "reason": "typed_wrongly", "rating": None}
    corrected = trial.ask(Role.STAFF, "POST", "/v1/ratings/r1/corrections", json=correction)
    check_problem(corrected, 404)


def test_a_sandbox_key_sees_and_decides_nothing_of_what_others_recorded(trial: Trial) -> None:
    tool = trial.server.keys[Role.TOOL].text
    where = trial.server.ask("POST", RECOMMEND, tool, json=a_request()).headers["location"]
    assert "recommender-sandbox" not in trial.server.ask("GET", where, tool).headers
    for role in (Role.TOOL, Role.STAFF):
        check_problem(trial.ask(role, "GET", where), 404)
    decided = trial.ask(Role.STAFF, "POST", f"{where}/decisions", json={"clinician_id": "k01"})
    check_problem(decided, 404)
    # Nor does one sandbox key find what another asked for.
    other = trial.ask(Role.TOOL, "POST", RECOMMEND, json=a_request()).headers["location"]
    decided = trial.ask(Role.STAFF, "POST", f"{other}/decisions", json={"clinician_id": "k01"})
    check_problem(decided, 404)


def test_a_repeated_request_gets_its_first_reply_for_ten_minutes(a_store: Store) -> None:
    now, executed, before = [0.0], list[int](), rows(a_store)

    def write(connection: Connection) -> StoredReply:
        executed.append(1)
        append(connection, AuditEntry("test", "key.revoked", {}))
        return StoredReply(201, str(len(executed)).encode())

    sandbox = Sandbox(a_store, clock=lambda: now[0])
    ticket = ticket_for("key:trial", "POST /v1/ratings", "k", {"a": 1})
    first = sandbox.execute(ticket, write, actor="key:trial")
    now[0] = LIFETIME_SECONDS - 1
    again = sandbox.execute(ticket, write, actor="key:trial")
    assert (first.replayed, again.replayed, again.body) == (False, True, first.body)
    with pytest.raises(KeyReusedError):
        sandbox.execute(
            ticket_for("key:trial", "POST /v1/ratings", "k", {"a": 2}), write, actor="key:trial"
        )
    now[0] = LIFETIME_SECONDS
    assert not sandbox.execute(ticket, write, actor="key:trial").replayed
    for number in range(MAX_HELD):
        other = ticket_for("key:trial", "POST /v1/ratings", f"k{number}", {})
        sandbox.execute(other, write, actor="key:trial")
    assert not sandbox.execute(ticket, write, actor="key:trial").replayed
    assert len(executed) == MAX_HELD + 3
    assert rows(a_store) == before
