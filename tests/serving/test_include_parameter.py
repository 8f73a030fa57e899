"""What a recommendation is sent with, and what `include` adds."""

from collections import defaultdict
from typing import Any

import pytest

from recommender.security.scopes import Scope
from recommender.serving.include_parameter import NEEDED
from recommender.serving.schemas.card import ClinicianCard
from recommender.serving.schemas.required_scope import Included, IncludedWith, RequiredScope
from recommender.serving.schemas.responses import RecommendationResponse, ShownClinician
from tests.support.server import (
    FOR_TOOLS,
    RECOMMEND,
    WHOLE,
    JournalServer,
    TestClient,
    a_request,
    check_problem,
    whole,
)

PARTS = {
    "exclusions": {"excluded"},
    "relaxations": {"relaxations"},
    "unanswered": {"unanswered"},
}
OF_A_CLINICIAN = {"in_favour", "against", "groups", "ahead_of_next"}
TIGHT = {"max_fee": 190}


def asked(caller: TestClient, *queries: str, dry_run: bool = False) -> dict[str, Any]:
    query = "&".join((*queries, *(["dry_run=true"] if dry_run else [])))
    response = caller.post(f"{RECOMMEND}?{query}", json=a_request(TIGHT))
    assert response.status_code == (200 if dry_run else 201), response.text
    told: dict[str, Any] = response.json()
    return told


def test_large_parts_are_absent_unless_they_are_asked_for(keeping: JournalServer) -> None:
    told = asked(keeping.staff)
    assert told["shortlist"]
    assert told["exclusion_counts"]
    assert not {"excluded", "relaxations", "unanswered"} & told.keys()
    assert not OF_A_CLINICIAN & told["shortlist"][0].keys()


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(("name", "fields"), PARTS.items())
def test_each_name_adds_its_fields_and_no_other(
    keeping: JournalServer, name: str, fields: set[str], dry_run: bool
) -> None:
    bare = asked(keeping.tool, dry_run=dry_run)
    told = asked(keeping.tool, f"include={name}", dry_run=dry_run)
    assert told.keys() - bare.keys() == fields
    assert told["shortlist"][0].keys() == bare["shortlist"][0].keys()


def test_contributions_add_what_speaks_for_and_against_each_clinician(
    keeping: JournalServer,
) -> None:
    bare, told = asked(keeping.staff), asked(keeping.staff, "include=contributions")
    assert told.keys() == bare.keys()
    for one, other in zip(told["shortlist"], bare["shortlist"], strict=True):
        assert one.keys() - other.keys() == OF_A_CLINICIAN
        assert one["card"].keys() == other["card"].keys()
        assert one["groups"]


def test_facts_add_everything_else_on_each_card(keeping: JournalServer) -> None:
    bare, told = asked(keeping.staff), asked(keeping.staff, "include=facts")
    assert told.keys() == bare.keys()
    for one, other in zip(told["shortlist"], bare["shortlist"], strict=True):
        assert one["card"].keys() - other["card"].keys() == {"facts", "staff_only"}
    own = asked(keeping.tool, "include=facts")["shortlist"][0]["card"]
    assert own.keys() - asked(keeping.tool)["shortlist"][0]["card"].keys() == {"facts"}


def test_commas_and_repeated_parameters_mean_the_same(keeping: JournalServer) -> None:
    one = asked(keeping.tool, "include=exclusions,relaxations")
    other = asked(keeping.tool, "include=exclusions", "include=relaxations")
    third = asked(keeping.tool, "include=relaxations, exclusions,", "include=")
    assert one.keys() == other.keys() == third.keys()
    assert one["excluded"] == other["excluded"] == third["excluded"] != []


def test_an_unknown_name_is_refused_with_what_was_meant(keeping: JournalServer) -> None:
    for query, remedy in (
        ("include=exclusion", "did you mean `exclusions`?"),
        ("include=exclusions,Contribution", "did you mean `contributions`?"),
        (
            "include=zqxcanaryqz",
            f"choose among {', '.join(Included)}",
        ),
    ):
        problem = check_problem(
            keeping.staff.post(f"{RECOMMEND}?{query}", json=a_request(TIGHT)), 400
        )
        (error,) = problem["errors"]
        assert error["code"] == "unknown_include"
        assert error["message"].endswith(remedy)
        assert "zqxcanaryqz" not in str(problem)


def test_contributions_without_the_scope_are_refused_by_its_name(keeping: JournalServer) -> None:
    location = f"{RECOMMEND}/{asked(keeping.tool)['recommendation_id']}"
    responses = [
        keeping.tool.post(WHOLE, json=a_request(TIGHT)),
        keeping.tool.post(f"{WHOLE}&dry_run=true", json=a_request(TIGHT)),
        keeping.tool.get(f"{location}?include=contributions"),
    ]
    for response in responses:
        (error,) = check_problem(response, 403)["errors"]
        assert error["message"] == (
            "the query parameter `include` names contributions, which needs the scope "
            "explain:read; leave it out"
        )
        assert 'scope="explain:read"' in response.headers["www-authenticate"]


def test_what_was_not_sent_at_first_is_read_later(keeping: JournalServer) -> None:
    told = asked(keeping.tool)
    later = keeping.staff.get(whole(told["recommendation_id"])).json()
    assert later.keys() - told.keys() == set.union(*PARTS.values())
    assert all(each.keys() >= OF_A_CLINICIAN for each in later["shortlist"])
    assert {name: later[name] for name in told.keys() - {"shortlist"}} == {
        name: told[name] for name in told.keys() - {"shortlist"}
    }


def test_a_repeated_request_gets_the_same_bytes_and_another_include_is_another_request(
    keeping: JournalServer,
) -> None:
    def sent(path: str) -> Any:
        return keeping.tool.post(path, json=a_request(TIGHT), headers={"idempotency-key": "one"})

    first = sent(FOR_TOOLS)
    assert first.status_code == 201
    again = sent(f"{RECOMMEND}?include=unanswered,relaxations,facts&include=exclusions")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert check_problem(sent(RECOMMEND), 422)["type"] == "/problems/key-reused"


def test_the_contract_says_which_name_asks_for_a_field(keeping: JournalServer) -> None:
    told = keeping.staff.get("/openapi.json").json()
    response = told["components"]["schemas"]["RecommendationResponse"]
    for name, fields in PARTS.items():
        for field in fields:
            assert response["properties"][field]["x-include"] == name
            assert field not in response["required"]
    shown = told["components"]["schemas"]["ShownClinician"]
    for field in OF_A_CLINICIAN:
        assert shown["properties"][field]["x-include"] == "contributions"
        assert shown["properties"][field]["x-required-scope"] == "explain:read"
        assert field not in shown["required"]
    for operation in (
        told["paths"][RECOMMEND]["post"],
        told["paths"][f"{RECOMMEND}/{{recommendation_id}}"]["get"],
    ):
        (include,) = (each for each in operation["parameters"] if each["name"] == "include")
        assert set(include["schema"]["items"]["enum"]) == {*PARTS, "facts", "contributions"}
    of_tool = keeping.tool.get("/openapi.json?role=tool").json()
    for operation in (
        of_tool["paths"][RECOMMEND]["post"],
        of_tool["paths"][f"{RECOMMEND}/{{recommendation_id}}"]["get"],
    ):
        (include,) = (each for each in operation["parameters"] if each["name"] == "include")
        assert set(include["schema"]["items"]["enum"]) == {*PARTS, "facts"}


def test_a_name_needs_the_scope_that_all_its_fields_need() -> None:
    """Else a caller would ask for a part, be sent nothing of it and not be informed."""
    needed: dict[Included, set[Scope | None]] = defaultdict(set)
    for model in (RecommendationResponse, ShownClinician, ClinicianCard):
        for field in model.model_fields.values():
            scopes = [each.scope for each in field.metadata if isinstance(each, RequiredScope)]
            for each in field.metadata:
                if isinstance(each, IncludedWith):
                    needed[each.name].update(scopes or [None])
    # Of the facts, callers receive those that are declared for them.
    needed.pop(Included.FACTS)
    assert needed == {name: {NEEDED.get(name)} for name in Included if name is not Included.FACTS}
