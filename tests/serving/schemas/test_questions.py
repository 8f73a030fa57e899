import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import IntakeError
from recommender.practice.columns import read_rows
from recommender.practice.definition import read_practice, shipped_practice, shipped_text
from recommender.practice.forms import AUDIENCES, Audience
from recommender.serving.schemas.intake import RequestSchema, build_request_schema
from recommender.serving.schemas.json_types import with_json_remedies
from recommender.serving.schemas.questions import questions_of
from recommender.tables.roster import Roster, snapshot
from tests.support.form_answers import accepts, answers_to, validator
from tests.support.simulated_world import TAKEN_AT

PRACTICE = shipped_practice()
PLAIN: Mapping[str, Any] = {"age_years": 34, "funding": "private"}


@cache
def a_roster() -> Roster:
    """Two clinicians who may be offered, one who has left, and one who did not agree."""
    here = {"active": True, "consents_to_matching": True}
    rows = [here, here | {"active": False}, here | {"consents_to_matching": False}, here]
    columns = read_rows(PRACTICE.clinician, rows)
    names = ("Zoe Aster", "Gone Birch", "Shy Cedar", "Ann Dahl")
    return snapshot(("k1", "k2", "k3", "k4"), names, columns, TAKEN_AT)


@cache
def form(audience: Audience, later: bool = True) -> Any:
    return json.loads(questions_of(PRACTICE, a_roster(), audience, later=later).model_dump_json())


@cache
def request_schema() -> RequestSchema:
    return build_request_schema(PRACTICE, 5)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_form_is_a_json_schema_with_every_question_in_its_order(audience: Audience) -> None:
    shown = form(audience)
    jsonschema_rs.meta.validate(shown["schema"])
    order = shown["ui_schema"]["ui:order"]
    assert order == [*PRACTICE.forms[audience], "*"]
    asked = dict(shown["schema"]["properties"])
    for rule in shown["schema"]["allOf"]:
        asked |= rule["then"]["properties"]
    assert sorted(asked) == sorted(order[:-1])
    titles = {name: PRACTICE.client[name].question_for(audience) for name in asked}
    assert {name: each["title"] for name, each in asked.items()} == titles
    sections = PRACTICE.forms[audience].sections
    assert [each["title"] for each in shown["sections"]] == [each.title for each in sections]
    assert shown["language"] == "en-AU"


@pytest.mark.parametrize("audience", AUDIENCES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_form_accepts_is_a_sound_request(audience: Audience, data: st.DataObject) -> None:
    schema = form(audience)["schema"]
    answers = data.draw(answers_to(schema))
    assert accepts(schema, answers), [str(e) for e in validator(schema).iter_errors(answers)]
    parsed = request_schema().read({"answers": answers})
    # The engine reads the cells as those of a table.
    read_rows(PRACTICE.fields("client", "score", "filter"), [parsed.answers])
    assert sorted(parsed.answers) == sorted(answers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"age_years": None},
        {"age_years": "34"},
        {"age_years": 121},
        {"main_concern": "joy"},
        {"concerns": ["anxiety", "anxiety"]},
        {"concerns": "anxiety"},
        {"max_gap": 20.005},
        {"max_gap": -1},
        {"waitlist_ok": "yes"},
        {"start_on": "23/11/2026"},
        {"start_on": "2026-02-30"},
        {"home": []},
        {"home": ["2010"]},
        {"home": [{"postcode": "9999"}]},
        {"hours_free": [{"day": "mon", "start": "12:00", "end": "09:00"}]},
        {"hours_free": [{"day": "mon", "start": "09:00", "end": "09:00"}]},
        {"hours_free": [{"day": "Monday", "start": "09:00", "end": "10:00"}]},
        {"blocked_clinicians": ["Ann Dahl"]},
        {"gender": "woman"},
        {"colour": "blue"},
        {"risk_level": "level_2"},
    ],
)
def test_a_wrong_answer_is_refused_by_the_form(wrong: Mapping[str, Any]) -> None:
    schema = form("client")["schema"]
    assert accepts(schema, PLAIN)
    assert not accepts(schema, {**PLAIN, **wrong})


@pytest.mark.parametrize(
    ("name", "answer", "condition", "other"),
    [
        ("referral_held", True, {"funding": "medicare"}, {"funding": "ndis"}),
        (
            "rebates_left",
            4,
            {"funding": "medicare", "referral_held": True},
            {"funding": "private"},
        ),
        ("ndis_management", "plan_managed", {"funding": "ndis"}, {"funding": "medicare"}),
        (
            "training_wished",
            "trained",
            {"modalities_must": ["dbt", "emdr"]},
            {"modalities_must": ["dbt"]},
        ),
    ],
)
def test_a_question_applies_only_with_the_answer_on_which_it_depends(
    name: str, answer: Any, condition: dict[str, Any], other: dict[str, Any]
) -> None:
    schema = form("client")["schema"]
    assert accepts(schema, {**PLAIN, **condition, name: answer})
    assert not accepts(schema, {**PLAIN, **other, name: answer})
    assert not accepts(schema, {**PLAIN, name: answer})


def test_no_protected_attribute_and_no_level_of_care_is_asked_of_a_client() -> None:
    asked = set(form("client")["ui_schema"])
    assert not asked & {"risk_level", *PRACTICE.fields("client", "audit")}
    assert not set(form("staff")["ui_schema"]) & set(PRACTICE.fields("client", "audit"))


@pytest.mark.parametrize(
    ("audience", "names"),
    [
        ("client", ["Ann Dahl", "Zoe Aster"]),
        ("staff", ["Ann Dahl", "Gone Birch", "Shy Cedar", "Zoe Aster"]),
    ],
)
def test_clinicians_are_chosen_by_name_by_clients_only_those_who_may_be_offered(
    audience: Audience, names: list[str]
) -> None:
    choices = form(audience)["schema"]["properties"]["blocked_clinicians"]["items"]["oneOf"]
    assert [each["title"] for each in choices] == names


def test_a_form_of_what_is_asked_at_once_is_the_short_one() -> None:
    short = form("client", later=False)
    assert short["ui_schema"]["ui:order"] == [*PRACTICE.forms["client"].first, "*"]
    assert [each["later"] for each in short["sections"]] == [[]] * len(short["sections"])
    assert accepts(short["schema"], {**PLAIN, "funding": "medicare", "referral_held": True})


def test_clients_are_asked_about_safety_first_and_staff_are_not() -> None:
    assert form("staff")["safety"] is None
    safety, page = form("client")["safety"], PRACTICE.matching_page
    assert page is not None
    assert [each["question"] for each in safety["questions"]] == [s.question for s in page.safety]
    assert safety["answers"] == page.answers
    assert [each["telephone"] for each in safety["emergency"]][:2] == ["000", "13 11 14"]
    request_schema().read({"answers": {**PLAIN, **safety["answers"]}})


def test_no_choice_is_a_constant_which_a_renderer_would_take_as_the_answer() -> None:
    questions = deepcopy(form("client")["schema"]["properties"])
    # The times of a window have constants, in the condition on which the end depends.
    del questions["hours_free"]["items"]["allOf"]
    assert '"const"' not in json.dumps(questions)


def form_of_text(text: str, *, later: bool = True) -> Any:
    """The form to clients of a definition."""
    whole = questions_of(read_practice(text), a_roster(), "client", later=later)
    return json.loads(whole.model_dump_json())


def test_a_client_must_answer_what_nobody_can_be_shown_without_and_staff_need_not() -> None:
    schema = form("client")["schema"]
    assert schema["required"] == ["age_years", "funding"]
    assert not accepts(schema, {**PLAIN, "funding": "medicare"})
    assert accepts(schema, {**PLAIN, "funding": "medicare", "referral_held": False})
    staff = form("staff")
    assert accepts(staff["schema"], {"age_years": 34})
    needed = {
        name
        for name, each in staff["ui_schema"].items()
        if name != "ui:order" and each["ui:options"]["needed"]
    }
    assert needed == {"age_years", "risk_level", "funding", "referral_held"}


def test_an_answer_that_lifts_a_need_lifts_the_requirement() -> None:
    applies = 'when = { client = "funding", has = "medicare" }\n'
    lifted = 'unless = { client = "waitlist_ok", has = true }\n'
    head, rule, tail = shipped_text("psychology").partition("[constraints.referral]")
    schema = form_of_text(head + rule + tail.replace(applies, applies + lifted, 1))["schema"]
    open_referral = {**PLAIN, "funding": "medicare"}
    assert not accepts(schema, open_referral)
    assert not accepts(schema, {**open_referral, "waitlist_ok": False})
    assert accepts(schema, {**open_referral, "waitlist_ok": True})
    assert not accepts(schema, {"age_years": 34, "waitlist_ok": False})


def test_a_short_form_asks_what_is_needed_even_where_it_is_asked_later() -> None:
    head, at_once, tail = shipped_text("psychology").partition(
        'title = "How you pay"\nfirst = ["funding"]\nlater = ["ndis_management", '
    )
    assert at_once
    asked_later = 'title = "How you pay"\nlater = ["funding", "referral_held", "ndis_management", '
    tail = tail.replace('["referral_held", "max_gap"]', '["max_gap"]', 1)
    short = form_of_text(f"{head}{asked_later}{tail}", later=False)
    payment = next(each for each in short["sections"] if each["id"] == "payment")
    assert payment["later"] == ["funding", "referral_held"]
    assert short["schema"]["required"] == ["age_years", "funding"]


def test_a_form_to_clients_says_below_which_age_it_stops_and_what_it_shows_then() -> None:
    assert form("staff")["minimum_age"] is None
    least, page = form("client")["minimum_age"], PRACTICE.matching_page
    assert page is not None
    assert (least["field"], least["years"]) == ("age_years", 18)
    assert (least["text"], least["telephone"]) == (page.for_minors, page.telephone)
    assert least["title"] == "Let us help you by phone"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_place_is_chosen_from_the_postcodes_that_are_known_with_their_suburbs(
    audience: Audience,
) -> None:
    home = form(audience)["schema"]["properties"]["home"]
    choices = home["items"]["properties"]["postcode"]["oneOf"]
    assert [each["enum"] for each in choices] == [
        [code] for code in sorted(PRACTICE.client["home"].postcodes)
    ]
    assert {"enum": ["2042"], "title": "2042 Newtown"} in choices
    assert home["description"].endswith("leave this blank: no distance is worked out then.")


@pytest.mark.parametrize("place", [{"postcode": "9999"}, {"postcode": "NEWTOWN"}])
def test_a_place_that_is_not_known_is_refused_with_what_to_send(place: Any) -> None:
    fields = PRACTICE.fields("client", "score", "filter")
    parsed = request_schema().read({"answers": {**PLAIN, "home": [place]}})
    with pytest.raises(IntakeError) as refused:
        read_rows(fields, [parsed.answers])
    [fault] = with_json_remedies(refused.value, fields).faults
    assert "is not declared" in fault.problem
    assert "one of the postcodes of `GET /v1/questions`" in fault.remedy
