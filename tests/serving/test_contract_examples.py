"""Every example of the contract, sent as it is to a live server with the sample practice.

The published example of a recommendation once matched nobody.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from experiments.demo.practice import write_clinicians, write_definition
from experiments.trust.contract import RoleContract, closed
from recommender.practice.definition import load_practice, shipped_practice
from recommender.security.accounts import add_account
from recommender.security.scopes import Role
from recommender.serving.contract_examples import sent_parameters
from recommender.serving.role_contract import operations_of
from recommender.serving.schemas.intake import build_request_schema, example_answers
from recommender.store.database import open_store
from tests.support.builders import a_practice
from tests.support.server import PEPPER, RECOMMEND, TestClient, new_key
from tests.support.server_process import running_server

IN_ORDER = (Role.STAFF, Role.ADMIN, Role.SCIENTIST, Role.TOOL)
"""Each operation is called by the first role that may call it."""
LAST = "DELETE"


@dataclass
class Walk:
    """A live server, and what its operations answered to the examples of its contract."""

    port: int
    keys: Mapping[Role, str]
    client: httpx.Client
    contracts: dict[Role, Any]
    answered: dict[str, httpx.Response] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    shortlist_in_shell: list[Any] | None = None

    def send(self, label: str, operation: Mapping[str, Any], role: Role) -> None:
        """Sends the example of an operation; ids that the server gave replace those invented."""
        method, path = label.split(" ")
        headers = {"authorization": f"Bearer {self.keys[role]}"} if operation["security"] else {}
        if "sessions" in operation["tags"]:
            headers = {}
        for parameter in sent_parameters(operation):
            name, value = parameter["name"], parameter["example"]
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", self.ids.get(name, value))
            else:
                headers[name] = self.ids.get(name, value)
        if "If-Match" in headers:
            resource = path.removesuffix("/availability")
            read = self.client.get(resource, headers={"authorization": headers["authorization"]})
            headers["If-Match"] = read.headers["etag"]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        response = self.client.request(method, path, headers=headers, json=body.get("example"))
        self.answered[label] = response
        media = response.headers.get("content-type", "")
        contract = RoleContract(closed(self.contracts[role]))
        self.violations += contract.violations(label, response.status_code, media, response.content)
        if response.is_success and media.startswith("application/json"):
            given = response.json()
            for name in ("recommendation_id", "rating_id"):
                self.ids |= {name: given[name]} if name in given else {}
            self.ids |= {"X-CSRF-Token": given["csrf_token"]} if "csrf_token" in given else {}


def recommended_by_curl(walk: Walk) -> list[Any] | None:
    """The shortlist that the curl line of the tool's contract gives; None without curl."""
    if shutil.which("curl") is None:
        return None
    operations = dict(operations_of(walk.contracts[Role.TOOL]))
    (sample,) = operations[f"POST {RECOMMEND}"]["x-codeSamples"]
    named = {"RECOMMENDER_URL": f"http://127.0.0.1:{walk.port}"}
    named["RECOMMENDER_KEY"] = walk.keys[Role.TOOL]
    done = subprocess.run(
        ["sh", "-c", f"{sample['source']} -sS"],
        env=os.environ | named,
        capture_output=True,
        check=True,
        timeout=60,
    )
    shortlist: list[Any] = json.loads(done.stdout)["shortlist"]
    return shortlist


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The examples of all operations, sent in the order of the contract, removals last."""
    folder = tmp_path_factory.mktemp("examples")
    today = datetime.now(UTC).date()
    write_definition(folder / "practice.toml", today)
    write_clinicians(folder / "clinicians.csv", today)
    url = f"sqlite:///{folder}/recommender.db"
    store = open_store(url)
    keys = {role: new_key(store, f"example-{role}", role).text for role in IN_ORDER}
    with store.writing() as connection:
        add_account(
            connection,
            "intake",
            Role.STAFF,
            "four words without tune",
            now=datetime.now(UTC),
            actor="test",
        )
    store.close()
    given = {"practice": folder / "practice.toml", "roster": folder / "clinicians.csv"}
    with (
        running_server(**given, store=url, pepper=PEPPER) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        contracts = {role: client.get(f"/openapi.json?role={role}").json() for role in IN_ORDER}
        sent = Walk(port, keys, client, contracts)
        sent.shortlist_in_shell = recommended_by_curl(sent)
        whole = dict(operations_of(client.get("/openapi.json").json()))
        for label in sorted(whole, key=lambda each: each.startswith(LAST)):
            role = next(r for r in IN_ORDER if label in dict(operations_of(contracts[r])))
            sent.send(label, dict(operations_of(contracts[role]))[label], role)
        yield sent


@pytest.mark.slow
def test_every_example_is_answered_with_success_and_as_the_contract_says(walk: Walk) -> None:
    refused = {
        label: response.text for label, response in walk.answered.items() if not response.is_success
    }
    assert refused == {}
    assert walk.violations == []
    assert len(walk.answered) >= 37


@pytest.mark.slow
def test_the_example_of_a_recommendation_shows_somebody(walk: Walk) -> None:
    made = walk.answered[f"POST {RECOMMEND}"].json()
    assert len(made["shortlist"]) >= 3
    assert walk.answered["POST /v1/allocations"].json()["assignments"]


@pytest.mark.slow
def test_the_curl_line_of_a_recommendation_works_in_a_shell(walk: Walk) -> None:
    if walk.shortlist_in_shell is None:
        pytest.skip("no curl on this machine")
    assert walk.shortlist_in_shell


def test_every_example_in_the_contract_is_valid_by_the_contract(caller: TestClient) -> None:
    document = caller.get("/openapi.json").json()
    wrong = []
    for label, operation in operations_of(document):
        given = [
            (parameter["name"], parameter["schema"], parameter["example"])
            for parameter in operation.get("parameters", ())
            if parameter["required"] or "example" in parameter
        ]
        for where in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in where.get("content", {}).values():
                values = [each["value"] for each in media.get("examples", {}).values()]
                values += [media["example"]] if "example" in media else []
                given += [(label, media["schema"], value) for value in values]
        for name, schema, example in given:
            own = {**schema, "components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(own, validate_formats=True)
            valid = validator.is_valid(example)
            wrong += [] if valid else [(label, name, example)]
    assert wrong == []


def test_an_example_is_derived_where_a_definition_declares_none() -> None:
    practice = a_practice()
    assert not practice.example
    answers = example_answers(practice)
    assert "max_fee" not in answers
    assert {"concern", "agrees"} <= set(answers)
    form = build_request_schema(practice, 5)
    assert form.read(form.example).answers


def test_the_example_that_ships_answers_what_excludes_while_it_is_open(tmp_path: Path) -> None:
    write_definition(tmp_path / "practice.toml", date(2026, 11, 28))
    for practice in (shipped_practice(), load_practice(tmp_path / "practice.toml")):
        needed = {
            name
            for each in practice.constraints.values()
            if each.unasked == "unknown" and each.when is None
            for name in each.client
        }
        assert needed <= set(example_answers(practice))
