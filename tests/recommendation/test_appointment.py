"""A day and hour of a first appointment beside the hours of both, and absences."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.appointment import (
    AWAY,
    CLIENT_HOURS,
    CLINICIAN_HOURS,
    appointment_doubts,
)
from recommender.recommendation.openings import OpeningTimes
from recommender.recommendation.recommend import read_intake
from recommender.screening.screen import screen
from recommender.tables.roster import snapshot

PRACTICE = shipped_practice()
NOW = datetime(2026, 11, 26, tzinfo=UTC)
HERE: Mapping[str, Any] = {
    "modes": ["in_person", "video"],
    "timezone": "Australia/Sydney",
    "rooms": ["-33.87,151.21"],
    "hours": ["thu 09:00-12:00", "thu 12:00-17:00"],
    "absences": ["2026-12-10"],
}


def doubts(
    day: str, at: str = "", clinician: Mapping[str, Any] | None = None, **answers: Any
) -> Any:
    columns = read_rows(PRACTICE.fields("clinician"), [{**HERE, **(clinician or {})}])
    roster = snapshot(["k1"], ["A. Wattle"], columns, NOW)
    client = read_intake(PRACTICE, {"age_years": 34} | answers).client
    screening = screen(PRACTICE, client, "c1", roster, date(2026, 11, 26))
    opening = OpeningTimes(PRACTICE, client, columns, screening, NOW)
    hour = time.fromisoformat(at) if at else None
    found = appointment_doubts(opening, 0, date.fromisoformat(day), hour)
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        ("2026-12-03", "", []),
        ("2026-12-04", "", [CLINICIAN_HOURS]),
        ("2026-12-03", "09:00", []),
        ("2026-12-03", "11:45", []),
        ("2026-12-03", "16:30", [CLINICIAN_HOURS]),
        ("2026-12-10", "10:00", [AWAY]),
    ],
)
def test_a_session_fits_into_hours_that_touch_and_not_past_their_end(
    day: str, at: str, expected: list[str]
) -> None:
    assert doubts(day, at) == expected


def test_the_times_the_client_gave_count_by_day_and_by_hour() -> None:
    free: dict[str, Any] = {"hours_free": ["thu 14:00-16:00"]}
    assert doubts("2026-12-03", "", **free) == []
    assert doubts("2026-12-03", "14:30", **free) == []
    assert doubts("2026-12-03", "10:00", **free) == [CLIENT_HOURS]
    assert doubts("2026-12-04", "", **free) == [CLINICIAN_HOURS, CLIENT_HOURS]


def test_hours_of_another_zone_are_compared_on_one_clock() -> None:
    perth = {"timezone": "Australia/Perth"}
    assert doubts("2026-12-03", "13:00", perth) == []
    assert doubts("2026-12-03", "09:30", perth) == [CLINICIAN_HOURS]


def test_nothing_speaks_against_a_day_where_no_hours_are_recorded() -> None:
    assert doubts("2026-12-04", "03:00", {"hours": None}) == []
