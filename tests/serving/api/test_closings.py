"""Requests closed, replaced and decided on against a rule, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.settings import Settings
from tests.support.server import (
    RECOMMEND,
    JournalServer,
    TestClient,
    a_request,
    check_problem,
    journal_server,
    local_client,
)


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JournalServer]:
    folder: Path = tmp_path_factory.mktemp("closings")
    with journal_server(settings, f"sqlite:///{folder / 'journal.db'}") as running:
        yield running


def made(client: TestClient, **changes: Any) -> str:
    """The address of a new recommendation."""
    response = client.post(RECOMMEND, json=a_request(**changes))
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


def refusal(response: Any, status: int = 422) -> dict[str, Any]:
    """The first error of a problem."""
    found: dict[str, Any] = check_problem(response, status)["errors"][0]
    return found


def listed(server: JournalServer, state: str) -> dict[str, str | None]:
    """Reasons of closing by address, of the listed requests of a state."""
    page = server.staff.get(RECOMMEND, params={"state": state, "limit": 200}).json()
    return {
        f"{RECOMMEND}/{each['recommendation_id']}": each["closed_for"]
        for each in page["recommendations"]
    }


def test_a_request_is_closed_and_reopened_and_takes_no_decision_meanwhile(
    server: JournalServer,
) -> None:
    address = made(server.staff)
    (first, *_) = server.staff.get(address).json()["shortlist"]
    decision = {"clinician_id": first["clinician_id"]}
    closed = server.staff.post(f"{address}/closings", json={"reason": "duplicate"})
    assert closed.status_code == 201, closed.text
    assert closed.headers["location"] == f"{address}/closings"
    check_problem(server.staff.post(f"{address}/decisions", json=decision), 409)
    check_problem(server.staff.post(f"{address}/closings", json={"reason": "duplicate"}), 409)
    assert listed(server, "closed") == {address: "duplicate"}
    assert address not in listed(server, "undecided")
    again = server.staff.post(f"{address}/closings", json={"kind": "reopened"})
    assert again.json()["reason"] is None
    assert listed(server, "undecided")[address] is None
    assert server.staff.post(f"{address}/decisions", json=decision).status_code == 201
    history = server.staff.get(f"{address}/closings").json()["closings"]
    assert [(each["kind"], each["reason"]) for each in history] == [
        ("closed", "duplicate"),
        ("reopened", None),
    ]
    assert {each["actor"] for each in history} == {"key:desk"}


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": "gave up"}, {"kind": "reopened", "reason": "other"}, {"kind": "resumed"}],
)
def test_a_closing_needs_a_known_reason(server: JournalServer, body: dict[str, Any]) -> None:
    check_problem(server.staff.post(f"{made(server.staff)}/closings", json=body), 422)


def test_a_tool_closes_nothing(server: JournalServer) -> None:
    address = made(server.tool)
    check_problem(server.tool.post(f"{address}/closings", json={"reason": "other"}), 403)


def test_changed_answers_replace_an_earlier_request(server: JournalServer) -> None:
    earlier = made(server.tool, client_id="c7001")
    name = earlier.rpartition("/")[2]
    later = made(server.tool, client_id="c7001", replaces=name)
    closing = {"reason": "other"}
    assert server.staff.post(f"{earlier}/closings", json=closing).status_code == 409
    assert server.staff.post(f"{later}/closings", json=closing).status_code == 201


def decide(server: JournalServer, address: str) -> None:
    """A decision for the first who has a place left from the tests before."""
    shortlist = server.staff.get(address).json()["shortlist"]
    bodies = ({"clinician_id": each["clinician_id"]} for each in shortlist)
    answers = (server.staff.post(f"{address}/decisions", json=body) for body in bodies)
    assert any(each.status_code == 201 for each in answers)


def close(server: JournalServer, address: str) -> None:
    body = {"reason": "no_answer"}
    assert server.staff.post(f"{address}/closings", json=body).status_code == 201


def begin(server: JournalServer, address: str) -> None:
    name = address.rpartition("/")[2]
    pairing = {"pairing_id": f"p{name[:8]}", "client_id": "c7002", "clinician_id": "k01"}
    response = server.staff.post("/v1/pairings", json=pairing | {"recommendation_id": name})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("finish", "code"), [(decide, "decided"), (close, "closed"), (begin, "decided")]
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_request_that_staff_have_finished_with_is_not_replaced(
    server: JournalServer, finish: Any, code: str, query: str
) -> None:
    address = made(server.staff, client_id="c7002")
    finish(server, address)
    body = a_request(client_id="c7002", replaces=address.rpartition("/")[2])
    refused = refusal(server.staff.post(f"{RECOMMEND}{query}", json=body))
    assert (refused["pointer"], refused["code"]) == ("/replaces", code)


def test_only_a_request_of_the_same_client_and_caller_is_replaced(server: JournalServer) -> None:
    name = made(server.tool, client_id="c7003").rpartition("/")[2]
    cases: tuple[tuple[TestClient, dict[str, Any], str], ...] = (
        (server.tool, {"client_id": "c7004", "replaces": name}, "other_client"),
        (server.tool, {"replaces": name}, "other_client"),
        (server.other_tool, {"client_id": "c7003", "replaces": name}, "unknown_request"),
        (server.tool, {"replaces": "0" * 32}, "unknown_request"),
    )
    for caller, changes, code in cases:
        refused = refusal(caller.post(RECOMMEND, json=a_request(**changes)))
        assert (refused["pointer"], refused["code"]) == ("/replaces", code)
        assert "c7003" not in refused["message"]
    new = made(server.tool).rpartition("/")[2]
    made(server.tool, client_id="c7005", replaces=new)


def test_a_server_without_a_store_knows_no_request_to_replace(settings: Settings) -> None:
    with local_client(settings) as client:
        refused = refusal(client.post(RECOMMEND, json=a_request(replaces="0" * 32)))
    assert refused["code"] == "unknown_request"


def test_no_reason_overrides_that_a_client_avoids_a_clinician(server: JournalServer) -> None:
    address = made(server.staff, answers={"not_with": ["k01"]})
    body = {"clinician_id": "k01", "kind": "override", "reason": "clinical_judgement"}
    refused = refusal(server.staff.post(f"{address}/decisions", json=body))
    assert (refused["pointer"], refused["code"]) == ("/clinician_id", "never_overridden")
    assert "do_not_match" in refused["message"]
    assert server.staff.get(f"{address}/decisions").json()["decisions"] == []


def test_the_hour_of_a_first_appointment_is_read_back(server: JournalServer) -> None:
    pairing = {"pairing_id": "p-hour", "client_id": "c7006", "clinician_id": "k01"}
    assert server.staff.post("/v1/pairings", json=pairing).status_code == 201
    at = "/v1/pairings/p-hour"
    booked = {"kind": "booked", "happened_on": "2026-12-03", "local_time": "17:00"}
    assert server.staff.post(f"{at}/events", json=booked).json()["local_time"] == "17:00"
    assert server.staff.get(at).json()["first_time"] == "17:00"
    for wrong in ({"local_time": "25:00"}, {"kind": "attended", "session": 1}):
        day = {"happened_on": "2026-11-03"}
        check_problem(server.staff.post(f"{at}/events", json=booked | day | wrong), 422)
    attended = {"kind": "attended", "happened_on": "2026-11-04", "session": 1}
    assert server.staff.post(f"{at}/events", json=attended).status_code == 201
    assert server.staff.get(at).json()["first_time"] is None
