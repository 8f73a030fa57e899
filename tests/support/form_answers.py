"""Answers as a form fills them in, drawn from the JSON Schema of the form."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

Schema = Mapping[str, Any]
SOON, LATE = date(2026, 11, 23), date(2027, 11, 23)


def accepts(schema: Schema, answers: Any) -> bool:
    """Whether a validator of draft 2020-12 accepts answers."""
    return validator(schema).is_valid(answers)


def validator(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)


@st.composite
def answers_to(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """Answers to required questions and some of the others, those that apply."""
    given: dict[str, Any] = {}
    _answer_some(draw, schema["properties"], schema["required"], given)
    for rule in schema.get("allOf", ()):
        if accepts(rule["if"], given):
            _answer_some(draw, rule["then"]["properties"], rule["then"].get("required", ()), given)
    return given


def _answer_some(draw: st.DrawFn, questions: Schema, required: Any, given: dict[str, Any]) -> None:
    chosen = draw(st.sets(st.sampled_from(sorted(questions)))) | set(required)
    for name in sorted(chosen):
        given[name] = draw(_answer(questions[name]))


def _answer(schema: Schema) -> st.SearchStrategy[Any]:
    if "oneOf" in schema:
        return st.sampled_from([each["enum"][0] for each in schema["oneOf"]])
    if schema["type"] == "number":
        return st.integers(int(schema["minimum"]), int(min(schema["maximum"], 10_000)))
    if schema["type"] == "array":
        if schema.get("uniqueItems"):
            return st.lists(_answer(schema["items"]), unique=True, max_size=schema["maxItems"])
        least = 1 if "contains" in schema else 0
        longest = min(schema["maxItems"], 3)
        return st.lists(_member(schema["items"]), min_size=least, max_size=longest)
    if schema.get("format") == "date":
        return st.dates(SOON, LATE).map(date.isoformat)
    return st.sampled_from(schema["enum"])


@st.composite
def _member(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """An object of a list: a place, or a time range that ends after it begins."""
    member = {name: draw(_answer(each)) for name, each in schema["properties"].items()}
    if "start" in member:
        member["start"], member["end"] = sorted(
            draw(
                st.lists(
                    _answer(schema["properties"]["start"]), min_size=2, max_size=2, unique=True
                )
            )
        )
    return member
