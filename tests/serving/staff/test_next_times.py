"""A shortlist's next times follow the roster, the client's wishes and the ways they can meet."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from recommender.journal.recommendations import ShortlistRow, ShownRecommendation
from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.serving.staff import wording
from recommender.serving.staff.views.next_times import NextTimes, next_free
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
    found = next_free(shown, PRACTICE, roster, NOW)
    assert list(found) == ["k1"]
    return found["k1"]


def test_times_begin_on_the_first_free_day() -> None:
    found = free({})
    assert found.day == "1 December 2026"
    (times,) = found.times
    assert times.heading == "Open hours"
    assert times.said == (
        "Tue 1 Dec, 3:00 pm to 8:00 pm",
        "Mon 7 Dec, 9:00 am to noon",
        "Tue 8 Dec, 3:00 pm to 8:00 pm",
    )
    assert "Tuesday 1 December, from 3:00 pm to 8:00 pm;" in found.aloud


def test_a_past_day_means_from_now_and_a_wished_day_from_then() -> None:
    past = free({"next_available": "2026-11-02", "hours": ["thu 09:00-12:00"]})
    assert past.times[0].said[0] == "Thu 26 Nov, 10:15 am to noon"
    wished = free({}, start_on="2026-12-06")
    assert wished.times[0].said[0] == "Mon 7 Dec, 9:00 am to noon"
    unknown = free({"next_available": None})
    assert unknown.day == wording.FREE_UNKNOWN
    assert unknown.times[0].said[0] == "Mon 30 Nov, 9:00 am to noon"


def test_only_hours_that_suit_the_client_and_hold_a_session_are_told() -> None:
    found = free({}, hours_free=["mon 11:15-13:00", "tue 17:00-21:00"])
    assert found.times[0].heading == "Open hours that suit"
    assert found.times[0].said[:2] == (
        "Tue 1 Dec, 5:00 pm to 8:00 pm",
        "Tue 8 Dec, 5:00 pm to 8:00 pm",
    )
    longer = free({}, hours_free=["mon 10:00-13:00"], session_minutes=180)
    assert longer.times[0].heading == "None of the client's times; open hours are"


def test_evenings_are_told_where_they_are_needed() -> None:
    found = free({}, after_hours_needed=True)
    assert found.times[0].said[0] == "Tue 1 Dec, 5:00 pm to 8:00 pm"


def test_a_client_elsewhere_is_told_both_times_and_the_rooms_their_own() -> None:
    found = free({}, timezone="Australia/Perth", modes_wanted=["in_person", "video"])
    there, by_video = found.times
    assert there.heading == "In person: open hours"
    assert there.said[0] == "Tue 1 Dec, 3:00 pm to 8:00 pm"
    assert by_video.heading == "Video: open hours"
    assert by_video.said[0] == (
        "Tue 1 Dec, noon to 5:00 pm for the client in Perth (3:00 pm to 8:00 pm in Sydney)"
    )


def test_a_way_that_a_rule_closes_has_no_times() -> None:
    asked: dict[str, Any] = {"home": ["-31.95,115.86"], "max_km": 20}
    found = free({}, timezone="Australia/Perth", modes_wanted=["in_person", "video"], **asked)
    (times,) = found.times
    assert "for the client in Perth" in times.said[0]
    assert "your time in Perth" in found.aloud


def test_rooms_elsewhere_are_said_on_their_clock_and_the_practice_s() -> None:
    rooms = {"timezone": "Australia/Perth", "modes": ["in_person"]}
    found = free(rooms, modes_wanted=["in_person"])
    assert found.times[0].said[0] == (
        "Tue 1 Dec, 3:00 pm to 8:00 pm at the rooms in Perth (6:00 pm to 11:00 pm in Sydney)"
    )


def test_where_no_time_suits_the_open_hours_are_told_and_nothing_is_read_aloud() -> None:
    found = free({}, hours_free=["sun 09:00-12:00"])
    assert found.times[0].heading == "None of the client's times; open hours are"
    assert found.times[0].said[0] == "Tue 1 Dec, 3:00 pm to 8:00 pm"
    assert found.aloud == ""
    passed_over = {"times_there": "off", "times_by_phone_or_video": "off"}
    found = free({}, passed_over, hours_free=["sun 09:00-12:00"])
    assert found.times[0].heading == "Open hours"


def test_unknown_hours_have_no_times() -> None:
    assert free({"hours": None}).times == ()
