"""The first possible session with each clinician, and the day each rule is judged for."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import read_practice, shipped_practice, shipped_text
from recommender.practice.rules.catalogue import FIRST_SESSION, RULES
from recommender.practice.rules.first_session import FirstSession, earliest_day, first_sessions
from recommender.values.kinds import EPOCH
from tests.support.rule_examples import fields_of

SETTINGS = FirstSession("start", "free", "away")
CLIENT = fields_of("client", start="date")
CLINICIAN = fields_of("clinician", free="date", away="date_ranges")
ASKED = date(2026, 11, 23)


def days_of(start: str | None, *clinicians: dict[str, Any]) -> list[str]:
    client = read_rows(CLIENT, [{"start": start}])
    roster: Columns = read_rows(CLINICIAN, clinicians)
    found = first_sessions(SETTINGS, roster, earliest_day(SETTINGS, client, ASKED))
    return [date.fromordinal(int(day) + EPOCH).isoformat() for day in found]


def test_it_is_the_latest_of_the_day_asked_the_wish_and_the_next_free_day() -> None:
    clinicians = [{}, {"free": "2026-11-01"}, {"free": "2026-12-01"}]
    assert days_of(None, *clinicians) == ["2026-11-23", "2026-11-23", "2026-12-01"]
    assert days_of("2026-11-30", *clinicians) == ["2026-11-30", "2026-11-30", "2026-12-01"]
    assert days_of("2026-11-01", *clinicians) == ["2026-11-23", "2026-11-23", "2026-12-01"]


def test_it_is_after_every_absence_it_falls_into() -> None:
    away = "2026-11-20 to 2026-11-25; 2026-11-26 to 2026-11-30; 2026-12-02"
    assert days_of(None, {"away": away}, {"away": away, "free": "2026-12-02"}) == [
        "2026-12-01",
        "2026-12-03",
    ]
    assert days_of(None, {"away": "none"}, {"away": "2026-11-24"}) == ["2026-11-23", "2026-11-23"]


def test_a_definition_without_the_section_takes_the_days_its_rules_compare() -> None:
    text = shipped_text("psychology")
    begin, end = text.index("[first_session]"), text.index("[constraints.works_here]")
    without = read_practice(text[:begin] + text[end:])
    assert without.first_session == FirstSession("start_on", "next_available")
    assert shipped_practice().first_session.absences == "absences"


def test_rules_on_days_hours_and_money_are_judged_for_the_first_session() -> None:
    assert {name for name, rule in RULES.items() if rule.day == FIRST_SESSION} == {
        "shares_hours",
        "after_hours",
        "available_within",
        "valid_on",
        "valid_between",
        "gap_at_most",
        "enough_sessions",
        "funded",
    }


@pytest.mark.parametrize("far", ["9999-12-31", "9990-01-01"])
def test_a_day_at_the_end_of_the_calendar_is_a_day(far: str) -> None:
    (found,) = days_of(None, {"free": far})
    assert found == far
    assert np.isfinite(
        first_sessions(SETTINGS, read_rows(CLINICIAN, [{"free": far, "away": far}]), 0.0)
    ).all()
