"""A declared code means no answer at every entrance: tables, JSON and the staff form."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from recommender.practice.definition import Practice, read_practice
from recommender.recommendation.recommend import read_intake
from recommender.serving.http.submitted_form import FormData
from recommender.serving.schemas.clinician import build_clinician_schema
from recommender.serving.schemas.intake import build_request_schema
from recommender.serving.staff.views.intake_answers import request_values
from recommender.tables.loader import read_clients
from tests.support.builders import DEFINITION, some_rows, tables_of, write_rows

CODES = {
    "concern": "unknown",
    "wanted": "unknown",
    "directive": -99,
    "max_fee": 999,
    "home": "NA",
    "max_km": -9,
    "not_with": "999",
    "agrees": "?",
}
PLAIN: dict[str, Any] = {
    "concern": "anxiety",
    "wanted": ["cbt"],
    "directive": 4,
    "max_fee": 220,
    "home": [{"latitude": -33.87, "longitude": 151.1}],
    "max_km": 9,
    "not_with": ["k01"],
    "agrees": True,
}


@cache
def coded() -> Practice:
    """The corner practice with a code for every question but the hours."""
    text = DEFINITION.read_text(encoding="utf-8")
    for name, code in CODES.items():
        heading = f"[client.{name}]\n"
        text = text.replace(heading, f"{heading}missing_codes = [{json.dumps(code)}]\n")
    places = "[clinician.places]\n"
    return read_practice(text.replace(places, f"{places}missing_codes = [99]\n"))


def from_json(answers: dict[str, Any]) -> dict[str, Any]:
    read = build_request_schema(coded(), top_k=5).read({"answers": answers})
    return columns_of(read.answers)


def from_form(answers: dict[str, Any]) -> dict[str, Any]:
    sent = FormData({f"answer.{name}": [str(code)] for name, code in answers.items()})
    read = build_request_schema(coded(), top_k=5).read(request_values(coded(), sent))
    return columns_of(read.answers)


def columns_of(answers: Any) -> dict[str, Any]:
    client = read_intake(coded(), answers, "c1").client
    return {name: client[name][0] for name in CODES}


def from_table(folder: Path, answers: dict[str, Any]) -> dict[str, Any]:
    [client] = some_rows(pairings=1)["clients"]
    cells = {name: str(answers.get(name, "")) for name in CODES}
    write_rows(folder, {"clients": [client | cells]})
    columns = read_clients(folder / "clients.csv", coded()).columns
    return {name: columns[name][0] for name in CODES}


def is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, tuple) and bool(np.isnan(value).all()))


@pytest.mark.parametrize("name", CODES)
def test_a_client_who_did_not_answer_is_the_same_client_at_every_entrance(
    name: str, tmp_path: Path
) -> None:
    answer = {name: CODES[name]}
    assert is_missing(from_table(tmp_path, answer)[name])
    assert is_missing(from_json(answer)[name])
    assert is_missing(from_form(answer)[name])
    assert not is_missing(from_json({name: PLAIN[name]})[name])


def test_what_is_no_code_is_refused_as_before() -> None:
    schema = build_request_schema(coded(), top_k=5)
    for name, wrong in (("concern", "unknowable"), ("directive", -98), ("max_km", "NA")):
        with pytest.raises(ValidationError) as refused:
            schema.read({"answers": {name: wrong}})
        assert {tuple(error["loc"][:2]) for error in refused.value.errors()} == {("answers", name)}


def test_the_contract_names_the_codes_of_a_field() -> None:
    document = build_request_schema(coded(), top_k=5).model.model_json_schema(by_alias=True)
    directive = document["$defs"]["Answers"]["properties"]["directive"]
    assert "No answer may also be written as -99." in directive["description"]
    assert -99 in [part.get("const") for part in directive["anyOf"]]


def test_a_clinician_with_a_coded_number_of_places_has_an_unknown_number() -> None:
    schema = build_clinician_schema(coded())
    assert schema.read_patch({"facts": {"places": 99}}) == {"places": None}
    assert "places" not in schema.read_update({"name": "I", "facts": {"places": 99}})
    rows = some_rows(pairings=4)
    rows["clinicians"][0]["places"] = "99"
    assert np.isnan(tables_of(rows, coded()).clinicians["places"][0])


def test_an_unanswered_item_with_a_code_is_left_out_of_the_mean(tmp_path: Path) -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    heading = "[alliance]\n"
    practice = read_practice(text.replace(heading, f"{heading}missing_codes = [9]\n"))
    rows = some_rows(pairings=6)
    items = {f"item_{number}": "9" if number > 10 else "4" for number in range(1, 13)}
    for rating in rows["ratings"]:
        rating |= {"metric": "items", "score": ""} | items
    ratings = tables_of(rows, practice).ratings
    assert ratings["item_11"].isna().all()
    assert (ratings["item_10"] == 4).all()
