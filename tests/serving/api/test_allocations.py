"""A waiting list over HTTP is allocated as the command allocates it, and refused in its places."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from recommender.allocation.allocate import allocate
from recommender.allocation.terms import Floor, Limit, Terms, WaitingClient
from recommender.cli.main import app
from recommender.practice.columns import read_rows
from recommender.security.scopes import Role
from recommender.serving.api import allocations
from recommender.serving.dependencies import app_state
from recommender.serving.schemas.allocation_request import MAX_CLIENTS
from recommender.settings import Settings
from recommender.tables.cells import People
from tests.support.builders import DAY, a_model, a_practice, an_encoding
from tests.support.server import (
    CANARY,
    LockedServer,
    TestClient,
    captured_logs,
    check_problem,
    local_client,
)

ALLOCATE = "/v1/allocations"
CONCERNS = ("anxiety", "grief", "sleep")


def answers_of(number: int) -> dict[str, Any]:
    return {
        "concern": CONCERNS[number % 3],
        "wanted": [("act", "cbt", "emdr")[number % 3]],
        "directive": number % 21 - 10,
        "agrees": number % 5 != 4,
    }


def a_client(number: int, **changes: Any) -> dict[str, Any]:
    return {"client_id": f"w{number:02d}", "answers": answers_of(number)} | changes


def a_list(size: int = 14, **terms: Any) -> dict[str, Any]:
    clients = [a_client(number) for number in range(size)]
    return {"clients": clients, "asked_on": DAY.isoformat()} | terms


def asked(caller: TestClient, body: dict[str, Any], status: int = 200) -> Any:
    response = caller.post(ALLOCATE, json=body)
    assert response.status_code == status, response.text
    return response.json()


def test_it_says_what_the_engine_says(caller: TestClient) -> None:
    body = a_list(
        places=[{"clinician_id": "k03", "places": 2}, {"clinician_id": "k05", "places": 3}],
        limits=[{"field": "concern", "level": "grief", "max_clients": 1}],
        floor={"within_points": 0.4},
        longest_wait_days=60,
    )
    body["clients"][3] |= {"promised_clinician_id": "k03", "weight": 2.0}
    body["clients"][6] |= {
        "priority": 2,
        "waiting_since": "2026-01-05",
        "former_clinician_id": "k05",
    }
    told = asked(caller, body)

    rows = [answers_of(number) for number in range(14)]
    fields = a_practice().fields("client", "score", "filter")
    ids = tuple(each["client_id"] for each in body["clients"])
    waiting = [WaitingClient(name) for name in ids]
    waiting[3] = WaitingClient("w03", promised_clinician_id="k03", weight=2.0)
    since = DAY.replace(year=2026, month=1, day=5)
    waiting[6] = WaitingClient("w06", priority=2, waiting_since=since, former_clinician_id="k05")
    terms = Terms(
        places={"k03": 2, "k05": 3},
        limits=(Limit("concern", "grief", 1),),
        floor=Floor(within=0.4),
        longest_wait_days=60,
    )
    people = People(ids, (None,) * len(ids), read_rows(fields, rows))
    found = allocate(people, waiting, an_encoding(), a_model(), terms, day=DAY)

    assert [
        (each["client_id"], each["clinician_id"], each["choice_rank"])
        for each in told["assignments"]
    ] == [(each.client_id, each.clinician_id, each.rank) for each in found.assigned]
    for one, other in zip(told["assignments"], found.assigned, strict=True):
        assert one["points_below_first"] == (other.cost and pytest.approx(other.cost, abs=0.005))
    assert [(each["client_id"], each["reason"]) for each in told["unplaced"]] == [
        (each.client_id, each.reason) for each in found.unplaced
    ]
    assert [(each["clinician_id"], each["placed"]) for each in told["marginal_capacity"]] == [
        (each.clinician_id, each.placed) for each in found.marginal_places
    ]
    assert {"promised", None} <= {each["retained"] for each in told["assignments"]}
    assert told["unplaced"]


def test_it_says_what_the_command_writes(
    caller: TestClient, settings: Settings, tmp_path: Path
) -> None:
    body = a_list()
    told = asked(caller, body)
    with (tmp_path / "clients.csv").open("w", newline="") as file:
        names = ["client_id", *a_practice().fields("client")]
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for each in body["clients"]:
            given = each["answers"]
            cells = given | {"wanted": ";".join(given["wanted"]), "agrees": str(given["agrees"])}
            writer.writerow({"client_id": each["client_id"], **cells})
    line = ["allocate", "--clients", str(tmp_path / "clients.csv"), "--day", DAY.isoformat()]
    line += ["--roster", str(settings.roster), "--bundle", str(settings.bundle)]
    done = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "out" / "allocation.csv").open() as file:
        written = {row["client_id"]: row for row in csv.DictReader(file)}
    assert len(written) == len(told["assignments"]) + len(told["unplaced"])
    for each in told["assignments"]:
        row = written[each["client_id"]]
        assert row["clinician_id"] == each["clinician_id"]
        shown = (each["predicted_alliance"], each["points_below_first"])
        kept = (row["predicted_alliance"], row["points_below_first"])
        for one, other in zip(shown, kept, strict=True):
            assert one == (round(float(other), 2) if other else None)
    for each in told["unplaced"]:
        assert written[each["client_id"]]["why"] == each["text"]


def test_the_example_of_the_contract_is_accepted(caller: TestClient) -> None:
    contract = caller.get("/openapi.json").json()
    (example,) = contract["components"]["schemas"]["AllocationRequest"]["examples"]
    told = asked(caller, example)
    assert len(told["assignments"]) + len(told["unplaced"]) == len(example["clients"])


def test_a_list_too_long_is_sent_to_the_command(
    caller: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [a_client(0, client_id=f"w{number}") for number in range(MAX_CLIENTS + 1)]
    refused = caller.post(ALLOCATE, json={"clients": clients})
    told = check_problem(refused, 422)
    assert told["type"] == "/problems/list-too-long"
    assert "recommender allocate" in told["detail"]
    monkeypatch.setattr(allocations, "MAX_PAIRS", 25)
    told = check_problem(caller.post(ALLOCATE, json=a_list()), 422)
    assert told["errors"][0]["message"].endswith("allows: 2")


def test_a_list_larger_than_the_limit_is_not_read(settings: Settings) -> None:
    with local_client(settings.model_copy(update={"max_list_bytes": 2048})) as small:
        check_problem(small.post(ALLOCATE, json=a_list(size=60)), 413)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"clients": []}, "/clients"),
        ({"clients": [a_client(1), a_client(1)]}, "/clients"),
        (
            {"clients": [a_client(0), a_client(1, promised_clinician_id=CANARY)]},
            "/clients/1/promised_clinician_id",
        ),
        ({"clients": [a_client(0, priority=0)]}, "/clients/0/priority"),
        ({"clients": [a_client(0, weight=0)]}, "/clients/0/weight"),
        ({"clients": [a_client(0, answers={"concern": CANARY})]}, "/clients/0/answers/concern"),
        ({"places": [{"clinician_id": CANARY, "places": 1}]}, "/places"),
        ({"places": [{"clinician_id": "k01", "places": -1}]}, "/places/0/places"),
        ({"limits": [{"field": CANARY, "level": "a", "max_clients": 1}]}, "/limits/0"),
        ({"limits": [{"field": "concern", "level": CANARY, "max_clients": 1}]}, "/limits/0"),
        (
            {
                "limits": [
                    {"field": "concern", "level": "grief", "max_clients": 1, "clinician_id": CANARY}
                ]
            },
            "/limits/0/clinician_id",
        ),
        ({"floor": {"within_points": -1}}, "/floor/within_points"),
        ({"marginal_value_for": 21}, "/marginal_value_for"),
    ],
)
def test_what_is_wrong_is_named_by_place_and_not_repeated(
    caller: TestClient, changes: dict[str, Any], pointer: str
) -> None:
    with captured_logs() as stream:
        refused = caller.post(ALLOCATE, json=a_list(size=2) | changes)
    assert pointer in [each["pointer"] for each in check_problem(refused, 422)["errors"]]
    assert CANARY not in refused.text + stream.getvalue()


def test_nobody_of_a_list_is_in_the_log(caller: TestClient) -> None:
    body = a_list(size=3)
    body["clients"][0]["client_id"] = CANARY
    with captured_logs() as stream:
        assert CANARY in json.dumps(asked(caller, body))
    assert ALLOCATE in stream.getvalue()
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.TOOL, 403), (Role.SCIENTIST, 403), (Role.STAFF, 200), (Role.ADMIN, 200)],
)
def test_staff_and_admins_may_allocate(locked: LockedServer, role: Role, status: int) -> None:
    response = locked.ask("POST", ALLOCATE, locked.keys[role].text, json=a_list(size=2))
    assert response.status_code == status


def test_lists_wait_in_a_line_of_their_own(settings: Settings) -> None:
    with local_client(settings) as running:
        assert isinstance(running.app, FastAPI)
        queues = app_state(running.app).queues
        assert queues.allocations is not queues.recommendations
