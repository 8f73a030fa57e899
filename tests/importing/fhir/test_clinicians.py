from typing import Any

import pytest

from recommender.importing.fhir.clinicians import name_of
from recommender.importing.fhir.mapping import AHPRA
from tests.support.fhir_practice import (
    a_concept,
    a_mapping,
    a_place,
    a_practitioner,
    a_registration,
    a_resource,
    a_role,
    a_slot,
    a_time,
    imported,
    reasons_in,
    rows_of,
    to,
)

NEW_PATIENTS = "http://digitalhealth.gov.au/fhir/cc/StructureDefinition/new-patient-availability"
NEW_PATIENTS_CODES = "http://digitalhealth.gov.au/fhir/hcpd/CodeSystem/new-patient-availability-cs"


def clinician(*resources: dict[str, Any], mapping: str = "") -> dict[str, Any]:
    tables, _ = imported(list(resources), a_mapping(mapping))
    rows = rows_of(tables["clinicians"])
    assert len(rows) == 1
    return rows[0]


def reasons(*resources: dict[str, Any]) -> dict[tuple[str, str | None], list[str]]:
    return reasons_in(imported(list(resources))[1])


def test_only_practitioners_that_the_mapping_takes_are_clinicians() -> None:
    doctor = a_practitioner("doctor", identifier=[a_registration("MED0000932945")])
    endorsed = a_practitioner("endorsed", identifier=[])
    role = a_role("endorsed", code=[a_concept("310191001")])
    tables, report = imported([doctor, a_practitioner(), endorsed, role])
    assert len(tables["clinicians"].rows) == 2
    assert reasons_in(report)[("Practitioner", None)] == [
        "has no profession and no code that the mapping takes for its clinicians"
    ]


def test_a_registration_number_may_be_of_a_qualification_or_of_a_role() -> None:
    nowhere = a_practitioner(identifier=[])
    number = a_registration("PSY0001234567")
    qualified = {**nowhere, "qualification": [{"identifier": [number], "code": {"text": "x"}}]}
    assert clinician(qualified)["registration_type"] == "psychologist"
    assert clinician(nowhere, a_role(identifier=[number]))["registration_type"] == "psychologist"


def test_an_endorsement_counts_before_the_number() -> None:
    role = a_role(code=[a_concept("310191001")])
    assert clinician(a_practitioner(), role)["registration_type"] == "clinical_psychologist"


def test_what_a_clinician_says_of_gender_counts_before_a_record() -> None:
    value = {"url": "value", "valueCodeableConcept": a_concept("33791000087105")}
    identity = {
        "url": "http://hl7.org/fhir/StructureDefinition/individual-genderIdentity",
        "extension": [value],
    }
    assert clinician(a_practitioner(gender="male"))["gender"] == "man"
    stated = a_practitioner(gender="male", extension=[identity])
    assert clinician(stated)["gender"] == "non_binary"
    assert "gender" not in clinician(a_practitioner(gender="other"))
    assert reasons(a_practitioner(gender="other"))[("Practitioner", "gender")] == [
        "has a code that the mapping does not name"
    ]


def test_languages_of_a_practitioner_are_tags() -> None:
    spoken = [a_concept(code, "urn:ietf:bcp:47") for code in ("en", "yue-Hant", "de")]
    person = a_practitioner(communication=spoken)
    assert clinician(person)["languages"] == "english;cantonese"
    assert ("Practitioner", "communication") in reasons(person)


def test_hours_name_the_room_where_a_clinician_has_several() -> None:
    places = [a_place("a", -33.87, 151.21), a_place("b", -33.9, 151.18)]
    roles = [
        a_role(
            id=name, location=[to("Location", name)], availableTime=[a_time(day, "09:00", "12:00")]
        )
        for name, day in (("a", "mon"), ("b", "tue"))
    ]
    row = clinician(a_practitioner(), *places, *roles)
    assert row["rooms"] == "-33.87,151.21;-33.9,151.18"
    assert row["hours"] == "mon 09:00-12:00 room 1;tue 09:00-12:00 room 2"
    alone = clinician(a_practitioner(), places[0], roles[0])
    assert alone["hours"] == "mon 09:00-12:00"


def test_a_place_without_a_position_is_its_postcode_where_that_is_declared() -> None:
    place = a_resource("Location", "a", status="active", address={"postalCode": "2042"})
    role = a_role(location=[to("Location", "a")])
    assert clinician(a_practitioner(), place, role)["rooms"] == "2042"
    far = {**place, "address": {"postalCode": "9999"}}
    assert "rooms" not in clinician(a_practitioner(), far, role)
    assert reasons(a_practitioner(), far, role)[("Practitioner", "location")] == [
        "a location has no position, and no postcode that the practice declares"
    ]


def test_a_zone_of_times_is_the_zone_of_the_rooms() -> None:
    zone = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/timezone",
                "valueCode": "Australia/Brisbane",
            }
        ]
    }
    time = {**a_time("mon", "09:00", "12:00"), "_availableStartTime": zone}
    row = clinician(a_practitioner(), a_role(availableTime=[time]))
    assert row["timezone"] == "Australia/Brisbane"
    zone["extension"][0]["valueCode"] = "America/Chicago"
    assert "hours" not in clinician(a_practitioner(), a_role(availableTime=[time]))
    assert reasons(a_practitioner(), a_role(availableTime=[time]))[
        ("Practitioner", "availableTime")
    ] == ["a time is in a zone that no field of the definition has"]


def test_a_role_that_has_ended_or_not_begun_is_not_used() -> None:
    past = a_role(
        id="past", period={"end": "2026-06"}, availableTime=[a_time("mon", "09:00", "10:00")]
    )
    later = a_role(id="later", period={"start": "2027"})
    assert "hours" not in clinician(a_practitioner(), past, later)
    assert reasons(a_practitioner(), past, later)[("PractitionerRole", None)] == [
        "has ended",
        "has not begun",
    ]


@pytest.mark.parametrize(
    ("practitioner", "role", "active"),
    [(True, True, "true"), (None, None, "true"), (True, False, "false"), (False, True, "false")],
)
def test_a_clinician_is_active_where_nothing_says_otherwise(
    practitioner: bool | None, role: bool | None, active: str
) -> None:
    row = clinician(a_practitioner(active=practitioner), a_role(active=role))
    assert row["active"] == active


def test_an_absence_of_one_role_among_several_is_not_the_clinicians() -> None:
    leave = {"description": "Leave", "during": {"start": "2026-12-20", "end": "2027-01-10"}}
    away, there = a_role(id="a", notAvailable=[leave]), a_role(id="b")
    assert "absences" not in clinician(a_practitioner(), away, there)
    assert reasons(a_practitioner(), away, there)[("Practitioner", "notAvailable")] == [
        "an absence is of one role, and the clinician has others"
    ]
    both = clinician(a_practitioner(), away, {**there, "notAvailable": [leave]})
    assert both["absences"] == "2026-12-20 to 2027-01-10"


def test_the_next_free_day_is_that_of_a_free_slot_outside_absences() -> None:
    away = {"description": "Leave", "during": {"start": "2026-11-24", "end": "2026-11-25"}}
    schedule = a_resource("Schedule", "s1", actor=[to("Practitioner", "wattle")])
    slots = [
        a_slot("over", "2026-11-19T09:00:00+11:00"),
        a_slot("away", "2026-11-24T09:00:00+11:00"),
        # Late on Thursday in UTC, and Friday in Sydney.
        a_slot("late", "2026-11-26T22:00:00Z"),
        a_slot("early", "2026-11-28T09:00:00+11:00"),
    ]
    row = clinician(a_practitioner(), a_role(notAvailable=[away]), schedule, *slots)
    assert row["next_available"] == "2026-11-27"


def test_slots_that_tell_nothing_are_reported() -> None:
    lost = a_slot("lost", "2026-12-01T09:00:00+11:00", schedule=to("Schedule", "nowhere"))
    schedule = a_resource("Schedule", "s1", actor=[to("Location", "room")])
    over = a_slot("over", "2026-11-19T09:00:00+11:00")
    found = reasons(
        a_practitioner(), schedule, lost, over, a_slot("b", "2026-12-01T09:00:00Z", status="busy")
    )
    assert found[("Slot", None)] == ["names no schedule that was read", "is over", "is not free"]
    assert found[("Schedule", None)] == ["is of no practitioner that was read"]


def test_extensions_of_a_service_are_read() -> None:
    coded = {"coding": [{"system": NEW_PATIENTS_CODES, "code": "notAccepting"}]}
    service = a_resource(
        "HealthcareService", "h", extension=[{"url": NEW_PATIENTS, "valueCodeableConcept": coded}]
    )
    role = a_role(healthcareService=[to("HealthcareService", "h")])
    assert clinician(a_practitioner(), service, role)["intake_status"] == "closed"


def test_codes_for_different_levels_of_a_category_are_left_out() -> None:
    mixed = a_role(code=[a_concept("310191001"), a_concept("59944000")])
    assert reasons(a_practitioner(), mixed)[("Practitioner", "role_code")] == [
        "has codes for different levels of registration_type"
    ]


def test_one_value_may_be_the_same_for_everybody() -> None:
    added = '[clinicians.consents_to_matching]\nvalue = "true"\n'
    assert clinician(a_practitioner(), mapping=added)["consents_to_matching"] == "true"


def test_the_mapping_may_name_the_identifier_that_a_pseudonym_is_of() -> None:
    added = f'[ids]\nclinician = "{AHPRA}"\n'
    one = clinician(a_practitioner("a"), mapping=added)["clinician_id"]
    assert one == clinician(a_practitioner("b"), mapping=added)["clinician_id"]
    assert one != clinician(a_practitioner("a"))["clinician_id"]
    nameless = a_practitioner("c", identifier=[], qualification=[])
    role = a_role("c", code=[a_concept("310191001")])
    tables, report = imported([nameless, role], a_mapping(added))
    assert tables == {}
    assert reasons_in(report)[("Practitioner", None)] == [
        "has no id, or no identifier of the system that the mapping names"
    ]


def test_the_official_name_is_shown_and_an_old_one_never() -> None:
    old, usual = {"use": "old", "text": "Old"}, {"use": "usual", "text": "Usual"}
    assert (
        name_of({"name": [old, usual, {"use": "official", "given": ["A"], "family": "B"}]}) == "A B"
    )
    assert name_of({"name": [old]}) is None


def test_practitioners_without_an_id_are_not_taken_for_one_another() -> None:
    nameless = [{**a_practitioner(name), "id": None} for name in ("a", "b")]
    tables, report = imported(nameless)
    assert tables == {}
    (left,) = [each for each in report.left_out if each.column is None]
    assert left.count == 2
