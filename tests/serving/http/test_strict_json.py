import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from recommender.serving.http.field_names import meant_instead
from recommender.serving.http.problems import FieldError, ProblemError, problem_from_validation
from recommender.serving.http.strict_json import MAX_DEPTH, parse_json

STRICT = ConfigDict(extra="forbid")


class Hours(BaseModel):
    model_config = STRICT
    day: str = ""


class Answers(BaseModel):
    model_config = STRICT
    concern: str = ""
    free: list[Hours] | None = None


class Asked(BaseModel):
    model_config = STRICT
    answers: Answers = Answers()
    top_k: int = 5


def faults_of_text(text: bytes) -> tuple[FieldError, ...]:
    with pytest.raises(ProblemError) as refused:
        parse_json(text)
    return refused.value.errors


def faults_of_value(value: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        Asked.model_validate(value)
    errors = problem_from_validation(refused.value, Asked).errors
    return [(each.pointer, each.message) for each in errors]


def test_a_file_saved_by_notepad_with_a_byte_order_mark_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"answers": {"concern": "gr\xc3\xbcn"}}') == {
        "answers": {"concern": "grün"}
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: a colon is expected here"),
        (
            b'{"a": 1\n "b": 2}',
            "line 2, column 2: a comma or the end of the list or object is expected here",
        ),
        (b"{'a': 1}", "line 1, column 2: a name in double quotes is expected here"),
        (
            b'{"a": yes}',
            "line 1, column 7: a value is missing here or not JSON (texts are in double quotes)",
        ),
        (b'{"a": "b', "line 1, column 7: the text that starts here does not end"),
        (
            b'{"a": "b\nc"}',
            "line 1, column 9: a text has a line break or control character; write it as \\n",
        ),
        (
            b'{"a": "c:\\zqx"}',
            "line 1, column 10: this is not an escape of JSON; write a backslash as \\\\",
        ),
        (b'{"a": 1} {}', "line 1, column 10: there is more text after the end of the object"),
        (b" \n ", "the request has no body: send one JSON object"),
        (b'{"a": "\xfc"}', "byte 8 is not UTF-8: save and send the text as UTF-8"),
    ],
)
def test_someone_who_writes_json_by_hand_is_shown_the_place_of_the_mistake(
    text: bytes, message: str
) -> None:
    assert [each.message for each in faults_of_text(text)] == [message]


def test_a_name_sent_twice_is_refused_where_it_is_rather_than_the_last_one_taken() -> None:
    (fault,) = faults_of_text(b'{"answers": {"free": [{"day": "mon", "day": "tue"}]}}')
    assert fault.pointer == "/answers/free/0"
    assert fault.message == "has the name `day` twice; which of the two values counts is not known"


def test_every_nan_is_refused_where_it_is() -> None:
    faults = faults_of_text(b'{"answers": {"a": NaN, "b": [1, -Infinity]}}')
    assert [each.pointer for each in faults] == ["/answers/a", "/answers/b/1"]
    assert {each.code for each in faults} == {"not_a_number"}


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'[0,{"a":1,"b":', b"}]")])
def test_that_one_level_more_than_the_limit_is_too_deep(opening: bytes, closing: bytes) -> None:
    times = MAX_DEPTH // len(closing)
    deepest = opening * times + b"1" + closing * times
    assert parse_json(deepest) == json.loads(deepest)
    assert [each.code for each in faults_of_text(b"[" + deepest + b"]")] == ["too_deep"]


def test_names_that_could_be_answers_are_in_no_message() -> None:
    repeated, nan = (
        faults_of_text(b'{"answers": {"Jane Doe": 1, "Jane Doe": 2}}'),
        faults_of_text(b'{"answers": {"Jane Doe": {"x": NaN}}}'),
    )
    assert [each.pointer for each in (*repeated, *nan)] == ["/answers", "/answers"]
    assert "Jane" not in repeated[0].message


@pytest.mark.parametrize(
    ("value", "pointer", "message"),
    [
        (
            {"answers": {"concren": "grief"}},
            "/answers/concren",
            "is not a field of this request; did you mean `concern`?",
        ),
        ({"topK": 3}, "/topK", "is not a field of this request; did you mean `top_k`?"),
        (
            {"answers": {"con": "grief"}},
            "/answers/con",
            "is not a field of this request",
        ),
        ({"favourite": 3}, "/favourite", "is not a field of this request"),
        (
            {"concern": "grief"},
            "/concern",
            "is not a field of this request; did you mean `/answers/concern`?",
        ),
        (
            {"answers": {"top_k": 3}},
            "/answers/top_k",
            "is not a field of this request; did you mean `/top_k`?",
        ),
        (
            {"answers": {"free": [{}, {"dya": "mon"}]}},
            "/answers/free/1/dya",
            "is not a field of this request; did you mean `day`?",
        ),
        (
            {"answers": {"Concern": "grief"}},
            "/answers",
            "has an unknown field, not named here because it does not look like the name of a "
            "field; did you mean `concern`?",
        ),
    ],
)
def test_one_misspelt_field_among_many_is_named_with_what_was_meant(
    value: Any, pointer: str, message: str
) -> None:
    assert faults_of_value(value) == [(pointer, message)]


def test_a_field_named_by_the_first_word_of_its_name_is_proposed() -> None:
    model = create_model("Answers", age_years=(int, 0), home=(str, ""), home_visits=(bool, False))
    assert meant_instead(model, ("age",)) == "age_years"
    both = create_model("Answers", a_very_long_name=(int, 0), a_very_short_name=(int, 0))
    assert meant_instead(both, ("a",)) is None


def test_unknown_names_that_could_be_answers_are_counted() -> None:
    (fault,) = faults_of_value({"answers": {"Jane Doe": 1, "0412 345 678": 2}})
    assert fault == (
        "/answers",
        "has 2 unknown fields, not named here because they do not look like names of fields",
    )
