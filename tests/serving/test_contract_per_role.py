"""Every response of every operation, compared with the contract as the role meets it.

A key of a matching tool once received answers that its own contract did not allow, and the program
that was generated from it stopped.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.trust.contract import RoleContract, closed, with_refusals
from recommender.security.keys import revoke_key
from recommender.security.scopes import ROLES, Role, Scope
from recommender.serving.authorization import NEEDS, Unrestricted
from recommender.serving.role_contract import operations_of
from tests.support.builders import corner_with_a_form
from tests.support.server import (
    FOR_TOOLS,
    INES,
    PASSWORD,
    RECOMMEND,
    SAME_SITE,
    WHOLE,
    LockedServer,
    a_request,
    check_problem,
    locked_server,
    locked_settings,
    whole,
)

INTAKES: dict[str, Any] = {
    "everybody fits": a_request(top_k=50),
    "few fit": a_request({"max_fee": 190}),
    "nobody fits": a_request({"max_fee": 1}),
    "no consent": a_request({"agrees": False}),
    "no consent and nobody fits": a_request({"agrees": False, "max_fee": 1}),
    "hardly answered": {"answers": {"concern": "anxiety"}},
    "a constraint changed": a_request({"max_fee": 190}, modes={"fee": "soft"}),
    "a block that names nobody": a_request({"not_with": ["nobody"]}),
    "unknown field": a_request({"colour": "blue"}),
    "known client": a_request(client_id="c1", consent={"version": "1", "train": True}),
}
pytestmark = pytest.mark.slow

UNKNOWN = "0" * 32
RATING: dict[str, Any] = {
    **{"pairing_id": "p1", "session": 3, "instrument": "wai_sr", "metric": "sum", "score": 48},
    "rated_on": "2026-10-20",
}
FEWEST_RESPONSES = 450
BUILT_FROM_DEFINITION = ("ClinicianResponse", "ClinicianPage", "Credentials")
"""Schemas of clinicians, whose warnings are absent without any, and of what is sent."""


class Desk:
    """One server, and what each role has been answered."""

    def __init__(self, server: LockedServer) -> None:
        self.server = server
        self.whole = server.ask("GET", "/openapi.json").json()
        self.operations = dict(operations_of(self.whole))
        self.own = {role: server.ask("GET", f"/openapi.json?role={role}").json() for role in Role}
        self.contracts = {
            role: RoleContract(closed(with_refusals(self.whole, own)))
            for role, own in self.own.items()
        }
        self.violations: list[str] = []
        self.answered: dict[tuple[Role, str], list[int]] = defaultdict(list)

    def ask(self, role: Role, operation: str, *, at: str = "", **options: Any) -> Any:
        """The response to an operation, compared with the contract; `at` is its address."""
        method, path = operation.split(" ")
        key = self.server.keys[role].text
        response = self.server.ask(method, at or path, key, **options)
        self.compare(role, operation, response)
        return response

    def compare(self, role: Role, operation: str, response: Any) -> None:
        """Notes how a response differs from the contract of a role."""
        media = response.headers.get("content-type", "")
        found = self.contracts[role].violations(
            operation, response.status_code, media, response.content
        )
        self.violations += [f"{role}: {each}" for each in found]
        self.answered[role, operation].append(response.status_code)


@pytest.fixture(scope="module")
def desk(practice_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Every operation, called by every role in many ways."""
    folder = tmp_path_factory.mktemp("roles")
    store, practice = f"sqlite:///{folder}/recommender.db", str(corner_with_a_form(folder))
    often = {"browser_calls_per_minute": 10_000, "browser_calls_per_address": 10_000}
    settings = locked_settings(practice_files, store=store, practice=practice, **often)
    with locked_server(settings) as server:
        desk = Desk(server)
        recorded = server.ask("POST", RECOMMEND, server.keys[Role.STAFF].text, json=a_request())
        for role in Role:
            for call in (probes, matching, journal, roster, privacy):
                call(desk, role, recorded.json())
        sessions(desk)
        yield desk


def probes(desk: Desk, role: Role, _: Any) -> None:
    for path in ("/livez", "/readyz", "/v1/models", "/v1/models/current", "/v1/session"):
        desk.ask(role, f"GET {path}")
    for query in ("?matches=true", "?matches=perhaps"):
        desk.ask(role, "GET /v1/models", at=f"/v1/models{query}")
    for path in ("/openapi.json", "/v1/models", "/v1/questions"):
        tag = desk.ask(role, f"GET {path}").headers.get("etag", '"x"')
        desk.ask(role, f"GET {path}", headers={"if-none-match": tag})
    desk.ask(role, "GET /openapi.json", at="/openapi.json?role=nobody")
    for query in ("", "?audience=client", "?audience=staff&later=false", "?audience=nobody"):
        desk.ask(role, "GET /v1/questions", at=f"/v1/questions{query}")


def matching(desk: Desk, role: Role, foreign: Any) -> None:
    for intake in INTAKES.values():
        for at in (RECOMMEND, f"{RECOMMEND}?dry_run=true", FOR_TOOLS, WHOLE):
            made = desk.ask(role, f"POST {RECOMMEND}", at=at, json=intake)
    for query in ("", "?limit=1&state=undecided", "?limit=0"):
        desk.ask(role, f"GET {RECOMMEND}", at=f"{RECOMMEND}{query}")
    again = {"idempotency-key": f"again-{role}"}
    for _ in range(2):
        made = desk.ask(role, f"POST {RECOMMEND}", json=INTAKES["few fit"], headers=again)
    own = made.json().get("recommendation_id", UNKNOWN)
    first = foreign["shortlist"][0]["clinician_id"]
    chosen = {"clinician_id": first}
    for number in (own, foreign["recommendation_id"], UNKNOWN):
        one = f"{RECOMMEND}/{{recommendation_id}}"
        at = f"{RECOMMEND}/{number}"
        desk.ask(role, f"GET {one}", at=at)
        desk.ask(role, f"GET {one}", at=whole(number))
        desk.ask(role, f"GET {one}/explanations", at=f"{at}/explanations")
        for clinician in (first, "nobody"):
            explained = f"{at}/explanations/{clinician}"
            desk.ask(role, f"GET {one}/explanations/{{clinician_id}}", at=explained)
        for body in (chosen, {"clinician_id": "nobody"}, {}):
            desk.ask(role, f"POST {one}/decisions", at=f"{at}/decisions", json=body)
        desk.ask(role, f"GET {one}/decisions", at=f"{at}/decisions")
        for wish in (chosen, {}, {"clinician_id": "nobody"}):
            desk.ask(role, f"POST {one}/wishes", at=f"{at}/wishes", json=wish)
        desk.ask(role, f"GET {one}/wishes", at=f"{at}/wishes")
        for closing in ({"reason": "other"}, {"kind": "reopened"}, {}):
            desk.ask(role, f"POST {one}/closings", at=f"{at}/closings", json=closing)
        desk.ask(role, f"GET {one}/closings", at=f"{at}/closings")
    named = {"answers": a_request()["answers"], "clinician_ids": [first]}
    wrong: dict[str, Any] = named | {"clinician_ids": ["nobody"]}
    for asked in (named, named | {"client_id": "C1"}, wrong, {}):
        desk.ask(role, "POST /v1/predictions", json=asked)
    listed = {"client_id": "c1", "answers": a_request()["answers"]}
    for clients in ([listed], [listed, listed | {"client_id": "c2"}], []):
        desk.ask(role, "POST /v1/allocations", json={"clients": clients})


def journal(desk: Desk, role: Role, _: Any) -> None:
    pairing: dict[str, Any] = {"pairing_id": "p1", "client_id": "c1", "clinician_id": "k01"}
    event: dict[str, Any] = {"kind": "attended", "happened_on": "2026-10-05", "session": 1}
    for body in (pairing, pairing, {}):
        desk.ask(role, "POST /v1/pairings", json=body)
    for name in ("p1", UNKNOWN):
        at = f"/v1/pairings/{name}"
        desk.ask(role, "GET /v1/pairings/{pairing_id}", at=at)
        for body in (event, {}):
            desk.ask(role, "POST /v1/pairings/{pairing_id}/events", at=f"{at}/events", json=body)
        desk.ask(role, "GET /v1/pairings/{pairing_id}/events", at=f"{at}/events")
    for body in (RATING, RATING | {"session": 0}, {}):
        rated = desk.ask(role, "POST /v1/ratings", json=body)
        for name in (rated.json().get("rating_id", UNKNOWN), UNKNOWN):
            at = f"/v1/ratings/{name}"
            desk.ask(role, "GET /v1/ratings/{rating_id}", at=at)
            withdrawn = {"expected_version": 1, "reason": "typed_wrongly", "rating": None}
            for correction in (withdrawn, withdrawn, {}):
                operation = "POST /v1/ratings/{rating_id}/corrections"
                desk.ask(role, operation, at=f"{at}/corrections", json=correction)


def roster(desk: Desk, role: Role, _: Any) -> None:
    whole = desk.ask(role, "GET /v1/roster")
    desk.ask(role, "GET /v1/clinicians", at="/v1/clinicians?limit=1")
    matched = {"if-match": whole.headers.get("etag", '"x"')}
    members = {"clinicians": whole.json().get("clinicians", [])}
    for headers in ({}, {"if-match": '"x"'}, matched):
        desk.ask(role, "PUT /v1/roster", json=members, headers=headers)
    one, at = "/v1/clinicians/{clinician_id}", "/v1/clinicians/new"
    desk.ask(role, f"PUT {one}", at=at, json=INES, headers={"if-none-match": "*"})
    for name in ("k01", "nobody"):
        place = f"/v1/clinicians/{name}"
        read = desk.ask(role, f"GET {one}", at=place)
        tag = {"if-match": read.headers.get("etag", '"x"')}
        for headers in ({}, tag):
            available = desk.ask(
                role,
                f"PUT {one}/availability",
                at=f"{place}/availability",
                json={"places": 2},
                headers=headers,
            )
        tag = {"if-match": available.headers.get("etag", '"x"')}
        desk.ask(role, f"PATCH {one}", at=place, json={"facts": {"fee": 200}}, headers=tag)
        for change in ("take", "give"):
            for headers in ({}, {"idempotency-key": f"{role}-{name}-{change}"}):
                desk.ask(
                    role,
                    f"POST {one}/places/{change}",
                    at=f"{place}/places/{change}",
                    headers=headers,
                )
    tag = {"if-match": desk.ask(role, f"GET {one}", at=at).headers.get("etag", '"x"')}
    for headers in ({}, tag, tag):
        desk.ask(role, f"DELETE {one}", at=at, headers=headers)


def privacy(desk: Desk, role: Role, _: Any) -> None:
    one, at = "/v1/subjects/{pseudonym}", "/v1/subjects/c1"
    for body in ({"version": "2026-1", "train": True}, {"version": "2026-1"}):
        desk.ask(role, f"POST {one}/consents", at=f"{at}/consents", json=body)
    desk.ask(role, f"GET {one}/export", at=f"{at}/export")
    desk.ask(role, f"DELETE {one}", at=at)
    desk.ask(role, f"DELETE {one}", at="/v1/subjects/nobody")
    desk.ask(role, "GET /v1/audit-events/verification")


def sessions(desk: Desk) -> None:
    client = desk.server.client
    for password in ("wrong", PASSWORD):
        opened = desk.server.log_in(password)
        desk.compare(Role.STAFF, "POST /v1/session", opened)
    desk.compare(Role.STAFF, "GET /v1/session", client.get("/v1/session"))
    headers = SAME_SITE | {"x-csrf-token": opened.json()["csrf_token"]}
    closed = client.request("DELETE", "/v1/session", headers=headers)
    desk.compare(Role.STAFF, "DELETE /v1/session", closed)


def test_no_response_to_any_role_differs_from_the_contract_of_that_role(desk: Desk) -> None:
    assert desk.violations == []
    assert sum(map(len, desk.answered.values())) >= FEWEST_RESPONSES


def test_every_operation_that_a_role_may_call_was_seen_to_succeed(desk: Desk) -> None:
    missing = [
        f"{role}: {operation}"
        for role in Role
        for operation in desk.operations
        if "session" not in operation
        and NEEDS[operation] in (*ROLES[role], *(NEEDS["GET /livez"],))
        and not any(200 <= status < 300 for status in desk.answered[role, operation])
    ]
    assert missing == []
    of_staff = {operation for role, operation in desk.answered if role is Role.STAFF}
    assert of_staff >= set(desk.operations)


def test_a_tool_is_not_sent_what_adds_to_a_score_and_its_contract_says_so(desk: Desk) -> None:
    offer = desk.whole["components"]["schemas"]["SuggestedRelaxation"]
    assert offer["properties"]["gain"]["x-required-scope"] == Scope.EXPLAIN_READ
    assert "gain" not in offer["required"]
    of_tool = desk.own[Role.TOOL]["components"]["schemas"]
    assert "gain" not in of_tool["SuggestedRelaxation"]["properties"]
    assert "groups" not in of_tool["ShownClinician"]["properties"]
    assert (
        "gain" in desk.own[Role.STAFF]["components"]["schemas"]["SuggestedRelaxation"]["required"]
    )
    made = desk.ask(
        Role.TOOL, f"POST {RECOMMEND}", at=FOR_TOOLS, json=INTAKES["nobody fits"]
    ).json()
    assert made["relaxations"]
    assert all("gain" not in each for each in made["relaxations"])


def test_the_contract_of_a_role_has_the_operations_it_may_call_and_no_others(desk: Desk) -> None:
    for role, own in desk.own.items():
        may = {
            operation
            for operation in desk.operations
            if "session" not in operation
            and (NEEDS[operation] is Unrestricted.ANYBODY or NEEDS[operation] in ROLES[role])
        }
        listed = {each for each, _ in operations_of(own) if "session" not in each}
        assert listed == may, role
    sessions = "/v1/session" in desk.own[Role.STAFF]["paths"]
    assert (sessions, "/v1/session" in desk.own[Role.TOOL]["paths"]) == (True, False)


def test_the_contract_of_a_role_is_whole_and_has_nothing_that_others_receive(desk: Desk) -> None:
    for role, own in desk.own.items():
        text = json.dumps(own)
        named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
        assert named == set(own["components"]["schemas"]), role
        assert "x-required-scope" not in text
        links = {
            link["operationId"]
            for _, operation in operations_of(own)
            for response in operation["responses"].values()
            for link in response.get("links", {}).values()
        }
        assert links <= {each["operationId"] for _, each in operations_of(own)}, role
        assert own["info"]["x-role"] == role


def test_whatever_a_role_always_receives_is_required_in_its_contract(desk: Desk) -> None:
    """A generated client then asks for no case that never comes; the others say when they come."""
    for role, own in desk.own.items():
        for name, schema in own["components"]["schemas"].items():
            if schema.get("additionalProperties") is False or name in BUILT_FROM_DEFINITION:
                continue
            optional = {
                member
                for member, declared in schema.get("properties", {}).items()
                if member not in schema.get("required", ())
                and "x-include" not in declared
                and "bsent" not in declared.get("description", "")
            }
            assert optional == set(), (role, name)


def test_a_contract_that_was_read_before_is_not_sent_again(desk: Desk) -> None:
    for at in ("/openapi.json", "/openapi.json?role=tool"):
        first = desk.server.ask("GET", at)
        assert first.headers["cache-control"] == "no-cache"
        again = desk.server.ask("GET", at, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"
    other = desk.server.ask("GET", "/openapi.json?role=staff")
    assert other.headers["etag"] != first.headers["etag"]


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(desk: Desk) -> None:
    refused = check_problem(desk.server.ask("GET", "/openapi.json?role=nobody"), 400)
    assert "tool" in refused["errors"][0]["message"]


def test_a_role_that_is_sent_a_field_of_another_role_is_noticed(desk: Desk) -> None:
    key = desk.server.keys[Role.STAFF].text
    made = desk.server.ask("POST", WHOLE, key, json=a_request())
    media = made.headers["content-type"]
    seen = (f"POST {RECOMMEND}", 201, media, made.content)
    assert desk.contracts[Role.STAFF].violations(*seen) == []
    assert len(desk.contracts[Role.TOOL].violations(*seen)) >= 3
    assert desk.contracts[Role.SCIENTIST].violations(*seen) == [
        f"POST {RECOMMEND}: status 201 is not in the contract of this role"
    ]


def test_a_tool_whose_name_a_staff_key_had_before_does_not_read_contributions(desk: Desk) -> None:
    server = desk.server
    staff = server.make_key("website", Role.STAFF)
    made = server.ask("POST", RECOMMEND, staff.text, json=INTAKES["nobody fits"]).json()
    at = f"{RECOMMEND}/{made['recommendation_id']}?include=relaxations"
    assert "gain" in server.ask("GET", at, staff.text).json()["relaxations"][0]
    with server.store.writing() as connection:
        revoke_key(connection, staff.facts.key_id, now=server.now, actor="test")
    tool = server.make_key("website", Role.TOOL)
    read = server.ask("GET", at, tool.text)
    assert read.status_code == 200
    assert "gain" not in read.json()["relaxations"][0]
