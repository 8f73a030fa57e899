from datetime import UTC, datetime
from typing import Any

import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.records import (
    ClinikoAppointment,
    ClinikoDailyAvailability,
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
