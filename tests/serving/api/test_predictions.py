"""Predictions of named pairings agree with what a recommendation says of them."""

from typing import Any

from recommender.security.scopes import ANYBODY
from recommender.serving.api.recommendations import PredictionResponse
from recommender.serving.schemas.required_scope import visible_json
from tests.support.server import (
    WHOLE,
    TestClient,
    a_request,
)

PREDICT = "/v1/predictions"


def predicted(caller: TestClient, names: list[str], **changes: Any) -> Any:
    return caller.post(PREDICT, json=a_request(**changes) | {"clinician_ids": names})


def test_they_say_what_a_recommendation_says(caller: TestClient) -> None:
    shown = caller.post(WHOLE, json=a_request(top_k=50)).json()
    by_name = {each["clinician_id"]: each for each in shown["shortlist"]}
    left_out = {each["clinician_id"]: each["reasons"] for each in shown["excluded"]}
    names = [*sorted(left_out), *sorted(by_name, reverse=True)]
    told = predicted(caller, names).json()
    assert (told["mode"], told["model"]) == (shown["mode"], shown["model"])
    assert [each["clinician_id"] for each in told["pairings"]] == names
    for each in told["pairings"]:
        name = each["clinician_id"]
        assert each["eligible"] == (name in by_name)
        assert each["reasons"] == left_out.get(name, [])
        known = by_name.get(name, {"predicted_alliance": None, "range": None})
        assert each["predicted_alliance"] == known["predicted_alliance"]
        assert each["range"] == known["range"]


def test_without_agreement_nothing_is_predicted(caller: TestClient) -> None:
    told = predicted(caller, ["k00", "k03"], answers={"agrees": False}).json()
    assert told["mode"] == "constraints_only"
    assert {each["predicted_alliance"] for each in told["pairings"]} == {None}


def test_who_is_not_on_the_roster_is_named_by_place(caller: TestClient) -> None:
    refused = predicted(caller, ["k01", "nobody-here"])
    assert refused.status_code == 422
    (slip,) = refused.json()["errors"]
    assert slip["pointer"] == "/clinician_ids/1"
    assert "nobody-here" not in refused.text


def test_names_are_few_and_each_given_once(caller: TestClient) -> None:
    for names in ([], ["k01", "k01"], [f"k{number}" for number in range(501)], ["no blanks"]):
        assert predicted(caller, names).status_code == 422
    assert caller.post(PREDICT, json=a_request()).status_code == 422


def test_the_example_of_the_contract_reads(caller: TestClient) -> None:
    told = caller.get("/openapi.json").json()
    (example,) = told["components"]["schemas"]["PredictionRequest"]["examples"]
    refused = caller.post(PREDICT, json=example)
    assert {each["code"] for each in refused.json()["errors"]} == {"unknown"}


def test_everyone_may_be_named_and_the_order_changes_nothing(caller: TestClient) -> None:
    names = [each["clinician_id"] for each in caller.get("/v1/clinicians").json()["clinicians"]]
    forth, back = (predicted(caller, some).json()["pairings"] for some in (names, names[::-1]))
    assert forth == back[::-1]
    assert [each["clinician_id"] for each in forth] == names


def test_the_answer_is_what_the_contract_says_and_nothing_else(caller: TestClient) -> None:
    answer = predicted(caller, ["k00", "k03"])
    read = PredictionResponse.model_validate_json(answer.content)
    assert read.pairings
    assert visible_json(read, ANYBODY.scopes) == answer.content
