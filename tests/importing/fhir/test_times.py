from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from recommender.importing.fhir.times import (
    first_day,
    instant_of,
    last_day,
    minutes_of,
    whole_day,
    years_between,
)

SYDNEY = ZoneInfo("Australia/Sydney")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-11-28", date(2026, 11, 28), date(2026, 11, 28)),
        ("2026-11-28T20:00:00Z", date(2026, 11, 29), date(2026, 11, 29)),
        ("2026-02-30", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_a_date_that_is_a_month_or_a_year_has_a_first_and_a_last_day(
    text: object, first: date | None, last: date | None
) -> None:
    assert first_day(text, SYDNEY) == first
    assert last_day(text, SYDNEY) == last
    assert whole_day(text, SYDNEY) == (first if first == last else None)


def test_a_time_without_a_zone_is_no_instant() -> None:
    assert instant_of("2026-11-28T10:00:00+11:00") == datetime(2026, 11, 27, 23, tzinfo=UTC)
    assert instant_of("2026-11-28T10:00:00") is None


def test_minutes_of_the_day_are_read_from_a_time() -> None:
    assert [minutes_of(text) for text in ("09:30:00", "23:59:59.9", "24:00:00", None)] == [
        570,
        1439,
        None,
        None,
    ]


def test_age_counts_whole_years() -> None:
    assert years_between(date(2004, 2, 29), date(2026, 2, 28)) == 21
    assert years_between(date(2004, 2, 29), date(2026, 3, 1)) == 22
