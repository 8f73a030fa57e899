"""Intervals that are open on every clock, against a walk over the clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from recommender.recommendation.open_intervals import (
    LookAhead,
    OpenInterval,
    SharedHours,
    WeeklyHours,
    next_openings,
)
from tests.support.open_times import next_open_intervals

ZONES = (
    "Australia/Sydney",
    "Australia/Brisbane",
    "Australia/Perth",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Europe/London",
)
STEP = timedelta(minutes=15)
MON = 0


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def weekly(zone: str, *windows: tuple[int, int, int]) -> WeeklyHours:
    return WeeklyHours(f"Australia/{zone}", tuple((day, 60 * a, 60 * b) for day, a, b in windows))


def test_what_is_past_or_too_short_is_left_out() -> None:
    week = weekly("Sydney", (MON, 9, 12))
    late = next_open_intervals(
        (week,), LookAhead.of(at("Australia/Sydney", 2026, 11, 30, 10, 0)), 50
    )
    assert late[0].begin == at("Australia/Sydney", 2026, 11, 30, 10, 0)
    later = next_open_intervals(
        (week,), LookAhead.of(at("Australia/Sydney", 2026, 11, 30, 11, 15)), 50
    )
    assert later[0].begin == at("Australia/Sydney", 2026, 12, 7, 9, 0)
    assert (
        next_open_intervals(
            (week, weekly("Sydney", (MON, 11, 14))), LookAhead.of(late[0].begin), 61
        )
        == ()
    )


def test_hours_in_several_rooms_are_searched_together() -> None:
    one, other = weekly("Sydney", (MON, 9, 12)), weekly("Sydney", (MON, 13, 15)).in_room(2)
    wished = SharedHours((weekly("Sydney", (MON, 10, 12)),))
    ahead = LookAhead.of(at("Australia/Sydney", 2026, 11, 30))
    found = next_openings((other, one), wished, ahead, 50)
    assert found == next_openings((one,), wished, ahead, 50)
    whenever = next_openings((other, one), SharedHours(()), ahead, 50)
    assert [room for *_, room in whenever] == [0, 2, 0]
    assert whenever == sorted(whenever)


def test_hours_that_never_end_go_on_beyond_the_weeks_that_are_usually_enough() -> None:
    always = weekly("Sydney", *((day, 0, 24) for day in range(7)))
    ahead = LookAhead.of(at("Australia/Sydney", 2026, 11, 30))
    assert [end for _, end, _ in next_openings((always,), SharedHours(()), ahead, 50)] == [
        ahead.parts[-1][1]
    ]


@given(
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    windows=st.lists(
        st.lists(
            st.tuples(st.integers(0, 6), st.integers(0, 22), st.integers(1, 4)),
            min_size=1,
            max_size=3,
        ),
        min_size=2,
        max_size=2,
    ),
    day=st.sampled_from([date(2026, 4, 1), date(2026, 9, 29), date(2027, 3, 24)]),
    days_before=st.integers(0, 300),
)
def test_a_time_lies_in_the_open_hours_on_either_clock(
    zones: tuple[str, str],
    windows: list[list[tuple[int, int, int]]],
    day: date,
    days_before: int,
) -> None:
    weeks = [
        WeeklyHours(zone, tuple((d, 60 * h, 60 * min(h + long, 24)) for d, h, long in some))
        for zone, some in zip(zones, windows, strict=True)
    ]
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    now = since - timedelta(days=days_before)
    found = next_open_intervals(tuple(weeks), LookAhead.of(since, now), 30)
    end = since + timedelta(weeks=5)
    walked = [s for s in _walked(weeks, since) if s.end - s.begin >= timedelta(minutes=30)]
    # Later times are not walked over.
    assert [s for s in found if s.end < end] == [s for s in walked if s.end < end][:3]


def _walked(weeks: list[WeeklyHours], since: datetime) -> list[OpenInterval]:
    """The same by looking at the clocks every quarter of an hour for five weeks."""
    found: list[list[datetime]] = []
    moment = since
    while moment < since + timedelta(weeks=5):
        if all(_is_open(week, moment) for week in weeks):
            if found and found[-1][1] == moment:
                found[-1][1] = moment + STEP
            else:
                found.append([moment, moment + STEP])
        moment += STEP
    return [OpenInterval(begin, end) for begin, end in found]


def _is_open(week: WeeklyHours, moment: datetime) -> bool:
    local = moment.astimezone(ZoneInfo(week.zone))
    minute = 60 * local.hour + local.minute
    return any(local.weekday() == d and a <= minute < b for d, a, b in week.windows)
