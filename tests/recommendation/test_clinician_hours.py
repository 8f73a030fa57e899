"""Open hours of clinicians of a roster, by way of meeting and rooms that count."""

from typing import Any

import numpy as np

from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.clinician_hours import ClinicianHours, absences_of

PRACTICE = shipped_practice()
ZONE = "Australia/Sydney"
MORNING, EVENING = (0, 540, 720), (1, 1080, 1200)
NOWHERE = np.zeros((1, 4), dtype=np.bool_)
"""A reach of two rooms, neither of which counts."""


def hours_of(**clinician: Any) -> ClinicianHours:
    told = {"modes": ["in_person", "video"], "rooms": ["-33.9,151.2", "-33.8,151.1"], **clinician}
    columns = read_rows(PRACTICE.fields("clinician"), [told])
    return ClinicianHours(columns, PRACTICE.clinician["hours"], "absences")


def test_hours_that_are_not_recorded_are_in_no_way_of_meeting() -> None:
    assert not hours_of().recorded[0]
    assert hours_of().by_way(0, ZONE, ("video",), [False]) == ()


def test_ways_without_hours_of_their_own_have_the_same() -> None:
    open_hours = hours_of(hours=["mon 09:00-12:00"])
    ((ways, (weekly,)),) = open_hours.by_way(0, ZONE, ("in_person", "video"), [False, False])
    assert ways == ("in_person", "video")
    assert (weekly.zone, weekly.windows, weekly.room) == (ZONE, (MORNING,), 0)


def test_hours_of_a_way_are_in_that_way_alone() -> None:
    open_hours = hours_of(hours=["mon 09:00-12:00 by in_person", "tue 18:00-20:00 by video"])
    by_way = open_hours.by_way(0, ZONE, ("in_person", "video"), [False, False])
    found = [(ways, [each.windows for each in weeks]) for ways, weeks in by_way]
    assert found == [(("in_person",), [(MORNING,)]), (("video",), [(EVENING,)])]


def test_hours_in_rooms_out_of_reach_do_not_count() -> None:
    open_hours = hours_of(hours=["mon 09:00-12:00 room 1", "tue 18:00-20:00 room 2"])
    second = np.array([[True, False, True, True]])
    (weekly,) = open_hours.of(0, ZONE, "in_person", second)
    assert (weekly.windows, weekly.room) == ((EVENING,), 2)
    assert open_hours.of(0, ZONE, "in_person", NOWHERE) == ()
    assert [each.room for each in open_hours.of(0, ZONE, "in_person", True)] == [1, 2]


def test_hours_in_any_room_are_in_the_only_one_within_reach() -> None:
    open_hours = hours_of(hours=["mon 09:00-12:00"])
    (weekly,) = open_hours.of(0, ZONE, "in_person", np.array([[True, False, True, True]]))
    assert weekly.room == 2


def test_absences_end_before_the_day_after_their_last() -> None:
    columns = read_rows(PRACTICE.fields("clinician"), [{"absences": ["2026-12-10"]}, {}])
    first = 739960
    assert absences_of(columns, "absences", 0) == ((first, first + 1),)
    assert absences_of(columns, "absences", 1) == absences_of(columns, None, 0) == ()
