"""Next times of a stored request follow roster, wishes and ways of meeting, on one clock."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from recommender.journal.recommendations import ShortlistRow, ShownRecommendation
from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.open_intervals import LookAhead, WeeklyHours
from recommender.serving.schemas.card import ClinicianCard
from recommender.serving.staff.views.card_texts import two_times
from recommender.serving.staff.views.current_cards import current_cards
from recommender.serving.staff.views.spoken import spoken
from recommender.tables.roster import snapshot
from tests.support.open_times import next_open_intervals

PRACTICE = shipped_practice()
SYDNEY = ZoneInfo("Australia/Sydney")
NOW = datetime(2026, 11, 26, 10, 7, tzinfo=SYDNEY).astimezone(UTC)
ROOMS = "-33.87,151.21"
HERE: Mapping[str, Any] = {
    "modes": ["in_person", "video"],
    "timezone": "Australia/Sydney",
    "rooms": [ROOMS],
    "hours": ["mon 09:00-12:00", "tue 15:00-20:00"],
    "next_available": "2026-12-01",
}


def card(
    clinician: Mapping[str, Any], modes: Mapping[str, str] | None = None, **answers: Any
) -> ClinicianCard:
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
    found = current_cards(shown, PRACTICE, roster, ("k1", "left-since"), NOW)
    assert list(found) == ["k1"]
    return found["k1"]


def free(clinician: Mapping[str, Any], **answers: Any) -> tuple[str, ...]:
    own = card(clinician, **answers)
    return two_times(own, own.next_times, SYDNEY)


def sentence(clinician: Mapping[str, Any], **answers: Any) -> str:
    own = card(clinician, **answers)
    return spoken("A. Wattle", own, own.next_times, PRACTICE)


def test_times_begin_on_the_first_free_day_and_are_on_two_days_of_the_week() -> None:
    assert free({}) == ("Tue 1 Dec, 3 pm", "Mon 7 Dec, 9 am")
    assert free({"hours": ["tue 15:00-20:00"]}) == ("Tue 1 and 8 Dec, 3 pm",)
    assert "has Tuesday 1 December at 3 pm free" in sentence({})


def test_a_past_day_means_from_now_and_a_wished_day_from_then() -> None:
    past = free({"next_available": "2026-11-02", "hours": ["thu 09:00-12:00"]})
    assert past[0] == "Thu 26 Nov, 10:15 am"
    assert free({}, start_on="2026-12-06")[0] == "Mon 7 Dec, 9 am"
    assert free({"next_available": None})[0] == "Mon 30 Nov, 9 am"


def test_only_times_that_suit_the_client_and_fit_a_session_are_shown() -> None:
    hours = ["mon 11:15-13:00", "tue 17:00-21:00"]
    assert free({}, hours_free=hours) == ("Tue 1 and 8 Dec, 5 pm",)
    assert free({}, hours_free=["mon 10:00-13:00"], session_minutes=180) == ()
    assert free({}, after_hours_needed=True) == ("Tue 1 and 8 Dec, 5 pm",)


def test_a_client_in_another_zone_is_told_the_practice_s_time() -> None:
    elsewhere = {"timezone": "Australia/Perth", "modes_wanted": ["video"]}
    assert free({}, **elsewhere)[0] == "Tue 1 Dec, 3 pm"
    assert "has Tuesday 1 December at 3 pm Sydney time free by video" in sentence({}, **elsewhere)


def test_rooms_in_another_zone_have_the_practice_s_time() -> None:
    rooms = {"timezone": "Australia/Perth", "modes": ["in_person"]}
    assert free(rooms, modes_wanted=["in_person"])[0] == "Tue 1 Dec, 6 pm"


def test_where_no_time_suits_none_is_shown_and_none_is_sentence() -> None:
    assert free({}, hours_free=["sun 09:00-12:00"]) == ()
    assert "free" not in sentence({}, hours_free=["sun 09:00-12:00"])
    assert free({"hours": None}) == ()


MON, TUE, FRI, SUN = 0, 1, 4, 6


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def weekly(zone: str, *windows: tuple[int, int, int]) -> WeeklyHours:
    return WeeklyHours(f"Australia/{zone}", tuple((day, 60 * a, 60 * b) for day, a, b in windows))


def begins(weeks: list[WeeklyHours], since: datetime, zone: str) -> list[str]:
    intervals = next_open_intervals(tuple(weeks), LookAhead.of(since), 50)
    return [f"{each.local(zone)[0]:%a %d %b %H:%M}" for each in intervals]


def test_hours_of_two_clocks_share_what_both_are_open() -> None:
    shared = begins(
        [weekly("Sydney", (TUE, 9, 22)), weekly("Perth", (TUE, 16, 20))],
        at("Australia/Sydney", 2026, 11, 26),
        "Australia/Perth",
    )
    assert shared[0] == "Tue 01 Dec 16:00"


def test_a_change_of_the_clock_moves_the_other_clock_s_time() -> None:
    """Sydney puts its clock on one hour on 4 October 2026 and back on 5 April; Perth does not."""
    start, friday = (at("Australia/Sydney", 2026, 9, 28), at("Australia/Sydney", 2026, 3, 30)), FRI
    (spring, autumn) = (
        begins([weekly("Sydney", (friday, 9, 11))], each, "Australia/Perth")[:2] for each in start
    )
    assert spring == ["Fri 02 Oct 07:00", "Fri 09 Oct 06:00"]
    assert autumn == ["Fri 03 Apr 06:00", "Fri 10 Apr 07:00"]


def test_an_hour_the_clock_leaves_out_is_not_offered() -> None:
    (first, *_) = next_open_intervals(
        (weekly("Sydney", (SUN, 1, 4)),), LookAhead.of(at("Australia/Sydney", 2026, 10, 1)), 50
    )
    assert first.end - first.begin == timedelta(hours=2)


AT_NEWTOWN: Mapping[str, Any] = {
    "home": ["-33.898,151.179"],
    "max_km": 10,
    "modes_wanted": ["in_person"],
}


def test_no_monday_is_said_on_which_the_clinician_sits_fifty_kilometres_away() -> None:
    hours = ["mon 09:00-17:00 room 2", "wed 13:00-17:00 room 1"]
    rooms = {"rooms": "2042;2750", "hours": hours}
    near = free(rooms, **AT_NEWTOWN)
    assert near == ("Wed 2 and 9 Dec, 1 pm",)
    assert "has Wednesday 2 December at 1 pm free in postcode 2042" in sentence(rooms, **AT_NEWTOWN)
    both = free(rooms, **{**AT_NEWTOWN, "max_km": 100})
    assert both == ("Wed 2 Dec, 1 pm, 2042", "Mon 7 Dec, 9 am, 2750")


def test_no_time_is_said_while_the_clinician_is_away_or_in_the_other_week() -> None:
    assert free({"absences": ["2026-11-30 to 2027-01-10"]})[0] == "Mon 11 Jan, 9 am"
    later = free({"absences": ["2026-12-05 to 2027-01-10"]})
    assert later == ("Tue 1 Dec, 3 pm", "Mon 11 Jan, 9 am")
    turns = free({"hours": ["mon 09:00-12:00 every 2 weeks from 2026-11-30"]})
    assert turns == ("Mon 14 and 28 Dec, 9 am",)


def test_a_day_more_than_a_year_ahead_has_no_times_to_say() -> None:
    assert free({"next_available": "9999-12-31"}) == ()
    assert free({}, start_on="9999-12-31") == ()
