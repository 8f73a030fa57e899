from typing import Any

from recommender.importing.fhir.resources import Document, Resources, collect
from recommender.importing.import_report import ImportLog, ImportReport
from tests.support.fhir_practice import (
    a_bundle,
    a_patient,
    a_practitioner,
    a_role,
    reasons_in,
)


def collected(*contents: object) -> tuple[Resources, ImportReport]:
    log = ImportLog("FHIR")
    found = collect([Document("file", each) for each in contents], log)
    return found, log.report()


def test_bundles_within_bundles_are_unpacked() -> None:
    inner = a_bundle([a_patient("1"), a_patient("2")])
    found, _ = collected(a_bundle([inner, a_patient("3")]), a_patient("4"))
    assert [each.id for each in found.of("Patient")] == ["1", "2", "3", "4"]


def test_outcomes_of_a_search_are_no_resources() -> None:
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [outcome]}
    assert collected(bundle)[1].sources == ()


def test_the_copy_that_was_changed_last_counts() -> None:
    older = a_patient(meta={"lastUpdated": "2026-01-01T00:00:00Z"}, gender="male")
    newer = a_patient(meta={"lastUpdated": "2026-02-01T00:00:00Z"}, gender="female")
    for order in ((older, newer), (newer, older)):
        found, report = collected(*order)
        assert [each.body["gender"] for each in found.of("Patient")] == ["female"]
        assert reasons_in(report) == {
            ("Patient", None): ["is an earlier copy of a resource that is there again"]
        }


def test_of_a_history_the_newest_version_counts_and_deleted_ones_are_gone() -> None:
    address = "https://server.example/fhir/Patient/1"
    versions: list[dict[str, Any]] = [
        {"fullUrl": address, "request": {"method": "DELETE", "url": "Patient/1"}},
        {"fullUrl": address, "resource": a_patient("1")},
    ]
    history = {"resourceType": "Bundle", "type": "history"}
    assert collected({**history, "entry": versions})[0].of("Patient") == ()
    assert len(collected({**history, "entry": versions[1:]})[0].of("Patient")) == 1


def test_what_is_no_usable_resource_is_reported_with_its_number() -> None:
    found, report = collected(
        [1, 2],
        {"resourceType": "Jo Quandong"},
        a_patient(),
        a_patient("2", birthDate="yesterday"),
        {"resourceType": "Medication"},
        {"resourceType": "Bundle", "entry": "none"},
        {"resourceType": "Bundle", "entry": [1]},
    )
    assert [each.id for each in found.of("Patient")] == ["1042"]
    places = {(each.source, each.reason): each.rows for each in report.left_out}
    assert places == {
        ("unknown", "is not a FHIR resource"): (1, 2, 3),
        ("Patient", "is not valid FHIR R4: birthDate"): (2,),
        ("other kinds", "Medication is not read"): (1,),
        ("Bundle", "has no list of entries"): (1,),
    }


def test_bundles_that_are_nested_without_end_are_refused() -> None:
    bundle = a_bundle([a_patient()])
    for _ in range(20):
        bundle = a_bundle([bundle])
    found, report = collected(bundle)
    assert found.of("Patient") == ()
    assert reasons_in(report) == {("Bundle", None): ["is nested too deeply"]}


def followed(reference: dict[str, Any], **role: Any) -> str | None:
    address = "urn:uuid:11111111-2222-3333-4444-555555555555"
    entries = [
        {"fullUrl": address, "resource": a_practitioner("banksia")},
        {"resource": a_practitioner()},
        {"resource": {**a_role(**role), "practitioner": reference}},
    ]
    found, _ = collected({"resourceType": "Bundle", "type": "collection", "entry": entries})
    owner = found.of("PractitionerRole")[0]
    person = found.follow(reference, owner, "Practitioner")
    return None if person is None else person.id


def test_references_are_followed_in_every_form_of_fhir() -> None:
    address = "urn:uuid:11111111-2222-3333-4444-555555555555"
    number = {"system": "http://hl7.org.au/id/ahpra-registration-number", "value": "PSY0001234567"}
    inner = {"resourceType": "Practitioner", "id": "p", "name": [{"text": "X"}]}
    assert followed({"reference": "Practitioner/wattle"}) == "wattle"
    assert followed({"reference": "Practitioner/wattle/_history/3"}) == "wattle"
    assert followed({"reference": "https://server.example/fhir/Practitioner/wattle"}) == "wattle"
    assert followed({"reference": address}) == "banksia"
    assert followed({"identifier": number, "type": "Practitioner"}) == "banksia"
    assert followed({"reference": "#p"}, contained=[inner]) == "role-wattle.p"
    assert followed({"reference": "Practitioner/nobody"}) is None
    assert followed({"reference": "#q"}) is None
    assert followed({"display": "Dr Alex Wattle"}) is None


def test_one_id_on_two_servers_is_not_one_resource() -> None:
    entries = [
        {"fullUrl": f"https://{server}.example/fhir/Patient/1", "resource": a_patient("1")}
        for server in ("north", "south", "north")
    ]
    found, report = collected({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [each.number for each in found.of("Patient")] == [3]
    assert reasons_in(report) == {
        ("Patient", None): [
            "has the id of a resource of another server; import each by itself",
            "is an earlier copy of a resource that is there again",
        ]
    }
