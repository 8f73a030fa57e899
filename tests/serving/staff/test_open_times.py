"""Next times follow roster, wishes and ways of meeting, on each clock, over changes of clocks."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recommender.journal.recommendations import ShortlistRow, ShownRecommendation
from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.openings import WeeklyHours, next_open_intervals
from recommender.serving.staff.views.open_times import DAY_UNKNOWN, Clocks, NextTimes, next_times
from recommender.tables.roster import snapshot

PRACTICE = shipped_practice()
NOW = datetime(2026, 11, 26, 10, 7, tzinfo=ZoneInfo("Australia/Sydney")).astimezone(UTC)
ROOMS = "-33.87,151.21"
HERE: Mapping[str, Any] = {
    "modes": ["in_person", "video"],
    "timezone": "Australia/Sydney",
    "rooms": [ROOMS],
    "hours": ["mon 09:00-12:00", "tue 15:00-20:00"],
    "next_available": "2026-12-01",
}


def free(
    clinician: Mapping[str, Any], modes: Mapping[str, str] | None = None, **answers: Any
) -> NextTimes:
    columns = read_rows(PRACTICE.fields("clinician"), [{**HERE, **clinician}])
    roster = snapshot(["k1"], ["A. Wattle"], columns, NOW)
    shown = ShownRecommendation(
        recommendation_id="r1",
        client_id=None,
        answers={"age_years": 34} | answers,
        asked_on=date(2026, 11, 26),
        consent=None,
        practice_digest=PRACTICE.digest,
        roster_version="",
        model_digest="",
        mode="model",
        shortlist=(ShortlistRow("k1"), ShortlistRow("left-since")),
        response=b"{}",
        modes=modes or {},
    )
    found = next_times(shown, PRACTICE, roster, NOW)
    assert list(found) == ["k1"]
    return found["k1"]


def test_times_begin_on_the_first_free_day() -> None:
    found = free({})
    assert found.day == "1 December 2026"
    (times,) = found.times
    assert times.heading == "Open hours"
    assert times.times == (
        "Tue 1 Dec, 3:00 pm to 8:00 pm",
        "Mon 7 Dec, 9:00 am to noon",
        "Tue 8 Dec, 3:00 pm to 8:00 pm",
    )
    assert "Tuesday 1 December, from 3:00 pm to 8:00 pm;" in found.aloud


def test_a_past_day_means_from_now_and_a_wished_day_from_then() -> None:
    past = free({"next_available": "2026-11-02", "hours": ["thu 09:00-12:00"]})
    assert past.times[0].times[0] == "Thu 26 Nov, 10:15 am to noon"
    wished = free({}, start_on="2026-12-06")
    assert wished.times[0].times[0] == "Mon 7 Dec, 9:00 am to noon"
    unknown = free({"next_available": None})
    assert unknown.day == DAY_UNKNOWN
    assert unknown.times[0].times[0] == "Mon 30 Nov, 9:00 am to noon"


def test_only_hours_that_suit_the_client_and_fit_a_session_are_shown() -> None:
    found = free({}, hours_free=["mon 11:15-13:00", "tue 17:00-21:00"])
    assert found.times[0].heading == "Open hours that suit"
    assert found.times[0].times[:2] == (
        "Tue 1 Dec, 5:00 pm to 8:00 pm",
        "Tue 8 Dec, 5:00 pm to 8:00 pm",
    )
    longer = free({}, hours_free=["mon 10:00-13:00"], session_minutes=180)
    assert longer.times[0].heading == "None at the client's times; open hours are"


def test_evenings_are_shown_where_they_are_needed() -> None:
    found = free({}, after_hours_needed=True)
    assert found.times[0].times[0] == "Tue 1 Dec, 5:00 pm to 8:00 pm"


def test_a_client_in_another_zone_sees_both_times_and_the_rooms_their_own() -> None:
    found = free({}, timezone="Australia/Perth", modes_wanted=["in_person", "video"])
    there, by_video = found.times
    assert there.heading == "In person: open hours"
    assert there.times[0] == "Tue 1 Dec, 3:00 pm to 8:00 pm"
    assert by_video.heading == "Video: open hours"
    assert by_video.times[0] == (
        "Tue 1 Dec, noon to 5:00 pm for the client in Perth (3:00 pm to 8:00 pm in Sydney)"
    )


def test_a_way_that_a_rule_closes_has_no_times() -> None:
    asked: dict[str, Any] = {"home": ["-31.95,115.86"], "max_km": 20}
    found = free({}, timezone="Australia/Perth", modes_wanted=["in_person", "video"], **asked)
    (times,) = found.times
    assert "for the client in Perth" in times.times[0]
    assert "your time in Perth" in found.aloud


def test_times_of_rooms_in_another_zone_are_on_their_clock_and_the_practice_s() -> None:
    rooms = {"timezone": "Australia/Perth", "modes": ["in_person"]}
    found = free(rooms, modes_wanted=["in_person"])
    assert found.times[0].times[0] == (
        "Tue 1 Dec, 3:00 pm to 8:00 pm at the rooms in Perth (6:00 pm to 11:00 pm in Sydney)"
    )


def test_where_no_time_suits_all_open_hours_are_shown_and_nothing_is_read_aloud() -> None:
    found = free({}, hours_free=["sun 09:00-12:00"])
    assert found.times[0].heading == "None at the client's times; open hours are"
    assert found.times[0].times[0] == "Tue 1 Dec, 3:00 pm to 8:00 pm"
    assert found.aloud == ""
    passed_over = {"times_there": "off", "times_by_phone_or_video": "off"}
    found = free({}, passed_over, hours_free=["sun 09:00-12:00"])
    assert found.times[0].heading == "Open hours"


def test_unknown_hours_have_no_times() -> None:
    assert free({"hours": None}).times == ()


MON, TUE, FRI, SUN = 0, 1, 4, 6


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def weekly(zone: str, *windows: tuple[int, int, int]) -> WeeklyHours:
    return WeeklyHours(f"Australia/{zone}", tuple((day, 60 * a, 60 * b) for day, a, b in windows))


def told(weeks: list[WeeklyHours], since: datetime, zone: str, *others: str) -> list[str]:
    stretches = next_open_intervals(tuple(weeks), since, 50)
    clocks = Clocks(zone, True, others).distinct(stretches)
    return [clocks.text(each) for each in stretches]


def test_a_time_is_on_the_client_s_clock_and_on_that_of_the_rooms() -> None:
    said = told(
        [weekly("Sydney", (TUE, 9, 22)), weekly("Perth", (TUE, 16, 20))],
        at("Australia/Sydney", 2026, 11, 26),
        "Australia/Perth",
        "Australia/Sydney",
    )
    assert said[0] == (
        "Tue 1 Dec, 4:00 pm to 7:00 pm for the client in Perth (7:00 pm to 10:00 pm in Sydney)"
    )


@pytest.mark.parametrize(
    ("since", "zone", "expected"),
    [
        # Sydney puts its clock on one hour on 4 October 2026; Brisbane and Perth do not.
        (
            (2026, 9, 28),
            "Brisbane",
            [
                "Fri 2 Oct, 9:00 am to 11:00 am for the client in Brisbane "
                "(9:00 am to 11:00 am in Sydney)",
                "Fri 9 Oct, 8:00 am to 10:00 am for the client in Brisbane "
                "(9:00 am to 11:00 am in Sydney)",
            ],
        ),
        (
            (2026, 9, 28),
            "Perth",
            [
                "Fri 2 Oct, 7:00 am to 9:00 am for the client in Perth "
                "(9:00 am to 11:00 am in Sydney)",
                "Fri 9 Oct, 6:00 am to 8:00 am for the client in Perth "
                "(9:00 am to 11:00 am in Sydney)",
            ],
        ),
        # Adelaide changes with Sydney and stays half an hour behind.
        (
            (2026, 9, 28),
            "Adelaide",
            [
                "Fri 2 Oct, 8:30 am to 10:30 am for the client in Adelaide "
                "(9:00 am to 11:00 am in Sydney)",
                "Fri 9 Oct, 8:30 am to 10:30 am for the client in Adelaide "
                "(9:00 am to 11:00 am in Sydney)",
            ],
        ),
        # And back on 5 April 2026.
        (
            (2026, 3, 30),
            "Perth",
            [
                "Fri 3 Apr, 6:00 am to 8:00 am for the client in Perth "
                "(9:00 am to 11:00 am in Sydney)",
                "Fri 10 Apr, 7:00 am to 9:00 am for the client in Perth "
                "(9:00 am to 11:00 am in Sydney)",
            ],
        ),
    ],
)
def test_a_change_of_the_clock_moves_the_other_clock_s_time(
    since: tuple[int, int, int], zone: str, expected: list[str]
) -> None:
    start = at("Australia/Sydney", *since)
    said = told([weekly("Sydney", (FRI, 9, 11))], start, f"Australia/{zone}", "Australia/Sydney")
    assert said[:2] == expected


def test_an_hour_the_clock_leaves_out_is_not_offered() -> None:
    (first, *_) = next_open_intervals(
        (weekly("Sydney", (SUN, 1, 4)),), at("Australia/Sydney", 2026, 10, 1), 50
    )
    assert first.end - first.begin == timedelta(hours=2)
    said = Clocks("Australia/Sydney", True, ()).text(first)
    assert said == "Sun 4 Oct, 1:00 am to 4:00 am"


def test_a_single_clock_is_shown_once_and_without_a_place() -> None:
    said = told(
        [weekly("Sydney", (MON, 9, 12))],
        at("Australia/Sydney", 2026, 11, 26),
        "Australia/Melbourne",
        "Australia/Sydney",
    )
    assert said[0] == "Mon 30 Nov, 9:00 am to noon"


def test_another_day_there_is_named() -> None:
    said = told(
        [weekly("Perth", (MON, 20, 23))],
        at("Australia/Perth", 2026, 11, 26),
        "Australia/Perth",
        "Pacific/Auckland",
    )
    assert "(Tue 1 Dec, 1:00 am to 4:00 am in Auckland)" in said[0]


TWO_ROOMS = "-33.897,151.179;-33.752,150.694"
"""Newtown, and Penrith 62 km away by road."""
AT_NEWTOWN: Mapping[str, Any] = {
    "home": ["-33.898,151.179"],
    "max_km": 10,
    "modes_wanted": ["in_person"],
}


def test_no_monday_is_read_aloud_on_which_the_clinician_sits_fifty_kilometres_away() -> None:
    hours = ["mon 09:00-17:00 room 2", "wed 13:00-17:00 room 1"]
    found = free({"rooms": TWO_ROOMS, "hours": hours}, **AT_NEWTOWN)
    (times,) = found.times
    assert times.times[0] == "Wed 2 Dec, 1:00 pm to 5:00 pm, room 1"
    assert not any("Mon" in each for each in times.times)
    assert "Wednesday 2 December, from 1:00 pm to 5:00 pm, room 1;" in found.aloud
    both = free({"rooms": "2042;2750", "hours": hours}, **{**AT_NEWTOWN, "max_km": 100})
    assert both.times[0].times[:2] == (
        "Wed 2 Dec, 1:00 pm to 5:00 pm, rooms in 2042",
        "Mon 7 Dec, 9:00 am to 5:00 pm, rooms in 2750",
    )


def test_times_by_video_are_those_open_by_video() -> None:
    hours = ["mon 09:00-12:00 by video", "tue 15:00-20:00 by in_person"]
    found = free({"hours": hours}, modes_wanted=["in_person", "video"])
    assert [(each.heading, each.times[0]) for each in found.times] == [
        ("In person: open hours", "Tue 1 Dec, 3:00 pm to 8:00 pm"),
        ("Video: open hours", "Mon 7 Dec, 9:00 am to noon"),
    ]


def test_no_time_is_read_aloud_while_the_clinician_is_away_or_in_the_other_week() -> None:
    away = free({"absences": ["2026-11-30 to 2027-01-10"]})
    assert away.day == "11 January 2027"
    assert away.times[0].times[0] == "Mon 11 Jan, 9:00 am to noon"
    later = free({"absences": ["2026-12-05 to 2027-01-10"]})
    assert later.times[0].times == (
        "Tue 1 Dec, 3:00 pm to 8:00 pm",
        "Mon 11 Jan, 9:00 am to noon",
        "Tue 12 Jan, 3:00 pm to 8:00 pm",
    )
    turns = free({"hours": ["mon 09:00-12:00 every 2 weeks from 2026-11-30"]})
    assert turns.times[0].times == (
        "Mon 14 Dec, 9:00 am to noon",
        "Mon 28 Dec, 9:00 am to noon",
        "Mon 11 Jan, 9:00 am to noon",
    )


def test_a_day_more_than_a_year_ahead_has_no_times_to_read_aloud() -> None:
    never = free({"next_available": "9999-12-31", "absences": ["9999-12-01 to 9999-12-31"]})
    assert (never.day, never.times, never.aloud) == ("31 December 9999", (), "")
    assert free({}, start_on="9999-12-31").times == ()
