import pytest

from experiments.cliniko_sync.invented_account import CARLTON, FIRST, STANDARD, mapping_text
from recommender.errors import FaultsError, RecommenderError
from recommender.importing.cliniko.mapping import read_mapping
from recommender.importing.cliniko.mapping_sections import ClinikoMapping
from recommender.practice.definition import shipped_practice

PRACTICE = shipped_practice()
SOUND = mapping_text(2)


def mapped(text: str = SOUND) -> ClinikoMapping:
    return read_mapping(text, PRACTICE)


def faults_of(text: str) -> dict[str, str]:
    with pytest.raises(FaultsError) as refused:
        mapped(text)
    return {fault.where: f"{fault.problem}; {fault.remedy}" for fault in refused.value.faults}


def test_a_mapping_says_which_id_is_which() -> None:
    mapping = mapped()
    assert mapping.practitioners == {"5000": "psy000", "5001": "psy001"}
    assert mapping.businesses[CARLTON].room == "-37.8004,144.9669"
    assert mapping.first_types == (FIRST,)
    assert mapping.fee_fields == {STANDARD: "fee"}
    assert "hours" in mapping.written_fields
    assert "modalities" not in mapping.written_fields


def test_every_fault_of_a_mapping_is_reported_at_once() -> None:
    text = (
        SOUND.replace('hours = "hours"', 'hours = "modalities"')
        .replace('"5001" = "psy001"', '"5001" = "psy000"\n"x" = "psy3"\n"5003" = "Dr Who"')
        .replace('ways = ["video", "phone"]', 'room = "nowhere"\nsize = 3')
        .replace("[fields]", "[field]\n[fields]")
    )
    found = faults_of(text)
    assert {
        "field",
        "practitioners.5001",
        "practitioners.x",
        "practitioners.5003",
        "businesses.13.size",
        "fields.hours",
    } <= set(found)
    assert "use hours" in found["fields.hours"]


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ('timezone = "Australia/Melbourne"\n', 'timezone = "Melbourne"\n', "cliniko.timezone"),
        ("contact =", "caseload_days = 0\ncontact =", "cliniko.caseload_days"),
        ("contact =", "full_pass_days = 400\ncontact =", "cliniko.full_pass_days"),
        ("contact =", 'first_day = "last year"\ncontact =', "cliniko.first_day"),
        ("contact =", 'attended = "maybe"\ncontact =', "cliniko.attended"),
        ("contact =", "contacts =", "cliniko.contact"),
        ('rooms = "rooms"\n', "", "fields.rooms"),
        ("first_session = true", "", "appointment_types"),
        ('fee_field = "fee"', 'fee_field = "hours"', "appointment_types.102.fee_field"),
        ('room = "-37.8004,144.9669"', 'room = "far away"', "businesses.12.room"),
        ('["video", "phone"]', '["telepathy"]', "businesses.13.ways"),
        ('absences = "absences"', 'absences = "hours"', "fields.absences"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(before: str, after: str, where: str) -> None:
    assert before in SOUND
    assert where in faults_of(SOUND.replace(before, after))


def test_two_facts_do_not_share_a_field() -> None:
    text = SOUND.replace(
        'caseload = "caseload"', 'caseload = "places_open"\nweeks_free = "places_open"'
    )
    assert "names the field of" in faults_of(text)["fields.caseload"]


def test_a_mapping_without_practitioners_says_how_to_begin() -> None:
    assert "--init" in faults_of(mapping_text(0))["practitioners"]


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(RecommenderError, match="not TOML"):
        mapped("[cliniko")
