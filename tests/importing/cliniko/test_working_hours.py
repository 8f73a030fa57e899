from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.mapping_sections import MappedBusiness
from recommender.importing.cliniko.records import ClinikoDailyAvailability
from recommender.importing.cliniko.working_hours import (
    availability_cell,
    open_hours,
    rooms_of_hours,
    same_clock,
    weekly_cell,
)

BUSINESSES = {
    "1": MappedBusiness("3065"),
    "2": MappedBusiness("3053"),
    "3": MappedBusiness("", ("video",)),
}


def available(day: int, business: str, *spans: str) -> ClinikoDailyAvailability:
    ranges: list[dict[str, Any]] = [
        dict(zip(("starts_at", "ends_at"), span.split("-"), strict=True)) for span in spans
    ]
    record = {"id": "1", "day_of_week": day, "business": business, "practitioner": "9"}
    return ClinikoDailyAvailability.model_validate({**record, "availabilities": ranges})


def test_hours_name_the_room_of_their_business_and_its_ways() -> None:
    hours, _ = open_hours(
        [
            available(3, "3", "18:00-20:00"),
            available(1, "2", "09:00-12:00"),
            available(7, "1", "10:00-11:00"),
        ],
        BUSINESSES,
    )
    rooms = rooms_of_hours(hours, BUSINESSES)
    assert rooms == ("3065", "3053")
    assert availability_cell(hours, BUSINESSES, rooms) == [
        "mon 09:00-12:00 room 2",
        "wed 18:00-20:00 by video",
        "sun 10:00-11:00 room 1",
    ]
    assert weekly_cell(hours)[0] == "mon 09:00-12:00"


def test_hours_that_end_at_midnight_end_the_day() -> None:
    hours, _ = open_hours([available(5, "1", "20:00-00:00", "20:00-24:00")], BUSINESSES)
    assert weekly_cell(hours) == ["fri 20:00-24:00"]


def test_hours_at_a_business_that_is_not_mapped_are_left_out_and_named() -> None:
    hours, others = open_hours([available(1, "8", "09:00-12:00"), available(2, "7")], BUSINESSES)
    assert hours == ()
    assert others == ("8",)


def test_zones_are_alike_that_show_the_same_time_all_year() -> None:
    melbourne, day = ZoneInfo("Australia/Melbourne"), date(2026, 1, 1)
    assert same_clock(melbourne, ZoneInfo("Australia/Sydney"), day)
    assert not same_clock(melbourne, ZoneInfo("Australia/Brisbane"), day)
