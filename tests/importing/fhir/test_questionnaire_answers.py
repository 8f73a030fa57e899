from typing import Any

import pytest

from recommender.importing.fhir.questionnaire import canonical_url, level_system
from recommender.importing.fhir.questionnaire_answers import answers_in, own_links
from tests.support.fhir_practice import the_practice

URL = canonical_url(the_practice(), "client")
LINKS = own_links(the_practice().client, URL)


def read(link: str, *answers: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    response = {"item": [{"linkId": link, "answer": list(answers)}]}
    cells, unread = answers_in(response, LINKS)
    return cells, [each.reason for each in unread]


def a_coding(code: str, field: str, system: str | None = None) -> dict[str, Any]:
    return {"valueCoding": {"system": system or level_system(URL, field), "code": code}}


@pytest.mark.parametrize(
    ("link", "answer", "cell"),
    [
        ("age_years", {"valueQuantity": {"value": 35, "unit": "years"}}, 35),
        ("start_on", {"valueDateTime": "2026-12-01T09:00:00+11:00"}, "2026-12-01"),
        ("funding", {"valueString": "medicare"}, "medicare"),
        ("funding", {"valueCoding": {"code": "medicare"}}, "medicare"),
    ],
)
def test_other_types_that_say_the_same_are_read(
    link: str, answer: dict[str, Any], cell: Any
) -> None:
    assert read(link, answer) == ({link: cell}, [])


@pytest.mark.parametrize(
    ("link", "answers", "reason"),
    [
        (
            "funding",
            [a_coding("medicare", "funding", "urn:other")],
            "has a code of another code system",
        ),
        ("funding", [a_coding("lottery", "funding")], "is not one of the declared levels"),
        ("funding", [{"valueTime": "09:00:00"}], "has an answer of a type that is not read"),
        (
            "funding",
            [a_coding("medicare", "funding"), a_coding("private", "funding")],
            "has several answers",
        ),
        (
            "concerns",
            [a_coding("none", "concerns"), a_coding("grief", "concerns")],
            "names something and that there is nothing",
        ),
        ("age_years", [{"valueDecimal": 700}], "is above the largest value allowed"),
    ],
)
def test_an_answer_that_cannot_be_used_is_left_out_with_its_reason(
    link: str, answers: list[dict[str, Any]], reason: str
) -> None:
    assert read(link, *answers) == ({}, [reason])


def test_answers_below_answers_are_found() -> None:
    inner = {"linkId": "age_years", "answer": [{"valueDecimal": 35}]}
    outer = {"linkId": "model_consent", "answer": [{"valueBoolean": True, "item": [inner]}]}
    cells, unread = answers_in({"item": [{"linkId": "section", "item": [outer]}]}, LINKS)
    assert cells == {"model_consent": True, "age_years": 35}
    assert unread == []
