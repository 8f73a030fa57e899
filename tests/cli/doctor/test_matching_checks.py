"""The doctor finds what a matching page that is switched on lacks, each with a remedy."""

import re
from dataclasses import replace

import pytest

from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.matching_checks import check_matching_page
from recommender.errors import Fault
from recommender.practice.definition import read_practice, shipped_text

READY = shipped_text("psychology").replace('telephone = ""  ', 'telephone = "02 5550 0100"  ', 1)
DECLINED = "You still see everyone who fits, those who are free first. It costs you nothing."
CONSENT_ONLY = '[forms.client]\ntitle = "x"\n[[forms.client.sections]]\nid = "a"\ntitle = "A"\n'


def found(deployment: Deployment) -> list[Fault]:
    return list(check_matching_page(deployment))


def showing(sound: Deployment, text: str = READY) -> Deployment:
    return replace(sound, practice=read_practice(text), matching_page=True)


def changed(old: str, new: str) -> str:
    """The ready definition with one text replaced."""
    assert READY.count(old) == 1
    return READY.replace(old, new)


def test_a_page_that_is_ready_and_one_that_is_off_have_no_fault(sound: Deployment) -> None:
    assert found(showing(sound)) == []
    assert found(sound) == []


def test_a_page_of_the_shipped_definition_or_of_one_without_the_section_is_found(
    sound: Deployment,
) -> None:
    blank = replace(sound, practice=None, bundle=None, matching_page=True)
    assert [each.where for each in found(blank)] == ["matching_page.telephone"]
    bare = replace(sound, matching_page=True)
    assert [each.where for each in found(bare)] == ["matching_page"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (changed("02 5550 0100", "02"), "matching_page.telephone"),
        (changed('telephone = "000"', 'telephone = "0"'), "matching_page.emergency.0"),
        (changed(DECLINED, "It is free."), "matching_page.if_declined"),
        (changed("minimum_age = 18", "minimum_age = 0"), "matching_page.minimum_age"),
        (changed("minimum_age = 18", "minimum_age = 400"), "matching_page.minimum_age"),
    ],
    ids=["telephone", "emergency", "consent", "no minimum", "nobody is old enough"],
)
def test_what_a_definition_says_wrongly_is_found(sound: Deployment, text: str, where: str) -> None:
    (fault,) = found(showing(sound, text))
    assert fault.where == where
    assert fault.remedy


def test_consent_that_says_one_thing_twice_is_found(sound: Deployment) -> None:
    page = read_practice(READY).matching_page
    assert page is not None
    (fault,) = found(showing(sound, changed(page.by_whom, page.used)))
    assert "one text twice" in fault.problem


def test_emergency_numbers_that_ring_the_practice_alone_are_found(sound: Deployment) -> None:
    before, tables, numbers = READY.partition("[[matching_page.emergency]]")
    own = re.sub(r'^telephone = ".*"$', 'telephone = "0255500100"', numbers, flags=re.MULTILINE)
    text = before + tables + own
    assert [each.where for each in found(showing(sound, text))] == ["matching_page.emergency"]


def test_a_form_that_asks_clients_nothing_is_found(sound: Deployment) -> None:
    begin, end = READY.index("[forms.client]"), READY.index("# CLINICIAN: may they be offered")
    form = f'{CONSENT_ONLY}first = ["age_years", "model_consent"]\n# '
    faults = found(showing(sound, READY[:begin] + form + READY[end:]))
    assert [each.problem for each in faults] == ["asks nothing but age and consent"]


def test_sites_in_frames_are_checked(sound: Deployment) -> None:
    for origins, problems in (
        (("https://www.practice.example", "http://localhost:3000"), []),
        (("http://www.practice.example",), ["has a site without https"]),
    ):
        faults = found(replace(showing(sound), matching_frame_ancestors=origins))
        assert [each.problem for each in faults] == problems
    (off,) = found(replace(sound, matching_frame_ancestors=("https://www.practice.example",)))
    assert "the page is off" in off.problem


def test_a_page_without_a_store_is_found(sound: Deployment) -> None:
    (fault,) = found(replace(showing(sound), store=None))
    assert fault.problem == "is switched on without a store"
