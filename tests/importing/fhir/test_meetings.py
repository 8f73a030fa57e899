from typing import Any

from tests.support.fhir_practice import (
    a_patient,
    a_practitioner,
    a_resource,
    a_role,
    an_encounter,
    an_intake,
    imported,
    reasons_in,
    rows_of,
    to,
)


def an_appointment(
    name: str, start: str, *people: dict[str, Any], **elements: Any
) -> dict[str, Any]:
    taking_part = [{"actor": each, "status": "accepted"} for each in people]
    return a_resource(
        "Appointment",
        name,
        **{
            "status": "fulfilled",
            "start": start,
            "end": start,
            "participant": taking_part,
            **elements,
        },
    )


WITH_WATTLE = (to("Patient", "1042"), to("PractitionerRole", "role-wattle"))


def paired(
    *resources: dict[str, Any],
) -> tuple[list[dict[str, Any]], dict[tuple[str, str | None], list[str]]]:
    people = [a_practitioner(), a_practitioner("banksia"), a_role(), a_patient(), an_intake()]
    tables, report = imported([*people, *resources])
    return rows_of(tables["pairings"]), reasons_in(report)


def test_a_pairing_begins_with_the_first_session_and_counts_them() -> None:
    rows, _ = paired(an_encounter("b", "2026-10-08"), an_encounter("a", "2026-10-01"))
    assert [(row["started_on"], row["sessions"]) for row in rows] == [("2026-10-01", "2")]


def test_appointments_count_where_no_encounter_is_on_their_day() -> None:
    same = an_appointment("same", "2026-10-01T10:00:00+11:00", *WITH_WATTLE)
    later = an_appointment("later", "2026-10-08T10:00:00+11:00", *WITH_WATTLE)
    rows, reasons = paired(an_encounter("a", "2026-10-01"), same, later)
    assert [row["sessions"] for row in rows] == ["2"]
    assert reasons[("Appointment", None)] == ["is the appointment of an encounter that was read"]


def test_what_is_no_session_of_one_client_and_one_clinician_is_reported() -> None:
    both = [{"individual": to("Practitioner", name)} for name in ("wattle", "banksia")]
    rows, reasons = paired(
        an_encounter("cancelled", "2026-10-01", status="cancelled"),
        an_encounter("month", "2026-10-01", period={"start": "2026-10"}),
        an_encounter("nobody", "2026-10-01", participant=[]),
        an_encounter("two", "2026-10-01", participant=both),
        an_encounter("unread", "2026-10-01", subject=to("Patient", "7")),
        an_appointment("group", "2026-10-01T10:00:00Z", *WITH_WATTLE, to("Patient", "1043")),
        a_patient("1043"),
    )
    assert rows == []
    assert reasons[("Encounter", None)] == [
        "did not take place, or is not known to have",
        "has no day",
        "is with nobody of the roster",
        "is of several clinicians",
        "names no patient that was read",
    ]
    assert reasons[("Appointment", None)] == ["is of several clients"]


def test_who_declined_does_not_take_part() -> None:
    declined = {"actor": to("Practitioner", "banksia"), "status": "declined"}
    meeting = an_appointment("a", "2026-10-01T10:00:00Z", *WITH_WATTLE)
    meeting["participant"].append(declined)
    assert len(paired(meeting)[0]) == 1
