"""Ids in a request that name nobody are said in the answer, and nothing is changed silently."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.security.scopes import Role
from recommender.settings import Settings
from tests.support.builders import a_bundle, some_rows, write_rows
from tests.support.page_reader import Reader
from tests.support.server import (
    RECOMMEND,
    LockedServer,
    TestClient,
    a_request,
    check_problem,
    local_client,
    locked_server,
    locked_settings,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clinicians 000 to 011; 004 may not see the client listed as c-012."""
    directory = tmp_path_factory.mktemp("numbered")
    rows = some_rows(pairings=2)
    for row in rows["clinicians"]:
        row["clinician_id"] = f"0{row['clinician_id'].removeprefix('k')}"
    rows["clinicians"][4]["not_with"] = "c-012"
    write_rows(directory, rows)
    a_bundle(directory)
    return directory


@pytest.fixture(scope="module")
def numbered(directory: Path) -> Iterator[TestClient]:
    settings = Settings(bundle=directory / "bundle", roster=directory / "clinicians.csv")
    with local_client(settings) as client:
        yield client


@pytest.fixture
def guarded(directory: Path, store_file: Path, cheap_passwords: None) -> Iterator[LockedServer]:
    with locked_server(locked_settings(directory, store=f"sqlite:///{store_file}")) as server:
        yield server


def shown(answer: dict[str, Any]) -> set[str]:
    return {each["clinician_id"] for each in answer["shortlist"]}


def test_a_block_that_lost_its_zeros_is_said_with_the_clinician_it_may_mean(
    numbered: TestClient,
) -> None:
    answer = numbered.post(RECOMMEND, json=a_request({"not_with": ["011", "5"]}, top_k=50)).json()
    assert answer["reference_warnings"] == [
        {
            "pointer": "/answers/not_with/1",
            "code": "unknown_id",
            "message": "is nobody on the roster and has no effect; this refusal excludes nobody: "
            "005 is not excluded by it; did you mean 005?",
            "did_you_mean": ["005"],
            "listed_as": [],
        }
    ]
    assert answer["warnings"][0] == (
        "Clinicians the client cannot see: 5 (did you mean 005?) is nobody on the roster and has "
        "no effect. As written, this refusal excludes nobody: 005 is not excluded by it."
    )
    assert "011" not in shown(answer)
    assert "005" in shown(answer)


def test_the_id_that_was_proposed_blocks_the_clinician(numbered: TestClient) -> None:
    answer = numbered.post(RECOMMEND, json=a_request({"not_with": ["005"]}, top_k=50)).json()
    assert answer["reference_warnings"] == []
    assert "005" not in shown(answer)


def test_a_name_in_place_of_an_id_is_not_repeated(numbered: TestClient) -> None:
    response = numbered.post(RECOMMEND, json=a_request({"not_with": ["Zqxcanaryqz"]}))
    answer = response.json()
    assert "Zqxcanaryqz" not in response.text
    assert "one that is not written like an id is nobody on the roster" in answer["warnings"][0]


@pytest.mark.parametrize(
    ("path", "asked", "pointer"),
    [
        (RECOMMEND, a_request({"not_with": ["011", "Clinician F"]}), "/answers/not_with/1"),
        ("/v1/predictions", a_request(clinician_ids=["Clinician F"]), "/clinician_ids/0"),
    ],
)
def test_a_block_by_full_name_is_refused_with_the_id_that_blocks(
    numbered: TestClient, path: str, asked: dict[str, Any], pointer: str
) -> None:
    problem = check_problem(numbered.post(path, json=asked), 422)
    (error,) = problem["errors"]
    assert error["pointer"] == pointer
    assert error["message"].startswith("is not an id, which has at most 64 letters")
    assert error["message"].endswith("; did you mean 005?")


def test_a_client_named_like_a_clinician_is_not_taken_for_the_clinician(
    numbered: TestClient,
) -> None:
    response = numbered.post(RECOMMEND, json=a_request(client_id="Clinician F"))
    assert "did you mean" not in response.text
    assert "is not an id" in response.text


def test_only_staff_are_told_how_a_list_writes_a_nearly_equal_client(
    guarded: LockedServer,
) -> None:
    answers = {
        role: guarded.ask(
            "POST", RECOMMEND, guarded.keys[role].text, json=a_request(client_id="C012")
        )
        for role in (Role.STAFF, Role.TOOL)
    }
    for role, response in answers.items():
        assert response.status_code == 201, response.text
        (warning,) = response.json()["reference_warnings"]
        assert (warning["pointer"], warning["code"]) == ("/client_id", "similar_client_id")
        assert warning.get("listed_as") == (["c-012"] if role is Role.STAFF else None)
        assert "does not exclude its clinician for this client" in warning["message"]
    assert "c-012" not in answers[Role.TOOL].text
    shown = answers[Role.TOOL].json()["shortlist"][0]["clinician_id"]
    named = a_request(client_id="C012", clinician_ids=[shown])
    key = guarded.keys[Role.TOOL].text
    predicted = guarded.ask("POST", "/v1/predictions", key, json=named)
    assert predicted.status_code == 200, predicted.text
    assert predicted.json()["reference_warnings"]
    assert "c-012" not in predicted.text
    stored = answers[Role.STAFF].json()
    again = guarded.ask(
        "GET", f"{RECOMMEND}/{stored['recommendation_id']}", guarded.keys[Role.STAFF].text
    )
    assert again.json() == stored


def test_the_client_whose_id_is_written_as_listed_is_kept_from_the_clinician(
    numbered: TestClient,
) -> None:
    answer = numbered.post(RECOMMEND, json=a_request(client_id="c-012", top_k=50)).json()
    assert answer["reference_warnings"] == []
    assert "004" not in shown(answer)


def test_predictions_say_the_same_and_propose_the_clinician_meant(numbered: TestClient) -> None:
    asked = a_request({"not_with": ["5"]}, client_id="C012")
    answer = numbered.post("/v1/predictions", json=asked | {"clinician_ids": ["005"]}).json()
    codes = [each["code"] for each in answer["reference_warnings"]]
    assert codes == ["unknown_id", "similar_client_id"]
    assert answer["reference_warnings"][1]["listed_as"] == ["c-012"]
    refused = numbered.post("/v1/predictions", json=asked | {"clinician_ids": ["005", "7"]})
    (error,) = check_problem(refused, 422)["errors"]
    assert error["pointer"] == "/clinician_ids/1"
    assert error["message"] == "is not on the roster; did you mean 007?"


def test_a_waiting_list_says_it_for_each_of_its_clients(numbered: TestClient) -> None:
    answers = a_request({"not_with": ["5"]})["answers"]
    clients = [{"client_id": f"w{n}", "answers": answers} for n in range(2)]
    response = numbered.post("/v1/allocations", json={"clients": clients}).json()
    assert [each["pointer"] for each in response["reference_warnings"]] == [
        "/clients/0/answers/not_with/0",
        "/clients/1/answers/not_with/0",
    ]
    (line,) = response["warnings"]
    assert line.startswith("client.not_with of w0, w1: has 1 id that is nobody on the roster: 5")
    former = [{"client_id": "w0", "answers": {}, "former_clinician_id": "5"}]
    moved = numbered.post("/v1/allocations", json={"clients": former}).json()
    (warning,) = moved["reference_warnings"]
    assert warning["pointer"] == "/clients/0/former_clinician_id"
    assert warning["did_you_mean"] == ["005"]
    assert moved["warnings"][0].startswith("earlier allocation: names 1 not on the roster")
    promised = [{"client_id": "w0", "answers": answers, "promised_clinician_id": "5"}]
    refused = check_problem(numbered.post("/v1/allocations", json={"clients": promised}), 422)
    assert refused["errors"][0]["message"] == "is not on the roster; did you mean 005?"


def test_a_decision_on_nobody_proposes_the_clinician_meant(guarded: LockedServer) -> None:
    staff = guarded.keys[Role.STAFF].text
    made = guarded.ask("POST", RECOMMEND, staff, json=a_request()).json()["recommendation_id"]
    decision = {"clinician_id": "5", "kind": "override", "reason": "client_wish"}
    refused = guarded.ask("POST", f"{RECOMMEND}/{made}/decisions", staff, json=decision)
    (error,) = check_problem(refused, 422)["errors"]
    assert error["message"].endswith("did you mean 005?")


def test_names_of_the_file_are_those_the_form_offers(directory: Path, numbered: TestClient) -> None:
    with (directory / "clinicians.csv").open(newline="") as file:
        people = {row["clinician_id"]: row["name"] for row in csv.DictReader(file)}
    page = Reader(numbered.get("/staff/requests/new").text)
    for clinician_id, name in people.items():
        assert (f"{name} ({clinician_id})" if name else clinician_id) in page.text


# Clients who are recorded


@pytest.fixture
def recorded(guarded: LockedServer) -> LockedServer:
    """A server on which client c005 is recorded with pairing p007."""
    body = {"pairing_id": "p007", "client_id": "c005", "clinician_id": "005"}
    answer = asked(guarded, "POST", "/v1/pairings", Role.STAFF, json=body)
    assert answer.status_code == 201
    assert answer.json()["reference_warnings"] == []
    return guarded


def asked(server: LockedServer, method: str, path: str, role: Role, **options: Any) -> Any:
    return server.ask(method, path, server.keys[role].text, **options)


def test_a_pairing_of_a_nearly_known_client_with_nobody_is_recorded_and_said(
    recorded: LockedServer,
) -> None:
    body = {"pairing_id": "p8", "client_id": "C5", "clinician_id": "7"}
    answer = asked(recorded, "POST", "/v1/pairings", Role.STAFF, json=body)
    assert answer.status_code == 201
    client, clinician = answer.json()["reference_warnings"]
    assert (client["pointer"], client["listed_as"]) == ("/client_id", ["c005"])
    assert (clinician["pointer"], clinician["did_you_mean"]) == ("/clinician_id", ["007"])


def test_a_consent_withdrawn_under_a_nearly_equal_id_is_said(recorded: LockedServer) -> None:
    path, body = "/v1/subjects/{}/consents", {"version": "1", "train": False}
    answer = asked(recorded, "POST", path.format("c5"), Role.STAFF, json=body).json()
    assert answer["reference_warnings"][0]["listed_as"] == ["c005"]
    exact = asked(recorded, "POST", path.format("c005"), Role.STAFF, json=body).json()
    assert exact["reference_warnings"] == []


@pytest.mark.parametrize(("method", "ending"), [("DELETE", ""), ("GET", "/export")])
def test_who_asks_about_nobody_is_told_who_may_be_meant(
    recorded: LockedServer, method: str, ending: str
) -> None:
    missed = asked(recorded, method, f"/v1/subjects/C-5{ending}", Role.ADMIN)
    assert "did you mean c005? Otherwise check the pseudonym" in missed.text
    assert missed.status_code == 404
    plain = asked(recorded, method, f"/v1/subjects/z9{ending}", Role.ADMIN)
    assert "did you mean" not in plain.text


def test_a_rating_and_an_event_of_a_nearly_known_pairing_say_which(recorded: LockedServer) -> None:
    event = {"kind": "booked", "happened_on": "2026-11-20"}
    answer = asked(recorded, "POST", "/v1/pairings/P-7/events", Role.STAFF, json=event).json()
    assert (answer["pairing_known"], answer["did_you_mean"]) == (False, ["p007"])
    known = asked(recorded, "POST", "/v1/pairings/p007/events", Role.STAFF, json=event).json()
    assert (known["pairing_known"], known["did_you_mean"]) == (True, [])


def test_a_roster_that_lists_a_nearly_known_client_is_stored_and_says_so(
    recorded: LockedServer,
) -> None:
    path = "/v1/clinicians/003"
    before = asked(recorded, "GET", path, Role.ADMIN)
    patch = {"facts": {"not_with": ["c999", "C5"]}}
    headers = {"if-match": before.headers["etag"]}
    answer = asked(recorded, "PATCH", path, Role.ADMIN, json=patch, headers=headers)
    assert answer.status_code == 200, answer.text
    (warning,) = answer.json()["reference_warnings"]
    assert (warning["pointer"], warning["listed_as"]) == ("/facts/not_with/1", ["c005"])
    assert "this refusal excludes nobody: c005 is not excluded by it" in warning["message"]
    assert "reference_warnings" not in asked(recorded, "GET", path, Role.ADMIN).json()


def test_a_clinician_written_without_zeros_is_not_found_and_proposed(
    recorded: LockedServer,
) -> None:
    missed = asked(recorded, "GET", "/v1/clinicians/5", Role.ADMIN)
    assert missed.status_code == 404
    assert "did you mean 005? Otherwise check it" in missed.text
