"""A product multiplies what a definition names of both sides, and its faults say what is wrong."""

import tomllib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from recommender.errors import DefinitionError
from recommender.practice.columns import Columns, read_rows
from recommender.practice.declared_products import read_product
from recommender.practice.definition import practice_of, shipped_practice, shipped_text
from recommender.practice.fields import Field, Side
from recommender.practice.matches import Match
from tests.support.definitions import a_field

CELLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "concerns": ("tags", {"levels": ["trauma", "grief"]}),
    "earlier": ("category", {"levels": ["never", "unhelpful"]}),
    "lasting": ("ordinal", {"levels": ["weeks", "months", "years"]}),
    "distress": ("number", {"min": 10, "max": 50}),
    "unbounded": ("number", {}),
    "fee": ("money", {"unit": None}),
    "urgent": ("flag", {}),
    "home": ("place", {}),
}
WORDS = {"phrase": "suits", "otherwise": "suits less", "group": "style", "source": "Judgement"}


def fields(side: Side) -> dict[str, Field]:
    return {name: a_field(name, kind, side, **more) for name, (kind, more) in CELLS.items()}


def a_product(**declared: Any) -> Match:
    match, faults = read_product("it", WORDS | declared, fields("client"), fields("clinician"))
    assert match is not None, faults
    return match


def answers(side: Side, *rows: Mapping[str, Any]) -> Columns:
    return read_rows(fields(side), list(rows))


def values(match: Match, client: Mapping[str, Any], *clinicians: Mapping[str, Any]) -> list[float]:
    found = match.between(answers("client", client), answers("clinician", *clinicians))
    return [float(each) for each in found]


def test_a_tag_times_a_threshold_is_one_where_both_hold() -> None:
    match = a_product(
        client="concerns", client_level="trauma", clinician="lasting", clinician_at_least="months"
    )
    trained = [{"lasting": "weeks"}, {"lasting": "months"}, {"lasting": "years"}]

    assert values(match, {"concerns": ["trauma"]}, *trained) == [0, 1, 1]
    assert values(match, {"concerns": ["grief"]}, *trained) == [0, 0, 0]


def test_a_number_without_a_threshold_is_on_minus_one_to_one_of_its_bounds() -> None:
    match = a_product(client="earlier", client_level="unhelpful", clinician="distress")
    clinicians = [{"distress": 10}, {"distress": 30}, {"distress": 50}]

    assert values(match, {"earlier": "unhelpful"}, *clinicians) == [-1, 0, 1]
    assert values(match, {"earlier": "never"}, *clinicians) == [0, 0, 0]


def test_two_numbers_at_the_same_end_give_one() -> None:
    match = a_product(client="lasting", clinician="distress")

    assert values(match, {"lasting": "weeks"}, {"distress": 10}, {"distress": 50}) == [1, -1]


def test_a_threshold_on_an_amount_is_in_units_of_the_currency() -> None:
    match = a_product(client="urgent", clinician="fee", clinician_at_least=120)

    assert values(match, {"urgent": True}, {"fee": "119.99"}, {"fee": "120"}) == [0, 1]


@pytest.mark.parametrize("side", ["client", "clinician"])
def test_an_answer_not_given_is_unknown_and_not_zero(side: str) -> None:
    match = a_product(
        client="concerns", client_level="trauma", clinician="distress", clinician_at_least=30
    )
    known: dict[str, Mapping[str, Any]] = {
        "client": {"concerns": ["trauma"]},
        "clinician": {"distress": 40},
    }
    known |= {side: {}}

    assert np.isnan(values(match, known["client"], known["clinician"])).all()


@pytest.mark.parametrize(
    ("declared", "where", "problem"),
    [
        ({"client": "nothing"}, "products.it.client", "nothing is not a declared field"),
        ({"client": "home"}, "products.it.client", "home is of kind place"),
        (
            {"client_level": None},
            "products.it.client_level",
            "is not given for client.concerns, which has several levels",
        ),
        (
            {"client_level": "fear"},
            "products.it.client_level",
            "fear is not a level of client.concerns",
        ),
        ({"clinician_level": "x"}, "products.it.clinician_level", "would be ignored"),
        ({"client_at_least": 2}, "products.it.client_at_least", "would be ignored"),
        ({"clinician_at_least": "ten"}, "products.it.clinician_at_least", "is not a number"),
        (
            {"clinician_at_least": 60},
            "products.it.clinician_at_least",
            "60 is not above the least and up to the most of clinician.distress",
        ),
        (
            {"clinician": "lasting", "clinician_at_least": "days"},
            "products.it.clinician_at_least",
            "days is not a level of clinician.lasting",
        ),
        ({"clinician": "unbounded"}, "clinician.unbounded", "has no bounds"),
        ({"source": None}, "products.it.source", "is not given"),
        ({"otherwise": "suits"}, "products.it.otherwise", "is the same as the phrase"),
    ],
)
def test_a_fault_says_where_and_what(declared: dict[str, Any], where: str, problem: str) -> None:
    table = WORDS | {"client": "concerns", "client_level": "trauma", "clinician": "distress"}
    table = {name: value for name, value in (table | declared).items() if value is not None}
    match, faults = read_product("it", table, fields("client"), fields("clinician"))

    assert match is None
    assert (where, problem) in [(fault.where, fault.problem) for fault in faults]


def test_products_follow_the_matches_and_each_shipped_one_has_a_source() -> None:
    matches = list(shipped_practice().matches.values())
    products = [match for match in matches if match.parts]

    assert matches[-len(products) :] == products
    assert len(products) >= 8
    assert all(product.source for product in products)


def test_a_product_may_not_have_the_name_of_a_match() -> None:
    declared = tomllib.loads(shipped_text("psychology"))
    declared["products"]["trip"] = declared["products"]["ocd_cbt"]

    with pytest.raises(DefinitionError, match=r"products\.trip.*is the name of a match"):
        practice_of(declared, "")
