from datetime import UTC, datetime
from typing import Any

import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.records import (
    ClinikoAppointment,
    ClinikoAppointmentType,
    ClinikoBillableItem,
    ClinikoBlock,
    ClinikoBusiness,
    ClinikoDailyAvailability,
    ClinikoFreeTime,
    ClinikoPractitioner,
    ClinikoTypeItem,
    read_record,
    records_in,
)

APPOINTMENT: dict[str, Any] = {
    "id": 1,
    "patient_name": "Joe Monahan",
    "notes": "Joe is early",
    "booking_ip_address": "10.0.0.43",
    "cancellation_note": "Joe is ill",
    "patient_arrived": True,
    "did_not_arrive": False,
    "starts_at": "2016-07-21T03:45:00Z",
    "cancelled_at": None,
    "practitioner": {"links": {"self": "https://api.au1.cliniko.com/v1/practitioners/1"}},
    "appointment_type": {"links": {"self": "https://api.au1.cliniko.com/v1/appointment_types/2"}},
    "patient": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/82"}},
}
"""As in Cliniko's documentation."""


def test_of_an_appointment_no_name_and_no_note_is_read() -> None:
    read = read_record(ClinikoAppointment, APPOINTMENT, "appointments")
    assert (read.id, read.practitioner, read.appointment_type, read.patient) == (
        "1",
        "1",
        "2",
        "82",
    )
    assert read.starts_at == datetime(2016, 7, 21, 3, 45, tzinfo=UTC)
    assert "Joe" not in read.model_dump_json()
    assert "10.0.0.43" not in read.model_dump_json()


@pytest.mark.parametrize("field", ["archived_at", "deleted_at", "cancelled_at"])
def test_an_appointment_that_was_taken_back_is_gone(field: str) -> None:
    taken_back = APPOINTMENT | {field: "2016-07-20T00:00:00Z"}
    assert read_record(ClinikoAppointment, taken_back, "appointments").is_gone


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts_at", "at Joe's"),
        ("starts_at", "2016-07-21T03:45:00"),
        ("practitioner", {"links": {}}),
        ("id", "Joe"),
    ],
)
def test_a_record_that_is_not_as_documented_is_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(RecommenderError) as refused:
        read_record(ClinikoAppointment, APPOINTMENT | {field: value}, "appointments")
    assert field in str(refused.value)
    assert "Joe" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_day_of_the_week_beyond_sunday_is_refused() -> None:
    link = {"links": {"self": "http://api.cliniko.com/v1/businesses/3"}}
    record = {"id": 15, "day_of_week": 8, "business": link, "practitioner": link}
    with pytest.raises(RecommenderError, match="day_of_week"):
        read_record(ClinikoDailyAvailability, record, "daily_availabilities")


def test_an_answer_without_its_list_is_refused() -> None:
    with pytest.raises(RecommenderError, match="not in the answer"):
        records_in({"people": []}, "practitioners")


def linked(path: str) -> dict[str, Any]:
    return {"links": {"self": f"https://api.au1.cliniko.com/v1/{path}"}}


STAMPS = {"created_at": "2019-08-24T14:15:22Z", "updated_at": "2019-08-24T14:15:22Z"}


@pytest.mark.parametrize(
    ("kind", "record", "read"),
    [
        (
            ClinikoPractitioner,
            {"label": "Ines Wattle", "active": True, "show_in_online_bookings": None},
            {"name": "Ines Wattle", "active": True, "show_in_online_bookings": False},
        ),
        (
            ClinikoPractitioner,
            {"label": None, "first_name": "Ines", "last_name": "Wattle"},
            {"name": "Ines Wattle", "active": None},
        ),
        (
            ClinikoBusiness,
            {"post_code": "3000", "time_zone_identifier": "Australia/Melbourne"},
            {"post_code": "3000", "time_zone_identifier": "Australia/Melbourne"},
        ),
        (
            ClinikoAppointmentType,
            {"duration_in_minutes": 60, "billable_item": linked("billable_items/3")},
            {"duration_in_minutes": 60, "billable_item": "3"},
        ),
        (
            ClinikoBlock,
            {
                "starts_at": "2016-07-13T06:30:00Z",
                "ends_at": "2016-07-13T17:00:00+10:00",
                "repeat_rule": {},
                "deleted_at": None,
                "business": linked("businesses/1"),
                "practitioner": linked("practitioners/1?page=1"),
            },
            {
                "ends_at": datetime(2016, 7, 13, 7, tzinfo=UTC),
                "practitioner": "1",
                "is_gone": False,
            },
        ),
        (ClinikoBillableItem, {"price": "10.0", "tax": linked("taxes/1")}, {"tax": "1"}),
        (
            ClinikoTypeItem,
            {
                "appointment_type": linked("appointment_types/1"),
                "billable_item": linked("billable_items/7"),
                "discount_percentage": None,
                "quantity": "1.0",
            },
            {"billable_item": "7", "quantity": 1},
        ),
    ],
)
def test_records_are_read_as_they_are_documented(
    kind: Any, record: dict[str, Any], read: dict[str, Any]
) -> None:
    found = read_record(kind, {"id": "514810976034364376", **STAMPS, **record}, "records")
    assert {name: getattr(found, name) for name in read} == read


def test_a_free_time_is_read_in_utc() -> None:
    free = read_record(ClinikoFreeTime, {"appointment_start": "2013-05-21T08:45:00Z"}, "times")
    assert free.appointment_start == datetime(2013, 5, 21, 8, 45, tzinfo=UTC)
