from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    MARGIN,
    ClockGroup,
    SteadyClocks,
    clock_groups,
    openings_of,
    spans_of,
    week_of,
)
from tests.support.rule_examples import World, fields_of

SPRING, AUTUMN = date(2027, 10, 3), date(2027, 4, 4)
"""The Sundays on which clocks go forward and back in the south-east of Australia."""
SYDNEY, LORD_HOWE = "Australia/Sydney", "Australia/Lord_Howe"
PERTH, LOS_ANGELES = "Australia/Perth", "America/Los_Angeles"
ZONES = (SYDNEY, LORD_HOWE, PERTH, LOS_ANGELES, "Australia/Brisbane", "Australia/Adelaide")


def clock(text: str) -> int:
    return 60 * int(text[:2]) + int(text[3:])


def utc(zone: str, day: date, *times: str) -> list[str]:
    """Local times of a day, each told as `day hour:minute` in UTC."""
    week = week_of(zone, day)
    minutes = week.minutes(np.array([MARGIN]), np.array([[float(clock(time))] for time in times]))
    origin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moments = [origin + timedelta(minutes=float(minute)) for minute in minutes.ravel()]
    return [moment.strftime("%d %H:%M") for moment in moments]


def test_sydney_skips_an_hour_in_october() -> None:
    # 01:59 + 10:00 behind is 15:59 the day before; from 03:00 on it is 11 hours ahead.
    assert utc(SYDNEY, SPRING, "00:00", "01:59", "03:00", "24:00") == [
        "02 14:00",
        "02 15:59",
        "02 16:00",
        "03 13:00",
    ]


def test_a_local_time_that_is_left_out_is_the_moment_of_the_change() -> None:
    assert utc(SYDNEY, SPRING, "02:00", "02:01", "02:59") == ["02 16:00"] * 3


def test_sydney_repeats_an_hour_in_april_and_means_the_first() -> None:
    # 02:00 and 02:59 by the old clock, 11 hours ahead; 03:00 is there once, 10 hours ahead.
    assert utc(SYDNEY, AUTUMN, "01:59", "02:00", "02:59", "03:00", "24:00") == [
        "03 14:59",
        "03 15:00",
        "03 15:59",
        "03 17:00",
        "04 14:00",
    ]


def test_lord_howe_skips_half_an_hour() -> None:
    # From 10:30 ahead to 11:00 ahead at 02:00.
    assert utc(LORD_HOWE, SPRING, "01:59", "02:00", "02:29", "02:30", "03:00") == [
        "02 15:29",
        "02 15:30",
        "02 15:30",
        "02 15:30",
        "02 16:00",
    ]


def test_lord_howe_repeats_half_an_hour() -> None:
    # From 11:00 ahead to 10:30 ahead at 02:00, which is 01:30 again.
    assert utc(LORD_HOWE, AUTUMN, "01:29", "01:30", "01:59", "02:00") == [
        "03 14:29",
        "03 14:30",
        "03 14:59",
        "03 15:30",
    ]


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
@pytest.mark.parametrize(
    ("zone", "noon"), [("Australia/Brisbane", "02:00"), ("Australia/Perth", "04:00")]
)
def test_zones_without_daylight_saving_change_nothing(zone: str, noon: str, day: date) -> None:
    assert not week_of(zone, day).changes
    assert utc(zone, day, "12:00") == [f"{day:%d} {noon}"]


def test_adelaide_is_half_an_hour_behind_sydney_on_either_side_of_the_change() -> None:
    # 9:30 ahead until 02:00 and 10:30 from then on.
    assert utc("Australia/Adelaide", SPRING, "01:30", "03:30") == ["02 16:00", "02 17:00"]
    assert utc(SYDNEY, SPRING, "04:00") == ["02 17:00"]


def test_a_zone_that_skips_midnight_begins_its_day_at_the_moment_of_the_change() -> None:
    # Santiago, 2027-09-05: 24:00, 4 hours behind, is 01:00, 3 hours behind.
    day = date(2027, 9, 5)
    assert utc("America/Santiago", day - timedelta(days=1), "23:59", "24:00") == [
        "05 03:59",
        "05 04:00",
    ]
    assert utc("America/Santiago", day, "00:00", "00:59", "01:00", "02:00") == [
        "05 04:00",
        "05 04:00",
        "05 04:00",
        "05 05:00",
    ]


def test_a_zone_that_repeats_the_hour_before_midnight_means_the_first() -> None:
    # Santiago, 2027-04-03: 24:00, 3 hours behind, is 23:00 again, 4 hours behind.
    assert utc("America/Santiago", date(2027, 4, 3), "23:00", "23:59", "24:00") == [
        "04 02:00",
        "04 02:59",
        "04 04:00",
    ]


ANY_ZONE = st.sampled_from(sorted(available_timezones()))
ANY_DAY = st.dates(date(2024, 1, 1), date(2036, 12, 31))
MANY = settings(max_examples=300, deadline=None, derandomize=True)


@MANY
@given(
    ANY_ZONE | st.sampled_from(ZONES),
    ANY_DAY | st.sampled_from([SPRING, AUTUMN]),
    st.integers(-MARGIN, DAYS + MARGIN - 1),
    st.integers(0, DAY),
)
def test_every_local_time_that_exists_is_the_moment_its_zone_says(
    zone: str, first: date, place: int, minute: int
) -> None:
    day = first + timedelta(days=place)
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    local += timedelta(minutes=minute)
    moment = local.astimezone(UTC)
    assume(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local.replace(tzinfo=None))
    found = week_of(zone, first).minutes(np.array([place + MARGIN]), np.array([float(minute)]))
    origin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    assert found.tolist() == [(moment - origin) / timedelta(minutes=1)]


@MANY
@given(ANY_ZONE, ANY_DAY, st.integers(-MARGIN, DAYS + MARGIN - 1))
def test_time_never_runs_backwards_within_a_day(zone: str, first: date, place: int) -> None:
    every = np.arange(DAY + 1.0)
    day = np.full(len(every), place + MARGIN)
    assert (np.diff(week_of(zone, first).minutes(day, every)) >= 0).all()


@MANY
@given(ANY_ZONE, ANY_DAY, st.integers(-MARGIN, DAYS + MARGIN - 2))
def test_a_day_ends_where_the_next_begins(zone: str, first: date, place: int) -> None:
    week = week_of(zone, first)
    ends, begins = (
        week.minutes(np.array([place + MARGIN + step]), np.array([minute]))
        for step, minute in ((0, float(DAY)), (1, 0.0))
    )
    assert ends.tolist() == begins.tolist()


def spans(zone: str, first: date, *windows: tuple[int, int, int]) -> list[list[float]]:
    return [list(span) for span in spans_of(windows, week_of(zone, first), first)]


def test_a_window_of_a_day_in_the_margin_is_there_on_both_sides() -> None:
    monday = date(2026, 11, 23)
    # Sunday, 09:00 to 10:00 in UTC: the day before the first, and the last of the week.
    assert spans("UTC", monday, (6, 540, 600)) == [
        [540 - DAY, 600 - DAY],
        [540 + 6 * DAY, 600 + 6 * DAY],
    ]


@MANY
@given(
    ANY_ZONE,
    ANY_DAY,
    st.integers(1, 3),
    st.lists(
        st.tuples(
            st.integers(0, DAYS - 1),
            st.sampled_from([0, 60, 1380]),
            st.sampled_from([1385, 1439, DAY]),
        )
    ),
)
def test_hours_of_every_week_are_those_of_each_of_its_days(
    zone: str, first: date, weeks: int, windows: list[tuple[int, int, int]]
) -> None:
    week = week_of(zone, first, weeks)
    each_day = spans_of(windows, week, first, lambda _: True)
    assert spans_of(windows, week, first) == each_day


def test_spans_that_touch_at_midnight_are_one() -> None:
    wednesday = date(2026, 11, 25)
    assert spans("UTC", wednesday, (5, 0, 60), (4, 1380, DAY)) == [[2 * DAY + 1380, 3 * DAY + 60]]


def test_windows_on_both_sides_of_an_hour_left_out_are_one() -> None:
    # 01:00 to 02:00 and 03:00 to 04:00 are two hours on end: 900 and 1020 before midnight UTC.
    found = spans(SYDNEY, SPRING, (6, 60, 120), (6, 180, 240))
    assert [15 * 60 - DAY, 17 * 60 - DAY] in found


def test_a_span_inside_another_shortens_nothing() -> None:
    assert spans("UTC", date(2026, 11, 23), (1, 540, 720), (1, 600, 660)) == [
        [540 + DAY, 720 + DAY]
    ]


def test_a_window_inside_the_hour_left_out_is_no_time_at_all() -> None:
    begin, end = spans(SYDNEY, SPRING, (6, 130, 170))[0]
    assert begin == end


def opened(*people: list[tuple[int, int, int]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Windows of several people as columns hold them."""
    most = max((1, *(len(windows) for windows in people)))
    encoded = np.full((len(people), most, 3), np.nan)
    for place, windows in enumerate(people):
        encoded[place, : len(windows)] = np.array(windows).reshape(-1, 3)
    return encoded


def groups_of(
    *people: list[tuple[int, int, int]],
    zones: tuple[str, ...] = (SYDNEY,),
    codes: tuple[int, ...] = (),
    other: str | None = None,
    firsts: tuple[date, ...],
) -> tuple[ClockGroup, ...]:
    days = np.array([day.toordinal() for day in firsts])
    places = np.array(codes or [0] * len(people))
    return clock_groups(openings_of(opened(*people)), places, zones, other, days)


def longest(groups: tuple[ClockGroup, ...], *windows: tuple[int, int, int]) -> list[float]:
    size = sum(len(group.openings.known) for group in groups)
    minutes = np.full(size, np.nan)
    for group in groups:
        minutes[group.rows] = group.minutes(windows).max(axis=0, initial=0)
    return [float(each) for each in minutes]


@pytest.mark.parametrize("first", [date(2026, 11, 25), SPRING])
def test_a_person_alone_opens_when_they_do_among_others(first: date) -> None:
    batch = [[(2, 1380, DAY), (3, 0, 60)], [(6, 60, 150)], [], [(1, 540, 600)]]
    wish = [(day, 0, DAY) for day in range(DAYS)]
    together = longest(groups_of(*batch, firsts=(first,) * 4), *wish)
    alone = [longest(groups_of(one, firsts=(first,)), *wish)[0] for one in batch]
    assert together == alone


def rows_by_difference(groups: tuple[ClockGroup, ...], size: int) -> dict[float | None, list[int]]:
    return {
        group.ahead if isinstance(group, SteadyClocks) else None: np.arange(size)[
            group.rows
        ].tolist()
        for group in groups
    }


def test_people_are_grouped_by_what_lies_between_the_clocks() -> None:
    one, zones = [(0, 540, 600)], (SYDNEY, "Australia/Melbourne", "Australia/Brisbane")
    summer, winter = date(2026, 11, 23), date(2027, 7, 5)
    before = SPRING - timedelta(days=3)
    firsts = (summer, summer, summer, winter, before)
    codes = (0, 1, 2, 0, 0)
    by_video = groups_of(
        *[one] * 5, zones=zones, codes=codes, other="Australia/Brisbane", firsts=firsts
    )
    assert rows_by_difference(by_video, 5) == {-60.0: [0, 1], 0.0: [2, 3], None: [4]}
    # Who meets where the clinician is has the same week everywhere, until a clock changes.
    there = groups_of(*[one] * 5, zones=zones, codes=codes, firsts=firsts)
    assert rows_by_difference(there, 5) == {0.0: [0, 1, 2, 3], None: [4]}


def a_week(session: int = 60, first: date = date(2026, 11, 23), **declared: Any) -> World:
    """A world in which hours are compared; zones count where they are declared."""
    told = {"rule": "shares_hours", "client": "hours", "clinician": "hours", "session": session}
    zone = {"kind": "category", "levels": list(ZONES)}
    return World(
        told | declared,
        fields_of("client", hours="weekly_hours", zone=zone, late="flag"),
        fields_of("clinician", hours="weekly_hours", zone=zone),
        day=first,
    )


IN_PERSON: Mapping[str, Any] = {"clinician_zone": "zone"}
TELEHEALTH: Mapping[str, Any] = {"clinician_zone": "zone", "client_zone": "zone"}
WINTER, SUMMER = date(2027, 7, 5), date(2027, 1, 4)
"""Mondays of Sydney's standard and of its daylight saving time."""


def at(zone: str | None, hours: str) -> Mapping[str, Any]:
    return {"zone": zone, "hours": hours}


def test_clinics_in_two_zones_stand_in_one_roster() -> None:
    # A client in Sydney in summer: 12:00 there is 09:00 in Perth.
    world = a_week(first=SUMMER, **TELEHEALTH)
    clinicians = [at(zone, "mon 09:00-10:00") for zone in (SYDNEY, PERTH, SYDNEY)]
    assert world.judge(at(SYDNEY, "mon 12:00-13:00"), *clinicians) == [0, 1, 0]
    assert world.judge(at(SYDNEY, "mon 09:00-10:00"), *clinicians) == [1, 0, 1]


def test_meetings_in_person_use_the_clock_of_the_clinic() -> None:
    world = a_week(first=SUMMER, **IN_PERSON)
    clinicians = [at(zone, "mon 09:00-10:00") for zone in (SYDNEY, PERTH)]
    assert world.judge(at(SYDNEY, "mon 09:00-10:00"), *clinicians) == [1, 1]


def test_meetings_by_video_use_the_clock_of_each_side() -> None:
    world = a_week(first=SUMMER, **TELEHEALTH)
    clinicians = [at(zone, "mon 09:00-10:00") for zone in (SYDNEY, PERTH)]
    assert world.judge(at(SYDNEY, "mon 09:00-10:00"), *clinicians) == [1, 0]


@pytest.mark.parametrize(("first", "hour"), [(WINTER, "07:00-08:00"), (SUMMER, "06:00-07:00")])
def test_perth_is_two_hours_behind_sydney_in_winter_and_three_in_summer(
    first: date, hour: str
) -> None:
    # The clinic opens at 09:00 in Sydney: 07:00 in Perth in winter, 06:00 in summer.
    world = a_week(first=first, **TELEHEALTH)
    wishes = ("mon 06:00-07:00", "mon 07:00-08:00")
    met = [
        wish for wish in wishes if world.judge(at(PERTH, wish), at(SYDNEY, "mon 09:00-10:00"))[0]
    ]
    assert met == [f"mon {hour}"]


def test_the_days_of_one_week_fall_on_both_sides_of_a_change() -> None:
    # Asked on the Thursday before: Friday is still two hours apart, the Monday after three.
    world = a_week(first=SPRING - timedelta(days=3), **TELEHEALTH)
    clinic = at(SYDNEY, "fri 09:00-10:00; mon 09:00-10:00")
    wishes = ("fri 07:00-08:00", "fri 06:00-07:00", "mon 07:00-08:00", "mon 06:00-07:00")
    assert [world.judge(at(PERTH, wish), clinic)[0] for wish in wishes] == [1, 0, 0, 1]


def test_a_window_loses_the_hour_that_is_left_out() -> None:
    # 01:00 to 04:00 is two hours long on the day the clock goes forward.
    window = at(SYDNEY, "sun 01:00-04:00")
    assert a_week(120, SPRING, **IN_PERSON).judge(window, window) == [1]
    assert a_week(121, SPRING, **IN_PERSON).judge(window, window) == [0]


def test_a_session_may_last_over_an_hour_that_is_left_out() -> None:
    # 02:00 is 03:00: the two windows are one of two hours.
    parted, whole = at(SYDNEY, "sun 01:00-02:00; sun 03:00-04:00"), at(SYDNEY, "sun 00:00-05:00")
    assert a_week(120, SPRING, **IN_PERSON).judge(whole, parted) == [1]
    assert a_week(121, SPRING, **IN_PERSON).judge(whole, parted) == [0]


def test_a_window_gains_the_hour_that_is_repeated() -> None:
    # 01:00 to 04:00 is four hours long on the day the clock goes back.
    window = at(SYDNEY, "sun 01:00-04:00")
    assert a_week(240, AUTUMN, **IN_PERSON).judge(window, window) == [1]
    assert a_week(241, AUTUMN, **IN_PERSON).judge(window, window) == [0]


@pytest.mark.parametrize(("first", "minutes"), [(SPRING, 150), (AUTUMN, 210)])
def test_lord_howe_loses_and_gains_half_an_hour(first: date, minutes: int) -> None:
    # 01:00 to 04:00, 180 minutes, less and more 30.
    window = at(LORD_HOWE, "sun 01:00-04:00")
    assert a_week(minutes, first, **IN_PERSON).judge(window, window) == [1]
    assert a_week(minutes + 1, first, **IN_PERSON).judge(window, window) == [0]


def test_a_monday_that_is_a_tuesday_elsewhere_is_found() -> None:
    # Monday, 16:00 in Los Angeles (8 behind) is Tuesday, 11:00 in Sydney (11 ahead).
    world = a_week(first=SUMMER, **TELEHEALTH)
    clinic = at(LOS_ANGELES, "mon 16:00-17:00")
    assert world.judge(at(SYDNEY, "tue 11:00-12:00"), clinic) == [1]
    assert world.judge(at(SYDNEY, "mon 11:00-12:00"), clinic) == [0]


def test_the_last_day_of_the_week_is_the_day_after_it_elsewhere() -> None:
    # Asked on a Monday: the Sunday in Los Angeles is already the next Monday in Sydney.
    world = a_week(first=SUMMER, **TELEHEALTH)
    assert world.judge(at(SYDNEY, "mon 11:00-12:00"), at(LOS_ANGELES, "sun 16:00-17:00")) == [1]


def test_the_first_day_of_the_week_is_the_day_before_it_elsewhere() -> None:
    # Asked on a Monday: its morning in Sydney is still Sunday in Los Angeles.
    world = a_week(first=SUMMER, **TELEHEALTH)
    assert world.judge(at(LOS_ANGELES, "sun 16:00-17:00"), at(SYDNEY, "mon 11:00-12:00")) == [1]


def test_midnight_of_one_side_parts_no_session_of_the_others_day() -> None:
    # 04:30 to 05:30 in Los Angeles is 23:30 to 00:30 in Sydney.
    world = a_week(first=SUMMER, **TELEHEALTH)
    free = at(SYDNEY, "mon 20:00-24:00; tue 00:00-02:00")
    assert world.judge(free, at(LOS_ANGELES, "mon 04:30-05:30")) == [1]


def test_a_client_without_a_zone_is_in_the_zone_of_the_practice() -> None:
    world = a_week(first=SUMMER, **TELEHEALTH)
    asked = at(None, "mon 12:00-13:00")
    assert world.judge(asked, at(PERTH, "mon 09:00-10:00")) == [1]


def test_a_clinician_without_a_zone_is_taken_to_be_where_the_practice_is() -> None:
    world = a_week(first=SUMMER, **TELEHEALTH)
    asked = at(PERTH, "mon 06:00-07:00")
    assert world.judge(asked, at(None, "mon 09:00-10:00")) == [1]


def test_after_hours_is_by_the_clients_clock_where_they_meet_by_video() -> None:
    # 17:00 in Perth is 20:00 in Sydney in summer, and 14:00 in Perth is 17:00 there.
    late: dict[str, Any] = {"rule": "after_hours", "client": "late"}
    clinic = (at(PERTH, "mon 17:00-18:00"), at(PERTH, "mon 14:00-15:00"))
    asked = {"late": True, "zone": SYDNEY}
    assert a_week(first=SUMMER, **late, **TELEHEALTH).judge(asked, *clinic) == [1, 1]
    assert a_week(first=SUMMER, **late, **IN_PERSON).judge(asked, *clinic) == [1, 0]


def test_the_morning_after_is_after_hours_from_the_evening_on() -> None:
    # 22:00 to 10:00 in Sydney, of which 08:30 to 09:30 is half after hours.
    late: dict[str, Any] = {"rule": "after_hours", "client": "late"}
    world = a_week(first=SUMMER, **late, **IN_PERSON)
    clinicians = (at(SYDNEY, "tue 08:30-09:30"), at(SYDNEY, "mon 23:30-24:00; tue 00:00-00:30"))
    assert world.judge({"late": True}, *clinicians) == [0, 1]


def test_a_wish_for_no_hours_is_met_by_no_clinician() -> None:
    world = a_week(**TELEHEALTH)
    assert world.judge(at(SYDNEY, "none"), at(SYDNEY, "mon 00:00-24:00")) == [0]


def test_missing_hours_are_unknown_in_every_zone() -> None:
    world = a_week(**TELEHEALTH)
    verdict = world.judge(at(SYDNEY, "mon 09:00-10:00"), {"zone": PERTH}, {"zone": SYDNEY})
    assert np.isnan(verdict).all()
