from dataclasses import replace
from typing import Any

from recommender.importing.fhir.questionnaire import canonical_url, form_questionnaire
from tests.support.fhir_practice import (
    OTHER_INTAKE,
    a_mapping,
    a_patient,
    a_practitioner,
    a_response,
    an_encounter,
    an_intake,
    imported,
    reasons_in,
    rows_of,
    the_practice,
    to,
)
from tests.support.questionnaire_filler import filled_in


def clients(*resources: dict[str, Any], mapping: str | None = None) -> list[dict[str, Any]]:
    chosen = a_mapping() if mapping is None else a_mapping(mapping)
    tables, _ = imported([a_practitioner(), *resources], chosen)
    return rows_of(tables["clients"]) if "clients" in tables else []


def reasons(*resources: dict[str, Any]) -> dict[tuple[str, str | None], list[str]]:
    return reasons_in(imported([a_practitioner(), *resources])[1])


def test_a_response_to_our_own_form_needs_no_mapping() -> None:
    answers = {"age_years": 41, "funding": "medicare", "referral_held": True, "concerns": []}
    form = form_questionnaire(the_practice())
    who = {"id": "own", "subject": to("Patient", "1042"), "authored": "2026-09-20"}
    (row,) = clients(a_patient(), filled_in(form, answers, **who), mapping="")
    own = {name: row[name] for name in answers}
    assert own == {
        "age_years": "41",
        "funding": "medicare",
        "referral_held": "true",
        "concerns": "none",
    }


def test_a_form_that_was_published_elsewhere_is_ours_by_its_address() -> None:
    url = "https://practice.example/fhir/Questionnaire/ours"
    form = form_questionnaire(the_practice(), url=url)
    who = {"subject": to("Patient", "1042"), "authored": "2026-09-20"}
    response = filled_in(form, {"age_years": 41}, **who)
    mapping = a_mapping()
    assert canonical_url(the_practice(), "client") != url
    assert clients(a_patient(), response) == []
    named = replace(mapping, forms=(url,))
    tables, _ = imported([a_practitioner(), a_patient(), response], named)
    assert rows_of(tables["clients"])[0]["age_years"] == "41"


def test_codes_of_another_form_are_levels_by_the_mapping() -> None:
    (row,) = clients(a_patient(), an_intake())
    assert row["main_concern"] == "anxiety"


def test_age_is_computed_on_the_day_of_the_intake_where_it_was_not_asked() -> None:
    without = an_intake(item=[], authored="2027-03-04T23:00:00Z")
    (row,) = clients(a_patient(birthDate="1991-03-05"), without)
    assert row["age_years"] == "36"
    assert clients(a_patient(), an_intake(item=[])) == clients(a_patient(), an_intake(item=[]))


def test_without_an_intake_age_is_that_of_the_first_session() -> None:
    (row,) = clients(a_patient(birthDate="2008-10-02"), an_encounter("e", "2026-10-01"))
    assert row["age_years"] == "17"


def test_a_client_without_a_required_answer_is_left_out() -> None:
    found = reasons(a_patient(birthDate="1991"), an_encounter("e", "2026-10-01"))
    assert found[("Patient", None)] == ["has no age_years"]


def test_a_patient_without_intake_and_session_is_no_client() -> None:
    assert reasons(a_patient())[("Patient", None)] == [
        "has neither an intake nor a meeting with a clinician of the roster"
    ]


def test_the_last_intake_before_the_first_session_counts() -> None:
    ages = {"2026-08-01": 30, "2026-09-01": 31, "2026-11-01": 32}
    several = [
        a_response(OTHER_INTAKE, {"1": {"valueInteger": age}}, id=day, authored=day)
        for day, age in ages.items()
    ]
    (row,) = clients(a_patient(), an_encounter("e", "2026-10-01"), *several)
    assert row["age_years"] == "31"
    found = reasons(a_patient(), an_encounter("e", "2026-10-01"), *several)
    assert found[("QuestionnaireResponse", None)] == ["is another intake of the same client"]


def test_clinicians_that_a_client_names_are_pseudonyms_of_the_roster() -> None:
    reference = {"linkId": "3", "answer": [{"valueReference": to("Practitioner", "wattle")}]}
    typed = {"linkId": "3", "answer": [{"valueString": "Wattle"}]}
    age = {"linkId": "1", "answer": [{"valueInteger": 35}]}
    (row,) = clients(a_patient(), an_intake(item=[age, reference]))
    assert row["blocked_clinicians"].startswith("k-")
    (row,) = clients(a_patient(), an_intake(item=[age, typed]))
    assert "blocked_clinicians" not in row
    found = reasons(a_patient(), an_intake(item=[age, typed]))
    assert found[("QuestionnaireResponse", "blocked_clinicians")] == ["names nobody of the roster"]


def test_answers_that_cannot_be_used_are_reported_by_field_and_never_repeated() -> None:
    items = [
        {"linkId": "1", "answer": [{"valueInteger": 35}]},
        {"linkId": "2", "answer": [{"valueString": "my mother Quandong"}]},
        {"linkId": "9", "answer": [{"valueString": "private"}]},
    ]
    _, report = imported([a_practitioner(), a_patient(), an_intake(item=items)])
    found = reasons_in(report)
    assert found[("QuestionnaireResponse", "main_concern")] == ["is not one of the declared levels"]
    assert found[("QuestionnaireResponse", "item")] == [
        "answers a question that the mapping does not name"
    ]
    assert "Quandong" not in report.json_text()
    assert "private" not in report.json_text()


def test_responses_that_cannot_be_used_are_reported() -> None:
    found = reasons(
        a_patient(),
        an_intake(id="a", status="in-progress"),
        an_intake(id="b", questionnaire=None),
        an_intake(id="c", subject=to("Patient", "7")),
        an_intake(id="d", authored="2026"),
        an_intake(id="e", questionnaire="https://elsewhere.example/Questionnaire/x|1.0"),
    )
    assert found[("QuestionnaireResponse", None)] == [
        "is not complete",
        "names no questionnaire",
        "is about no patient that was read",
        "has no day on which it was answered",
        "is to a questionnaire that the mapping does not name",
    ]
