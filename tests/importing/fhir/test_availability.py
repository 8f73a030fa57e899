from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recommender.importing.fhir.availability import absences_of, weekly_times
from tests.support.fhir_practice import a_time

SYDNEY, TODAY = ZoneInfo("Australia/Sydney"), date(2026, 11, 20)


def texts(*times: dict[str, Any]) -> list[str]:
    found, _ = weekly_times({"availableTime": list(times)})
    return [each.text() for each in found]


def test_hours_are_windows_of_each_day() -> None:
    assert texts(a_time("mon fri", "09:00", "17:30")) == ["mon 09:00-17:30", "fri 09:00-17:30"]
    assert texts({"daysOfWeek": ["sun"], "allDay": True}) == ["sun 00:00-24:00"]


def test_a_time_that_ends_at_midnight_or_after_is_split_there() -> None:
    assert texts(a_time("mon", "18:00", "00:00")) == ["mon 18:00-24:00"]
    assert texts(a_time("sun", "22:00", "02:00")) == ["sun 22:00-24:00", "mon 00:00-02:00"]


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ({"availableStartTime": "09:00:00", "availableEndTime": "10:00:00"}, "names no day"),
        ({"daysOfWeek": ["mon"], "availableStartTime": "09:00:00"}, "no start or no end"),
        (a_time("mon", "09:00", "09:00"), "ends when it starts"),
    ],
)
def test_a_time_that_says_too_little_is_left_out_with_a_reason(
    time: dict[str, Any], reason: str
) -> None:
    found, problems = weekly_times({"availableTime": [time]})
    assert found == []
    assert reason in problems[0]


def test_exceptions_in_words_are_reported() -> None:
    assert weekly_times({"availabilityExceptions": "Closed on public holidays"})[1] == [
        "exceptions are a text, which is not read"
    ]


def absences(**during: str) -> tuple[list[tuple[date, date]], list[str]]:
    return absences_of({"notAvailable": [{"during": during}]}, TODAY, SYDNEY)


def test_an_absence_covers_its_first_and_its_last_day() -> None:
    assert absences(start="2026-12-20", end="2027-01-10") == (
        [(date(2026, 12, 20), date(2027, 1, 10))],
        [],
    )
    assert absences(start="2027", end="2027")[0] == [(date(2027, 1, 1), date(2027, 12, 31))]


def test_an_absence_without_an_end_lasts_and_one_without_a_start_has_begun() -> None:
    assert absences(start="2028-02-29")[0] == [(date(2028, 2, 29), date(2038, 2, 28))]
    assert absences(end="2026-12-01")[0] == [(TODAY, date(2026, 12, 1))]


def test_an_absence_that_cannot_be_dated_is_left_out_with_a_reason() -> None:
    described = absences_of({"notAvailable": [{"description": "Weekends"}]}, TODAY, SYDNEY)
    assert described == ([], ["an absence has a description alone, which is not read"])
    assert absences(start="2027-01-10", end="2026-12-20")[1] == ["an absence ends before it starts"]
