"""Codes for a missing answer: what a definition may declare, and which cells they match."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from recommender.errors import DefinitionError
from recommender.practice.columns import read_cell, read_rows
from recommender.practice.definition import read_practice
from recommender.practice.fields import OF_CLINICIANS, Side, read_field
from recommender.values.kinds import KINDS
from tests.support.builders import DEFINITION
from tests.support.definitions import a_field, field_table


def faults_of(kind: str, codes: Any, **changes: Any) -> list[str]:
    _, faults = read_field("client", "x", field_table(kind, missing_codes=codes, **changes))
    return [f"{fault.where}: {fault.problem}" for fault in faults]


@pytest.mark.parametrize(
    "cell", [99, 99.0, "99", " 99.0 ", Decimal(99), np.float64(99), "NA", "na"]
)
def test_a_code_is_no_answer_however_it_is_written(cell: object) -> None:
    field = a_field(kind="number", max=120, missing_codes=[99, "NA"])
    assert read_cell(field, cell) == (None, None)


@pytest.mark.parametrize("cell", [98, "9", 9.9, True, "N A", [99, 99]])
def test_what_is_not_a_code_is_read_as_before(cell: object) -> None:
    coded = a_field(kind="number", max=120, missing_codes=[99, "NA"])
    value, error = read_cell(a_field(kind="number", max=120), cell)
    coded_value, coded_error = read_cell(coded, cell)
    assert (coded_value, str(coded_error)) == (value, str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_may_declare_a_code_of_its_own(kind: str) -> None:
    side: Side = "clinician" if kind in OF_CLINICIANS else "client"
    field = a_field(kind=kind, side=side, missing_codes=[-9, "not stated"])
    for cell in (-9, "-9", "Not stated"):
        assert read_cell(field, cell) == (None, None)


def test_a_code_outside_the_bounds_is_missing_and_no_fault() -> None:
    field = a_field(kind="scale", min=0, max=10, missing_codes=[-9])
    assert np.isnan(read_rows({"x": field}, [{"x": -9}])["x"]).all()


def test_a_coded_answer_to_a_required_question_is_asked_for_again() -> None:
    field = a_field(kind="number", required=True, missing_codes=[99])
    value, error = read_cell(field, 99)
    assert value is None
    assert str(error) == "has a code that means missing, and is required"
    assert error is not None
    assert error.remedy == "correct it, or set required = false beside missing_codes of [client.x]"
    assert read_cell(a_field(kind="number", missing_codes=[99]), 99) == (None, None)


@pytest.mark.parametrize(
    ("kind", "codes"),
    [("category", ["a"]), ("ordinal", ["x", "b"]), ("tags", ["c"]), ("tags", ["none"]),
     ("ids", ["None"]), ("flag", [0]), ("flag", ["no"])],
)  # fmt: skip
def test_an_answer_cannot_be_a_code_for_none(kind: str, codes: list[Any]) -> None:
    assert faults_of(kind, codes) == [
        "client.x.missing_codes: has a code that is an answer of this field"
    ]


def test_a_bare_number_that_names_a_level_is_an_answer() -> None:
    assert faults_of("category", [7], levels=["6", "7"]) == [
        "client.x.missing_codes: has a code that is an answer of this field"
    ]


@pytest.mark.parametrize(
    ("codes", "problem"),
    [
        (99, "is not a list of numbers and texts"),
        ([True], "is not a list of numbers and texts"),
        ([[1]], "is not a list of numbers and texts"),
        ([" "], "has a blank code"),
        ([99, "99.0"], "names a code twice"),
    ],
)
def test_codes_that_cannot_be_meant_are_faults(codes: Any, problem: str) -> None:
    assert faults_of("number", codes) == [f"client.x.missing_codes: {problem}"]


def with_item_codes(codes: str) -> str:
    text = DEFINITION.read_text(encoding="utf-8")
    return text.replace(
        'reference = "wai_sr"\n', f'reference = "wai_sr"\nmissing_codes = {codes}\n'
    )


def test_a_code_for_an_unanswered_item_is_no_response_of_the_form() -> None:
    assert read_practice(with_item_codes('[9, -9, "x"]')).alliance.missing_codes == (9, -9, "x")
    with pytest.raises(DefinitionError) as refused:
        read_practice(with_item_codes("[9, 5]"))
    [fault] = refused.value.faults
    assert fault.where == "alliance.missing_codes"
    assert fault.problem == "has a code that is a response of wai_sr"
