import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.clinician import availability_of, build_clinician_schema
from recommender.store.database import open_store
from tests.support.builders import a_practice
from tests.support.journal_rows import roster_at
from tests.support.server import (
    CANARY,
    CANARY_NAME,
    INES,
    WHOLE,
    TestClient,
    a_request,
    etag_of,
    put_if_match,
    roster_client,
    wait_until,
)

ONE = "/v1/clinicians/k03"


@pytest.fixture
def journal_writer(tmp_path: Path) -> Any:
    with roster_client(tmp_path) as running:
        yield running


def shown(caller: TestClient) -> dict[str, Any]:
    told: dict[str, Any] = caller.post(WHOLE, json=a_request(top_k=50)).json()
    return told


def test_an_empty_store_is_seeded_from_the_file_and_only_once(tmp_path: Path) -> None:
    with roster_client(tmp_path) as caller:
        before = caller.get("/v1/roster")
        assert len(before.json()["clinicians"]) == 12
        headers = {"if-match": etag_of(caller, ONE)}
        assert caller.delete(ONE, headers=headers).status_code == 204
    with roster_client(tmp_path) as caller:
        assert len(caller.get("/v1/roster").json()["clinicians"]) == 11


def test_a_roster_from_a_file_is_told_as_one_from_a_store(
    caller: TestClient, journal_writer: TestClient
) -> None:
    told, kept = caller.get("/v1/roster").json(), journal_writer.get("/v1/roster").json()
    assert told["clinicians"] == kept["clinicians"]
    assert told["roster_version"] == shown(caller)["roster_version"]
    assert kept["roster_version"] == shown(journal_writer)["roster_version"]
    assert {key: shown(caller)[key] for key in ("shortlist", "excluded")} == {
        key: shown(journal_writer)[key] for key in ("shortlist", "excluded")
    }


def test_a_change_answers_at_once_and_says_its_version(journal_writer: TestClient) -> None:
    response = put_if_match(journal_writer, "/v1/clinicians/ines", INES, if_none_match="*")
    assert response.status_code == 200, response.text
    told = response.json()
    assert told["clinician"] == {"clinician_id": "ines", **INES}
    assert response.headers["etag"] == etag_of(journal_writer, "/v1/clinicians/ines")
    found = shown(journal_writer)
    assert "ines" in {each["clinician_id"] for each in found["shortlist"]}
    assert found["roster_version"] == told["roster_version"]
    assert found["availability_as_of"][:19] == told["availability_as_of"][:19]


def test_what_is_put_is_what_is_got(journal_writer: TestClient) -> None:
    before = journal_writer.get(ONE).json()["clinician"]
    sent = {"name": before["name"], "facts": before["facts"]}
    assert put_if_match(journal_writer, ONE, sent).json()["clinician"] == before


def test_no_change_without_the_version_it_was_made_on(journal_writer: TestClient) -> None:
    for response in (
        journal_writer.put(ONE, json=INES),
        journal_writer.patch(ONE, json={"facts": {"years": 3}}),
        journal_writer.put(f"{ONE}/availability", json={"places": 3}),
        journal_writer.delete(ONE),
        journal_writer.put("/v1/roster", json={"clinicians": [{"clinician_id": "a", **INES}]}),
        journal_writer.put(ONE, json=INES, headers={"if-match": "*"}),
        journal_writer.put(ONE, json=INES, headers={"if-match": 'W/"abc"'}),
    ):
        assert (response.status_code, response.json()["type"]) == (
            428,
            "/problems/precondition-required",
        )


def test_a_change_made_on_an_older_version_is_refused(journal_writer: TestClient) -> None:
    old = etag_of(journal_writer, ONE)
    assert put_if_match(journal_writer, ONE, INES, if_match=old).status_code == 200
    for response in (
        put_if_match(journal_writer, ONE, INES, if_match=old),
        put_if_match(journal_writer, ONE, INES, if_none_match="*"),
        journal_writer.patch(ONE, json={}, headers={"if-match": old}),
        journal_writer.delete(ONE, headers={"if-match": old}),
    ):
        assert (response.status_code, response.json()["type"]) == (412, "/problems/stale")
    assert (
        put_if_match(
            journal_writer, ONE, INES, if_match=f'"x", {etag_of(journal_writer, ONE)}'
        ).status_code
        == 200
    )


def test_whoever_has_the_version_is_sent_nothing(journal_writer: TestClient) -> None:
    for path in (ONE, "/v1/clinicians", "/v1/roster", "/v1/models"):
        tag = etag_of(journal_writer, path)
        response = journal_writer.get(path, headers={"if-none-match": f'"other", W/{tag}'})
        assert (response.status_code, response.content) == (304, b"")
        assert journal_writer.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_patch_changes_what_it_names_and_null_empties(journal_writer: TestClient) -> None:
    before = journal_writer.get(ONE).json()["clinician"]
    body = {"facts": {"years": 3, "guides": None}}
    response = journal_writer.patch(
        ONE, json=body, headers={"if-match": etag_of(journal_writer, ONE)}
    )
    after = response.json()["clinician"]
    assert after["facts"]["years"] == 3
    assert "guides" not in after["facts"]
    assert after["name"] == before["name"]
    assert after["facts"]["fee"] == before["facts"]["fee"]


def test_availability_is_what_constraints_on_capacity_and_time_compare(
    journal_writer: TestClient,
) -> None:
    assert availability_of(a_practice()) == ("hours", "places")
    assert {"places_open", "hours", "next_available"} <= set(availability_of(shipped_practice()))
    headers = {"if-match": etag_of(journal_writer, ONE)}
    response = journal_writer.put(f"{ONE}/availability", json={"places": 7}, headers=headers)
    facts = response.json()["clinician"]["facts"]
    assert facts["places"] == 7
    assert "hours" not in facts
    assert "fee" in facts
    response = journal_writer.put(f"{ONE}/availability", json={"fee": 7}, headers=headers)
    assert response.status_code == 422


def test_a_roster_put_whole_is_the_roster(journal_writer: TestClient) -> None:
    body = {"clinicians": [{"clinician_id": name, **INES} for name in ("b", "a")]}
    told = put_if_match(journal_writer, "/v1/roster", body).json()
    assert [each["clinician_id"] for each in told["clinicians"]] == ["a", "b"]
    assert shown(journal_writer)["eligible"] == 2
    again = put_if_match(journal_writer, "/v1/roster", body).json()
    assert again["clinicians"] == told["clinicians"]
    assert again["availability_as_of"] > told["availability_as_of"]


def test_the_last_clinician_stays(journal_writer: TestClient) -> None:
    put_if_match(journal_writer, "/v1/roster", {"clinicians": [{"clinician_id": "a", **INES}]})
    headers = {"if-match": etag_of(journal_writer, "/v1/clinicians/a")}
    assert journal_writer.delete("/v1/clinicians/a", headers=headers).status_code == 409
    assert journal_writer.get("/v1/clinicians/a").status_code == 200


def test_pages_together_are_the_roster(journal_writer: TestClient) -> None:
    told, path = [], "/v1/clinicians?limit=5"
    while path:
        page = journal_writer.get(path).json()
        told += page["clinicians"]
        path = page["next"]
    assert told == journal_writer.get("/v1/roster").json()["clinicians"]
    for query in ("limit=0", f"limit={CANARY}", f"after={CANARY}%20"):
        response = journal_writer.get(f"/v1/clinicians?{query}")
        assert response.status_code == 400
        assert CANARY not in response.text


@pytest.mark.parametrize(
    "body",
    [
        {"facts": {CANARY_NAME: 1}},
        {"facts": {"years": CANARY}},
        {"facts": {"offers": [CANARY]}},
        {"facts": {"years": 1e300}},
        {"facts": {"hours": [{"day": "mon", "start": "10:00", "end": "09:00"}]}},
        {"facts": {}, "name": f"{CANARY}\nx"},
        {CANARY_NAME: 1, "facts": {}},
        [CANARY],
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(
    journal_writer: TestClient, body: Any
) -> None:
    response = put_if_match(journal_writer, "/v1/clinicians/new", body, if_none_match="*")
    assert response.status_code == 422, response.text
    assert response.json()["type"] == "/problems/invalid-clinician"
    assert response.json()["errors"]
    assert CANARY not in response.text
    assert journal_writer.get("/v1/clinicians/new").status_code == 404


def test_ids_are_pseudonyms_and_each_is_there_once(journal_writer: TestClient) -> None:
    response = put_if_match(journal_writer, "/v1/clinicians/0412345678", INES, if_none_match="*")
    assert response.status_code == 422
    assert "0412345678" not in response.text
    body = {"clinicians": [{"clinician_id": "a", **INES}] * 2}
    assert (
        put_if_match(journal_writer, "/v1/roster", body).json()["errors"][0]["code"] == "repeated"
    )


def test_a_roster_in_a_file_is_changed_in_the_file(caller: TestClient) -> None:
    response = put_if_match(caller, ONE, INES)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/no-store")


@pytest.mark.both_databases("locks")
def test_of_many_who_take_the_last_place_one_gets_it(tmp_path: Path, a_store_url: str) -> None:
    with (
        roster_client(tmp_path, a_store_url) as first,
        roster_client(tmp_path, a_store_url) as second,
    ):
        put_if_match(first, "/v1/clinicians/ines", INES, if_none_match="*")

        def take(number: int) -> int:
            caller = (first, second)[number % 2]
            path = "/v1/clinicians/ines/places/take"
            return int(caller.post(path, headers={"idempotency-key": f"n{number}"}).status_code)

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(take, range(16)))
        assert sorted(statuses) == [200] + [409] * 15
        assert first.get("/v1/clinicians/ines").json()["clinician"]["facts"]["places"] == 0
        excluded = {each["clinician_id"] for each in shown(first)["excluded"]}
        assert "ines" in excluded


def test_a_place_is_taken_once_however_often_it_is_sent(journal_writer: TestClient) -> None:
    put_if_match(
        journal_writer, "/v1/clinicians/ines", INES | {"facts": {"places": 3}}, if_none_match="*"
    )
    path, key = "/v1/clinicians/ines/places", {"idempotency-key": "one"}
    first = journal_writer.post(f"{path}/take", headers=key)
    again = journal_writer.post(f"{path}/take", headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["clinician"]["facts"]["places"] == 2
    given = journal_writer.post(f"{path}/give", headers=key)
    assert given.json()["clinician"]["facts"]["places"] == 3
    assert journal_writer.post(f"{path}/take").status_code == 400
    other = journal_writer.post("/v1/clinicians/k03/places/take", headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")


@pytest.mark.both_databases("transactions")
def test_what_one_server_writes_another_takes_up(tmp_path: Path, a_store_url: str) -> None:
    with (
        roster_client(tmp_path, a_store_url) as first,
        roster_client(tmp_path, a_store_url) as second,
    ):
        told = put_if_match(first, "/v1/clinicians/ines", INES, if_none_match="*").json()
        # Whoever asks for the roster is told of the newest at once; answers follow in a moment.
        assert second.get("/v1/clinicians/ines").json() == told
        wait_until(lambda: shown(second)["roster_version"] == told["roster_version"])
    store = open_store(a_store_url)
    with store.reading() as connection:
        assert "ines" in roster_at(connection, told["roster_version"]).rows
    store.close()


def test_answers_follow_without_anybody_asking_for_the_roster(tmp_path: Path) -> None:
    with roster_client(tmp_path) as first, roster_client(tmp_path) as second:
        told = put_if_match(first, "/v1/clinicians/ines", INES, if_none_match="*").json()
        wait_until(lambda: shown(second)["roster_version"] == told["roster_version"])


def test_what_is_old_is_said_to_be(tmp_path: Path) -> None:
    with roster_client(tmp_path, stale_hours=1e-9) as caller:
        assert any("hours ago" in warning for warning in shown(caller)["warnings"])
    with roster_client(tmp_path) as caller:
        assert not any("hours ago" in warning for warning in shown(caller)["warnings"])


def test_the_contract_has_exactly_this_practices_fields(journal_writer: TestClient) -> None:
    schemas = journal_writer.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["Facts"]["properties"]) == set(a_practice().clinician)
    assert set(schemas["Availability"]["properties"]) == {"hours", "places"}
    assert {"ClinicianUpdate", "ClinicianPatch", "Clinician", "RosterUpdate"} <= set(schemas)
    assert "HTTPValidationError" not in schemas


def test_every_example_is_accepted() -> None:
    for practice in (a_practice(), shipped_practice()):
        form = build_clinician_schema(practice)
        for model in (*form.bodies, *form.responses):
            for example in model.model_json_schema(by_alias=True).get("examples", ()):
                model.model_validate_json(json.dumps(example))
