from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.absence_days import absences, local_moment
from recommender.importing.cliniko.working_hours import BusinessHours

MELBOURNE = ZoneInfo("Australia/Melbourne")
TODAY = date(2026, 9, 24)
WEEKDAYS = [BusinessHours(weekday, 9 * 60, 17 * 60, "1") for weekday in range(5)]


def block(first: date, start: int, last: date, end: int) -> tuple[datetime, datetime]:
    return local_moment(first, start, MELBOURNE), local_moment(last, end, MELBOURNE)


def test_a_day_whose_hours_lie_in_a_block_is_an_absence() -> None:
    day = date(2026, 9, 29)
    blocks = {"1": [block(day, 9 * 60, day, 17 * 60)]}
    assert absences(WEEKDAYS, blocks, MELBOURNE, TODAY) == ["2026-09-29"]


def test_a_block_of_some_hours_is_no_absence_and_blocks_that_touch_count_together() -> None:
    day = date(2026, 9, 29)
    morning, afternoon = block(day, 9 * 60, day, 13 * 60), block(day, 13 * 60, day, 17 * 60)
    assert absences(WEEKDAYS, {"1": [morning]}, MELBOURNE, TODAY) == []
    assert absences(WEEKDAYS, {"1": [afternoon, morning]}, MELBOURNE, TODAY) == ["2026-09-29"]


def test_an_absence_at_one_of_two_businesses_of_a_day_is_none() -> None:
    day = date(2026, 9, 29)
    whole = block(day, 0, day, 24 * 60)
    both = [*WEEKDAYS, BusinessHours(1, 18 * 60, 20 * 60, "2")]
    assert absences(both, {"1": [whole]}, MELBOURNE, TODAY) == []
    assert absences(both, {"1": [whole], "2": [whole]}, MELBOURNE, TODAY) == ["2026-09-29"]


def test_weekends_between_days_of_absence_belong_to_one_range() -> None:
    friday, tuesday = date(2026, 10, 2), date(2026, 10, 6)
    blocks = {"1": [block(friday, 9 * 60, tuesday, 17 * 60)]}
    assert absences(WEEKDAYS, blocks, MELBOURNE, TODAY) == ["2026-10-02 to 2026-10-06"]
    split = {"1": [block(day, 9 * 60, day, 17 * 60) for day in (friday, date(2026, 10, 7))]}
    assert absences(WEEKDAYS, split, MELBOURNE, TODAY) == ["2026-10-02", "2026-10-07"]


def test_days_are_those_of_melbourne_on_both_sides_of_a_change_of_clocks() -> None:
    # Clocks go forward on 4 October 2026: 09:00 is 23:00 UTC before and 22:00 UTC after.
    before, after = date(2026, 10, 2), date(2026, 10, 5)
    for day, utc_hour in ((before, 23), (after, 22)):
        nine = datetime(day.year, day.month, day.day, utc_hour, tzinfo=UTC) - timedelta(days=1)
        assert local_moment(day, 9 * 60, MELBOURNE) == nine
        exact = {"1": [(nine, nine + timedelta(hours=8))]}
        late = {"1": [(nine + timedelta(hours=1), nine + timedelta(hours=9))]}
        assert absences(WEEKDAYS, exact, MELBOURNE, TODAY) == [str(day)]
        assert absences(WEEKDAYS, late, MELBOURNE, TODAY) == []


def test_past_days_are_left_out() -> None:
    blocks = {"1": [block(date(2026, 9, 21), 0, date(2026, 9, 25), 24 * 60)]}
    assert absences(WEEKDAYS, blocks, MELBOURNE, TODAY) == ["2026-09-24 to 2026-09-25"]


def test_without_hours_only_whole_days_count() -> None:
    first, last = date(2026, 9, 29), date(2026, 10, 1)
    blocks = {"1": [block(first, 12 * 60, last, 24 * 60)]}
    assert absences([], blocks, MELBOURNE, TODAY) == ["2026-09-30 to 2026-10-01"]
