from typing import Any

import pytest

from tests.support.fhir_practice import (
    WAI,
    a_mapping,
    a_patient,
    a_practitioner,
    a_rating,
    a_response,
    an_encounter,
    imported,
    reasons_in,
    rows_of,
    to,
)

SESSIONS = (an_encounter("e1", "2026-10-01"), an_encounter("e2", "2026-10-08"))


def rated(
    *responses: dict[str, Any], mapping: str | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The ratings, and why responses were left out."""
    people = [a_practitioner(), a_patient()]
    chosen = a_mapping() if mapping is None else a_mapping(mapping)
    tables, report = imported([*people, *SESSIONS, *responses], chosen)
    return rows_of(tables["ratings"]), reasons_in(report).get(("QuestionnaireResponse", None), [])


def test_a_rating_of_an_encounter_has_the_number_of_its_session() -> None:
    rows, _ = rated(a_rating(encounter=to("Encounter", "e2"), authored="2026-10-20"))
    assert rows[0] | {"pairing_id": ""} == {
        "pairing_id": "",
        "session": "2",
        "rated_on": "2026-10-20",
        "instrument": "srs_v3",
        "rater": "client",
        "metric": "sum",
        "score": "36.5",
    }


def test_a_rating_without_an_encounter_is_of_the_last_session_shortly_before_it() -> None:
    assert rated(a_rating(authored="2026-10-07"))[0][0]["session"] == "1"
    assert rated(a_rating(authored="2026-10-08"))[0][0]["session"] == "2"
    reason = "names no encounter, and no single meeting lies shortly before it"
    assert rated(a_rating(authored="2026-10-23")) == ([], [reason])
    longer = "[pairing]\nrated_within_days = 20\n"
    rows, _ = rated(
        a_rating(authored="2026-10-23"),
        mapping=longer + FORM_OF_TOTALS.replace('session = "session"', ""),
    )
    assert rows[0]["session"] == "2"


FORM_OF_TOTALS = """
[ratings."https://practice.example/fhir/Questionnaire/srs"]
instrument = "srs_v3"
metric = "sum"
score = "total"
session = "session"
rater = "clinician"
"""


def test_the_form_may_say_the_session_and_the_mapping_who_rates() -> None:
    stated = a_rating(encounter=to("Encounter", "e2"))
    session = {"linkId": "session", "answer": [{"valueInteger": 5}]}
    mapping = FORM_OF_TOTALS
    (row,), _ = rated({**stated, "item": [*stated["item"], session]}, mapping=mapping)
    assert (row["session"], row["rater"]) == ("5", "clinician")
    assert rated(stated, mapping=mapping)[1] == ["has no number of the session"]


def a_wai(*answers: dict[str, Any], **elements: Any) -> dict[str, Any]:
    items = {f"wai-{number}": answer for number, answer in enumerate(answers, start=1)}
    return a_response(WAI, items, **{"id": "wai", "encounter": to("Encounter", "e2"), **elements})


def test_items_are_numbers_codes_of_the_mapping_or_ordinal_values() -> None:
    ordinal = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 3}
    coded = {"valueCoding": {"code": "always"}}
    scored = {"valueCoding": {"code": "x", "extension": [ordinal]}}
    (row,), _ = rated(a_wai({"valueInteger": 4}, coded, scored, {"valueCoding": {"code": "y"}}))
    assert [row.get(f"item_{number}") for number in range(1, 6)] == ["4", "5", "3", None, None]
    assert row["metric"] == "items"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (a_wai({"valueInteger": 6}), "has an item outside the instrument's range"),
        (a_wai({"valueString": "often"}), "has no item that is a number"),
        (a_rating(41), "has a total outside the instrument's range"),
        (a_rating(item=[]), "has no total"),
        (a_rating(source=to("Organization", "x")), "does not say who rates"),
        (
            a_rating(encounter=to("Encounter", "e9")),
            "is of an encounter that is no meeting with a clinician of the roster",
        ),
        (
            a_rating(encounter=to("Encounter", "e2"), authored="2026-10-07"),
            "was answered before its meeting",
        ),
    ],
)
def test_a_form_that_is_no_rating_is_left_out_with_a_reason(
    response: dict[str, Any], reason: str
) -> None:
    assert rated(response) == ([], [reason])


def test_a_form_of_another_clients_encounter_is_left_out() -> None:
    another = a_rating(encounter=to("Encounter", "e2"), subject=to("Patient", "1043"))
    rows, reasons = rated(another, a_patient("1043"))
    assert rows == []
    assert reasons == ["is of an encounter of another client"]


def test_of_several_ratings_of_a_session_the_last_one_counts() -> None:
    first = a_rating(30, id="first", encounter=to("Encounter", "e2"), authored="2026-10-08")
    last = a_rating(20, id="last", encounter=to("Encounter", "e2"), authored="2026-10-09")
    rows, reasons = rated(last, first)
    assert [row["score"] for row in rows] == ["20"]
    assert reasons == ["is an earlier rating of the same session"]
