"""Open hours and absences as JSON: what is sent, stored and answered."""

from typing import Any

import pytest
from pydantic import ValidationError

from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.clinician import availability_of, build_clinician_schema

PRACTICE = shipped_practice()
SCHEMA = build_clinician_schema(PRACTICE)
PLAIN = {"day": "mon", "start": "09:00", "end": "17:00"}


def stored(**facts: Any) -> Any:
    return SCHEMA.read_update({"name": None, "facts": facts})


def test_open_hours_are_answered_as_they_were_sent() -> None:
    hours = [
        PLAIN,
        {**PLAIN, "day": "tue", "room": "2", "ways": ["in_person", "phone"]},
        {**PLAIN, "day": "wed", "every_weeks": 2, "from_week_of": "2026-11-23"},
    ]
    away = ["2026-12-20 to 2027-01-10", "2027-02-01"]
    cells = stored(hours=hours, absences=away)
    assert cells["hours"] == [
        "mon 09:00-17:00",
        "tue 09:00-17:00 room 2 by in_person,phone",
        "wed 09:00-17:00 every 2 weeks from 2026-11-23",
    ]
    facts = SCHEMA.to_response("k1", cells)["facts"]
    assert (facts["hours"], facts["absences"]) == (hours, away)


def test_absences_are_part_of_the_availability() -> None:
    assert {"hours", "absences", "next_available"} <= set(availability_of(PRACTICE))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ways": ["by_tram"]},
        {"ways": []},
        {"room": "the one upstairs"},
        {"every_weeks": 2},
        {"from_week_of": "2026-11-23"},
        {"every_weeks": 1, "from_week_of": "2026-11-23"},
    ],
)
def test_open_hours_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stored(hours=[{**PLAIN, **wrong}])
