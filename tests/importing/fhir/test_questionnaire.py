import tomllib
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import RecommenderError
from recommender.importing.fhir.questionnaire import (
    ITEM_TYPES,
    canonical_url,
    form_questionnaire,
    level_system,
)
from recommender.importing.fhir.questionnaire_answers import answers_in, own_links
from recommender.practice.columns import cells_at, read_rows
from recommender.practice.conditions import holds
from recommender.practice.definition import practice_of, shipped_practice
from recommender.practice.fields import OF_CLINICIANS, Field
from recommender.practice.forms import Audience
from recommender.values.kinds import DAYS, KINDS, clock
from tests.support.builders import a_practice
from tests.support.examples import examples
from tests.support.questionnaire_filler import filled_in, is_enabled, questions_of

PRACTICE = shipped_practice()
URL = canonical_url(PRACTICE, "client")
FORM = form_questionnaire(PRACTICE)
BY_NAME = {each["linkId"]: each for each in questions_of(FORM)}


@pytest.mark.parametrize("audience", ["client", "staff"])
def test_a_form_is_a_valid_questionnaire(audience: Audience) -> None:
    form = form_questionnaire(PRACTICE, audience)
    Questionnaire.model_validate(form)
    asked = [each["linkId"] for each in questions_of(form)]
    assert asked == list(PRACTICE.forms[audience])


@pytest.mark.parametrize("audience", ["client", "staff"])
def test_a_form_meets_the_invariants_of_fhir(audience: Audience) -> None:
    """Those of Questionnaire in R4, which models do not check: que-1, 2, 5, 6, 10, 12."""
    form = form_questionnaire(PRACTICE, audience)
    questions = list(questions_of(form))
    notes = [each for item in (*form["item"], *questions) for each in item.get("item", [])]
    notes = [each for each in notes if each["type"] == "display"]
    links = [each["linkId"] for each in (*form["item"], *questions, *notes)]
    assert len(set(links)) == len(links)
    assert all(each["item"] for each in form["item"])
    assert not any({"item", "required", "repeats"} & set(each) for each in notes)
    for each in questions:
        assert ("answerOption" in each) == (each["type"] == "choice")
        assert "maxLength" not in each or each["type"] == "string"
        assert ("enableWhen" in each) == ("enableBehavior" in each)
        assert all(other["question"] in links for other in each.get("enableWhen", []))


def test_every_kind_that_a_client_can_be_asked_for_has_an_item_type() -> None:
    assert set(ITEM_TYPES) == set(KINDS) - OF_CLINICIANS


def test_sections_have_their_headings_and_questions_their_words() -> None:
    sections = PRACTICE.forms["client"].sections
    assert [each["text"] for each in FORM["item"]] == [each.title for each in sections]
    age = BY_NAME["age_years"]
    assert age["text"] == "How old are you?"
    assert age["required"]
    assert age["item"][0]["text"] == PRACTICE.client["age_years"].help_to_client
    assert not BY_NAME["main_concern"]["required"]


def test_levels_are_options_with_their_labels() -> None:
    options = BY_NAME["funding"]["answerOption"]
    codes = [each["valueCoding"]["code"] for each in options]
    assert tuple(codes) == PRACTICE.client["funding"].levels
    assert options[0]["valueCoding"]["display"] == "Medicare (with a GP referral)"
    several = BY_NAME["modalities_wanted"]
    assert several["repeats"]
    assert several["answerOption"][-1]["valueCoding"]["code"] == "none"


def test_a_condition_is_an_enable_when() -> None:
    assert BY_NAME["referral_held"]["enableWhen"] == [
        {
            "question": "funding",
            "operator": "=",
            "answerCoding": {"system": level_system(URL, "funding"), "code": "medicare"},
        }
    ]


def test_bounds_and_units_are_extensions() -> None:
    found = {each["url"].rpartition("/")[2]: each for each in BY_NAME["age_years"]["extension"]}
    assert found["minValue"]["valueDecimal"] == 0
    assert found["maxValue"]["valueDecimal"] == 120
    assert found["questionnaire-unit"]["valueCoding"] == {"display": "years"}


def test_codes_are_named_by_the_address_of_a_published_form() -> None:
    form = form_questionnaire(PRACTICE, url="https://practice.example/fhir/Questionnaire/intake")
    option = next(each for each in questions_of(form) if "answerOption" in each)["answerOption"][0]
    system = "https://practice.example/fhir/Questionnaire/intake/levels/main_concern"
    assert option["valueCoding"]["system"] == system


def test_a_form_that_is_not_declared_is_refused_with_a_remedy() -> None:
    with pytest.raises(RecommenderError, match=r"forms\.client: is not declared"):
        form_questionnaire(a_practice())


def answers_of(field: Field) -> st.SearchStrategy[Any]:
    if field.kind in ("number", "scale"):
        low, high = int(field.min or 0), int(100 if field.max is None else field.max)
        return st.integers(low, high) | st.integers(2 * low, 2 * high).map(lambda each: each / 2)
    if field.kind == "money":
        return st.integers(0, 100_000).map(lambda cents: cents / 100)
    if field.kind == "flag":
        return st.booleans()
    if field.kind == "date":
        return st.dates().map(lambda day: day.isoformat())
    if field.kind == "tags":
        return st.lists(st.sampled_from(field.levels), unique=True)
    if field.kind == "place":
        codes = st.sampled_from(sorted(PRACTICE.locations.postcodes))
        return st.lists(codes | st.just("-33.87,151.21"), min_size=1, max_size=3, unique=True)
    if field.kind == "weekly_hours":
        return st.lists(windows(), max_size=4)
    if field.kind == "ids":
        return st.lists(st.from_regex(r"k-[a-z2-7]{10}", fullmatch=True), max_size=3, unique=True)
    return st.sampled_from(field.levels)


@st.composite
def windows(draw: st.DrawFn) -> str:
    start, end = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=2, unique=True)))
    return f"{draw(st.sampled_from(DAYS))} {clock(15 * start)}-{clock(15 * end)}"


ASKED = {name: PRACTICE.client[name] for name in PRACTICE.forms["client"]}
REQUIRED = {name: answers_of(each) for name, each in ASKED.items() if each.required}
OPTIONAL = {name: answers_of(each) for name, each in ASKED.items() if not each.required}


@settings(max_examples=examples(25, 500), deadline=None)
@given(st.fixed_dictionaries(REQUIRED, optional=OPTIONAL))
def test_a_response_reads_back_to_the_same_answers(answers: dict[str, Any]) -> None:
    response = filled_in(FORM, answers)
    read, unread = answers_in(response, own_links(ASKED, URL))
    assert unread == []
    asked = {name: each for name, each in answers.items() if is_asked(name, answers)}
    assert canonical(read) == canonical(asked)


def is_asked(name: str, answers: dict[str, Any]) -> bool:
    """Whether a question is asked by the conditions of the definition."""
    condition = ASKED[name].asked_when
    return condition is None or (is_asked(condition.client, answers) and holds(condition, answers))


def canonical(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers as the practice stores them: hours joined, postcodes as points."""
    return cells_at(ASKED, read_rows(ASKED, [answers]), 0)


@settings(max_examples=examples(25, 500), deadline=None)
@given(st.fixed_dictionaries({}, optional=OPTIONAL))
def test_a_question_is_enabled_where_the_definition_asks_it(answers: dict[str, Any]) -> None:
    for name, item in BY_NAME.items():
        assert is_enabled(item, FORM, answers) == is_asked(name, answers)


CONDITIONS = """
[client.max_fee]
asked_when = { client = "agrees", has = true }

[client.not_with]
asked_when = { client = "max_km", below = 3 }
"""


def test_conditions_on_flags_and_numbers_are_enable_whens() -> None:
    declared = tomllib.loads(a_practice().text)
    for name, table in tomllib.loads(CONDITIONS)["client"].items():
        declared["client"][name] |= table
    practice = practice_of(declared, "")
    items = {each["linkId"]: each for each in questions_of(form_questionnaire(practice, "staff"))}
    agreed = {"question": "agrees", "operator": "=", "answerBoolean": True}
    assert items["max_fee"]["enableWhen"] == [agreed]
    below = {"question": "max_km", "operator": "<", "answerDecimal": 3}
    assert items["not_with"]["enableWhen"] == [below]
