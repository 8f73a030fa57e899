"""The section `matching_page`: what is refused, and what a server needs to show the page."""

import pytest

from recommender.errors import DefinitionError
from recommender.practice.definition import Practice, read_practice, shipped_practice, shipped_text
from recommender.practice.matching_page import unready

TEXT = shipped_text("psychology")


def faults_after(old: str, new: str) -> list[str]:
    assert TEXT.count(old) == 1, old
    with pytest.raises(DefinitionError) as refused:
        read_practice(TEXT.replace(old, new))
    return [f"{fault.where}: {fault.problem}" for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('telephone = "" ', 'telephone = "ring us" ', "telephone: is not a telephone number"),
        (
            'contact_url = "" ',
            'contact_url = "http://x.au" ',
            "contact_url: is not a secure address",
        ),
        ('age = "age_years"', 'age = "hours_free"', "age: is not a number of the client"),
        ('"Manly" = "2095"', '"Manly" = "9999"', "suburbs.Manly: is not a declared postcode"),
        (
            'risk_level = "level_3"',
            'risk_level = "level_9"',
            "answers.risk_level: is not an answer to this field",
        ),
        ('risk_level = "level_3"', "age_years = 30", "answers.age_years: is asked on the page"),
        (
            'risk_level = "level_3"',
            "colour = 1",
            "answers.colour: is not a question to the client",
        ),
        (
            'risk_level = "level_3"',
            'hours_free = ["mon 09:00-10:00"]',
            "answers.hours_free: is of kind weekly_hours",
        ),
        ("minimum_age = 18", "", "minimum_age: is not given"),
    ],
)
def test_a_wrong_setting_is_named(old: str, new: str, fault: str) -> None:
    assert f"matching_page.{fault}" in faults_after(old, new)


def test_parts_of_a_day_run_forward_and_apart() -> None:
    part = '[[matching_page.day_parts]]\nlabel = "x"\nstart = "{}"\nend = "{}"\n'
    before = "[matching_page.suburbs]"
    backwards = faults_after(before, part.format("12:00", "08:00") + before)
    assert backwards == ["matching_page.day_parts.0: does not run forward"]
    twice = part.format("08:00", "12:00") + part.format("11:00", "13:00")
    assert faults_after(before, twice + before) == [
        "matching_page.day_parts: has parts that overlap"
    ]


def test_a_page_needs_a_consent_that_can_be_declined() -> None:
    assert "practice.consent: is not given for the matching page" in faults_after(
        'consent = "model_consent"', ""
    )


def test_a_page_without_a_telephone_is_not_ready_and_one_with_it_is() -> None:
    page = shipped_practice().matching_page
    (blank,) = unready(page, has_form=True)
    assert blank.where == "matching_page.telephone"
    practice: Practice = read_practice(
        TEXT.replace('telephone = "" ', 'telephone = "02 5550 0100" ')
    )
    assert unready(practice.matching_page, has_form=True) == []
    assert [each.where for each in unready(practice.matching_page, has_form=False)] == [
        "forms.client"
    ]
    assert [each.where for each in unready(None, has_form=True)] == ["matching_page"]
