import json
import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recommender.errors import IntakeError
from recommender.practice.definition import Practice, read_practice, shipped_practice
from recommender.practice.fields import OF_CLINICIANS, Field
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.explanation import Explanation, GroupContribution
from recommender.recommendation.ranking import TieBreak
from recommender.recommendation.recommend import read_intake
from recommender.recommendation.shortlists import ShortlistEntry
from recommender.screening.reasons import Reason
from recommender.serving.http.problems import problem_for, problem_from_validation, problem_response
from recommender.serving.recommendation_service import today
from recommender.serving.schemas.intake import ParsedRequest, RequestSchema, build_request_schema
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.schemas.response_content import shown_content
from recommender.serving.schemas.responses import TIE_BREAK_TEXTS, ShownClinician
from recommender.values.kinds import KINDS
from tests.support.builders import a_practice
from tests.support.server import CANARY, CANARY_NAME

PRACTICES = (shipped_practice("psychology"), a_practice())
FORMS = {practice.id: build_request_schema(practice, top_k=5) for practice in PRACTICES}
ASKED_FIELDS = [
    pytest.param(practice, field, id=f"{practice.id}.{field.name}")
    for practice in PRACTICES
    for field in practice.fields("client", "score", "filter").values()
]
HUGE = 8675309.0e290

WRONG: dict[str, list[Any]] = {
    "number": [CANARY, "3", True, [3], {"a": CANARY}, HUGE],
    "scale": [CANARY, "3", True, [3], HUGE],
    "ordinal": [CANARY, 1, True, [CANARY]],
    "category": [CANARY, 1, True, [CANARY]],
    "tags": [CANARY, [CANARY], [1], {CANARY_NAME: True}, [[CANARY]]],
    "flag": [CANARY, "true", 1, [True]],
    "place": [
        CANARY,
        [],
        [{"latitude": 91, "longitude": 0}],
        [{CANARY_NAME: 1}],
        [CANARY],
        "-33,151",
    ],
    "weekly_hours": [
        CANARY,
        [CANARY],
        [{"day": CANARY, "start": "09:00", "end": "10:00"}],
        [{"day": "mon", "start": CANARY, "end": "10:00"}],
        [{"day": "mon", "start": "9:00", "end": "10:00"}],
        [{"day": "mon", "start": "09:00", "end": "25:00"}],
        [{"day": "mon", "start": "10:00", "end": "09:00"}],
    ],
    "date": [CANARY, "23.11.2026", "2026-11-23T09:00:00", "2026-11-23T00:00:00Z", 1700000000, ""],
    "money": [CANARY, "220", True, 8675309.125, HUGE, [1]],
    "ids": [CANARY, [f"{CANARY} {CANARY}"], [""], [1], [CANARY, CANARY]],
}


def refusal(form: RequestSchema, practice: Practice, body: Any) -> str | None:
    """What a caller is told, or None when the request is accepted."""
    try:
        asked = form.read(body)
        read_intake(practice, asked.answers, asked.client_id)
    except ValidationError as error:
        return bytes(
            problem_response(problem_from_validation(error, form.model), "0123456789").body
        ).decode()
    except IntakeError as error:
        return bytes(problem_response(error, "0123456789").body).decode()
    return None


def body_of(practice: Practice, **answers: Any) -> dict[str, Any]:
    required = {
        name: JSON_TYPES[field.kind].example_of(field)
        for name, field in practice.fields("client").items()
        if field.required
    }
    return {"answers": required | answers}


def a_field(kind: str, **settings: Any) -> Field:
    return Field("asked", "client", kind, "", "", "", "filter", **settings)


def read_alone(field: Field, answer: Any) -> tuple[ParsedRequest, Any]:
    """One answer through the form, and its encoded value."""
    practice = a_practice()
    form = FORMS[practice.id]
    asked = form.read(body_of(practice, **{field.name: answer}))
    return asked, read_intake(practice, asked.answers).client[field.name]


def test_every_kind_of_answer_has_a_question() -> None:
    assert set(JSON_TYPES) == set(KINDS)
    assert set(WRONG) == set(KINDS) - OF_CLINICIANS


@pytest.mark.parametrize(("practice", "field"), ASKED_FIELDS)
def test_the_example_of_every_field_is_accepted_and_read(practice: Practice, field: Field) -> None:
    example = JSON_TYPES[field.kind].example_of(field)
    asked = FORMS[practice.id].read(body_of(practice, **{field.name: example}))
    value = read_intake(practice, asked.answers).client[field.name]
    missing = value[0] is None if value.dtype == object else np.isnan(value).all()
    assert not missing


@pytest.mark.parametrize(("practice", "field"), ASKED_FIELDS)
def test_wrong_answers_are_refused_at_their_field_and_never_repeated(
    practice: Practice, field: Field
) -> None:
    beyond = [
        bound + step
        for bound, step in ((field.min, -0.5), (field.max, 0.5))
        if bound is not None and field.kind != "money"
    ]
    for wrong in (*WRONG[field.kind], *beyond):
        said = refusal(FORMS[practice.id], practice, body_of(practice, **{field.name: wrong}))
        assert said is not None, wrong
        errors = json.loads(said)["errors"]
        assert errors
        assert all(error["pointer"].startswith(f"/answers/{field.name}") for error in errors)
        assert CANARY not in said
        assert "8675309" not in said


@pytest.mark.parametrize(("practice", "field"), ASKED_FIELDS)
def test_an_open_answer_is_accepted_unless_it_is_required(practice: Practice, field: Field) -> None:
    said = refusal(FORMS[practice.id], practice, body_of(practice, **{field.name: None}))
    assert (said is None) == (not field.required)


@pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
def test_audit_fields_are_not_taken_and_the_caller_sees_which(practice: Practice) -> None:
    for name in practice.fields("client", "audit"):
        said = refusal(FORMS[practice.id], practice, body_of(practice, **{name: "woman"}))
        assert said is not None
        assert json.loads(said)["errors"] == [
            {
                "pointer": f"/answers/{name}",
                "code": "extra_forbidden",
                "message": "is not a field of this request",
            }
        ]
        assert "woman" not in said


@pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
def test_a_form_without_its_required_answers_names_each(practice: Practice) -> None:
    required = {n for n, f in practice.fields("client", "score", "filter").items() if f.required}
    said = refusal(FORMS[practice.id], practice, {"answers": {}})
    errors = json.loads(said)["errors"] if said else []
    assert {(error["pointer"], error["code"]) for error in errors} == {
        (f"/answers/{name}", "missing") for name in required
    }


@pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
def test_the_whole_example_is_accepted(practice: Practice) -> None:
    form = FORMS[practice.id]
    assert refusal(form, practice, form.example) is None


@pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
def test_the_schema_describes_every_question_and_repeats_the_declared_limits(
    practice: Practice,
) -> None:
    schema = FORMS[practice.id].model.model_json_schema(by_alias=True)
    answers = schema["$defs"]["Answers"]
    fields = practice.fields("client", "score", "filter")
    assert list(answers["properties"]) == list(fields)
    assert answers["additionalProperties"] is False
    assert answers.get("required", []) == [n for n, f in fields.items() if f.required]
    for name, field in fields.items():
        declared = json.dumps(answers["properties"][name])
        assert field.purpose.rstrip(".")[1:] in answers["properties"][name]["description"]
        assert all(json.dumps(level) in declared for level in field.levels)
        if field.max is not None:
            assert f'"maximum": {json.dumps(field.max)}' in declared


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"client_id": f"{CANARY} Smith"}, "/client_id"),
        ({"client_id": "x" * 65}, "/client_id"),
        ({"top_k": 0}, "/top_k"),
        ({"top_k": 51}, "/top_k"),
        ({"top_k": 2.5}, "/top_k"),
        ({"top_k": True}, "/top_k"),
        ({"top_k": 10**30}, "/top_k"),
        ({"asked_on": "2026-11-23T09:00:00"}, "/asked_on"),
        ({"asked_on": "2026-02-30"}, "/asked_on"),
        ({CANARY_NAME: 1}, ""),
        ({"answers": [CANARY]}, "/answers"),
        ({"answers": None}, "/answers"),
    ],
)
def test_what_surrounds_the_answers_is_checked_too(changes: dict[str, Any], pointer: str) -> None:
    practice = a_practice()
    said = refusal(FORMS[practice.id], practice, {"answers": {}} | changes)
    assert said is not None
    assert [error["pointer"] for error in json.loads(said)["errors"]] == [pointer]
    assert CANARY not in said


def test_a_field_may_have_any_name_a_definition_allows() -> None:
    text = a_practice().text.replace("[client.max_km]", "[client.copy]")
    text = text.replace('"max_km"', '"copy"')
    form = build_request_schema(read_practice(text), top_k=5)
    assert form.read({"answers": {"copy": 5}}).answers == {"copy": 5.0}


def test_answers_are_read_like_cells_of_a_table() -> None:
    practice = a_practice()
    answers = {
        "concern": "grief",
        "wanted": ["cbt", "act"],
        "directive": -3,
        "max_fee": 220.55,
        "home": [
            {"latitude": -33.87, "longitude": 151.1},
            {"latitude": 0.1, "longitude": 1e-7},
        ],
        "free": [{"day": "mon", "start": "09:00", "end": "12:30"}],
        "not_with": ["k01"],
        "agrees": False,
    }
    cells = {
        "concern": "grief",
        "wanted": "cbt;act",
        "directive": "-3",
        "max_fee": "220.55",
        "home": "-33.87,151.1;0.1,0.0000001",
        "free": "mon 09:00-12:30",
        "not_with": "k01",
        "agrees": "no",
    }
    asked = FORMS[practice.id].read(body_of(practice, **answers))
    of_json = read_intake(practice, asked.answers).client
    of_cells = read_intake(practice, cells).client
    for name in practice.fields("client", "score", "filter"):
        np.testing.assert_array_equal(of_json[name], of_cells[name])


# Places by their postcode.

HOME = [{"postcode": "2010"}, {"latitude": -33.87, "longitude": 151.2}]
IN_TOWN = read_practice(a_practice().text + '\n[postcodes]\n"2010" = [-33.884, 151.207]\n')
TOWN_FORM = build_request_schema(IN_TOWN, top_k=5)


def test_a_place_may_be_told_by_its_postcode() -> None:
    asked = TOWN_FORM.read(body_of(IN_TOWN, home=HOME))
    told = read_intake(IN_TOWN, asked.answers).client["home"]
    np.testing.assert_array_equal(told, [[[-33.884, 151.207], [-33.87, 151.2]]])
    in_a_table = read_intake(IN_TOWN, {"home": "2010;-33.87,151.2"} | {"agrees": "yes"})
    np.testing.assert_array_equal(in_a_table.client["home"], told)


@given(
    places=st.lists(
        st.just("2010") | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
        min_size=1,
        max_size=5,
    )
)
def test_places_are_the_same_however_they_are_told(places: list[Any]) -> None:
    as_json = [
        {"postcode": told} if isinstance(told, str) else {"latitude": told[0], "longitude": told[1]}
        for told in places
    ]
    written = [told if isinstance(told, str) else f"{told[0]!r},{told[1]!r}" for told in places]
    asked = TOWN_FORM.read(body_of(IN_TOWN, home=as_json))
    in_a_table = {"home": ";".join(written), "agrees": "yes"}
    np.testing.assert_array_equal(
        read_intake(IN_TOWN, asked.answers).client["home"],
        read_intake(IN_TOWN, in_a_table).client["home"],
    )


@pytest.mark.parametrize(
    ("place", "pointer", "message"),
    [
        ({"postcode": 2010}, "/answers/home/0/postcode", "is not text"),
        ({"postcode": None}, "/answers/home/0/postcode", "is not text"),
        (
            {"postcode": f"{CANARY}?"},
            "/answers/home/0/postcode",
            "does not have the documented format",
        ),
        ({"postcode": "2010", "latitude": 1}, "/answers/home/0/latitude", "is not a field"),
        ({"latitude": 1}, "/answers/home/0/longitude", "is required"),
        ({"latitude": 91, "longitude": 0}, "/answers/home/0/latitude", "is above the largest"),
        (CANARY, "/answers/home/0", "is not an object"),
        ({"postcode": "8675"}, "/answers/home", "names a postcode that is not declared"),
    ],
)
def test_a_place_told_wrongly_is_refused_where_it_stands_and_never_repeated(
    place: Any, pointer: str, message: str
) -> None:
    said = refusal(TOWN_FORM, IN_TOWN, body_of(IN_TOWN, home=[place]))
    assert said is not None
    (error,) = json.loads(said)["errors"]
    assert error["pointer"] == pointer
    assert error["message"].startswith(message)
    assert CANARY not in said
    assert "8675" not in said


def test_a_practice_without_postcodes_does_not_offer_them() -> None:
    practice = a_practice()
    said = refusal(FORMS[practice.id], practice, body_of(practice, home=[{"postcode": "2010"}]))
    assert said is not None
    schema = FORMS[practice.id].model.model_json_schema(by_alias=True)
    assert "Postcode" not in schema["$defs"]


def test_both_ways_to_tell_a_place_are_documented() -> None:
    schema = TOWN_FORM.model.model_json_schema(by_alias=True)
    place = schema["$defs"]["Answers"]["properties"]["home"]["anyOf"][0]["items"]
    assert place["anyOf"] == [{"$ref": "#/$defs/Point"}, {"$ref": "#/$defs/Postcode"}]
    assert list(schema["$defs"]["Postcode"]["properties"]) == ["postcode"]
    assert TOWN_FORM.complete["answers"]["home"] == [{"postcode": "2010"}]
    assert refusal(TOWN_FORM, IN_TOWN, TOWN_FORM.example) is None


def test_an_empty_list_is_an_answer_and_null_is_none() -> None:
    _, answered = read_alone(a_practice().client["wanted"], [])
    _, left_open = read_alone(a_practice().client["wanted"], None)
    assert answered.tolist() == [[0.0, 0.0, 0.0]]
    assert np.isnan(left_open).all()


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 27, 14), (None, None, 100), (None, 5, 2), (0.2, 0.4, 0.2)]
)
def test_an_example_lies_within_its_bounds(
    low: float | None, high: float | None, expected: float
) -> None:
    assert JSON_TYPES["number"].example_of(a_field("number", min=low, max=high)) == expected


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@hypothesis_settings(max_examples=150, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(a_practice().fields("client", "score", "filter"))),
    value=JSON_VALUES,
)
def test_no_value_whatever_breaks_the_form_or_is_repeated(name: str, value: Any) -> None:
    practice = a_practice()
    said = refusal(FORMS[practice.id], practice, body_of(practice, **{name: value}))
    assert said is None or CANARY not in said


def shown_in_form(shown: ShortlistEntry) -> ShownClinician:
    """An entry with an empty card, validated as it is where a response is read."""
    content = shown_content(shown, 0.9, CardContent())
    return ShownClinician.model_validate(content)


def test_points_are_told_to_two_decimals_and_no_finer() -> None:
    parts = (
        GroupContribution("style", "How", 0.12345, ()),
        GroupContribution("place", "Where", -0.001, ()),
    )
    why = Explanation(0.12245, parts, ("a",), (), ("b",))
    reason = Reason("fee", "funding", "costs more", unknown=True)
    shown = ShortlistEntry(1, "k01", "Kim", 3.98765, 3.11111, 4.99999, why, (reason,))
    told = json.loads(shown_in_form(shown).model_dump_json())
    assert told["predicted_alliance"] == 3.99
    assert told["range"] == {"lower": 3.11, "upper": 5.0, "level": 0.9}
    assert [group["points"] for group in told["groups"]] == [0.12, 0.0]
    assert math.copysign(1, told["groups"][1]["points"]) == 1
    assert told["reservations"][0]["unknown"] is True


def test_without_a_prediction_nothing_is_made_up() -> None:
    shown = ShortlistEntry(1, "k01", "k01", None, None, None, None, ())
    told = shown_in_form(shown)
    assert told.predicted_alliance is None
    assert told.range is None
    assert told.groups == ()
    assert (told.tie, told.tie_text) == (None, None)


def test_the_first_of_a_tie_needs_no_words_about_the_one_before() -> None:
    shown = ShortlistEntry(4, "k01", "Kim", 4.0, 3.0, 5.0, None, (), tie=3, ahead=0.61)
    told = shown_in_form(shown)
    assert (told.tie, told.tie_text) == (3, None)


@pytest.mark.parametrize(
    ("broken_by", "words"),
    [
        ("reservations", "fewer reservations"),
        ("alliance", "predicted alliance"),
        ("id", "ids"),
    ],
)
def test_a_tie_is_told_in_words_with_what_broke_it_and_never_as_a_probability(
    broken_by: TieBreak, words: str
) -> None:
    shown = ShortlistEntry(2, "k01", "Kim", 4.0, 3.0, 5.0, None, (), 1, 0.6173, broken_by)
    told = json.loads(shown_in_form(shown).model_dump_json())
    assert told["tie"] == 1
    assert "cannot be told apart from the one before" in told["tie_text"]
    assert words in told["tie_text"].removeprefix("cannot be told apart")
    assert len(set(TIE_BREAK_TEXTS.values())) == len(TIE_BREAK_TEXTS)
    assert told.pop("ahead_of_next") == 0.62  # For staff, who are shown words.
    assert "0.6" not in json.dumps(told)
    assert "ahead" not in told


def test_an_unforeseen_error_says_nothing_of_itself() -> None:
    told = problem_for(ValueError(CANARY))
    assert (told.kind.status, told.errors) == (500, ())


def test_today_is_a_day_of_the_practice() -> None:
    assert abs((today(a_practice()) - datetime.now(UTC).date()).days) <= 1
    assert isinstance(today(a_practice()), date)
