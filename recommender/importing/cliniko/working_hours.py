"""A practitioner's weekly hours, rooms and clock, from the daily availabilities in Cliniko."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.mapping_sections import MappedBusiness
from recommender.importing.cliniko.records import ClinikoDailyAvailability
from recommender.values.parsers import DAYS

CLOCK_DAYS = 366


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Hours of one day of the week at one business: 0 for Monday, minutes of the day."""

    weekday: int
    start: int
    end: int
    business: str


def open_hours(
    availabilities: Sequence[ClinikoDailyAvailability], businesses: Mapping[str, MappedBusiness]
) -> tuple[tuple[BusinessHours, ...], tuple[str, ...]]:
    """The hours at mapped businesses, in order, and the ids of other businesses that have hours.

    A range whose end is not after its start is left out; one that ends at 00:00 ends at midnight.
    """
    hours = []
    others = set()
    for each in availabilities:
        if each.business not in businesses:
            others |= {each.business} if each.availabilities else set()
            continue
        for span in each.availabilities:
            start, end = minutes_of(span.starts_at), minutes_of(span.ends_at) or 24 * 60
            if start < end <= 24 * 60:
                hours.append(BusinessHours(each.day_of_week - 1, start, end, each.business))
    in_order = sorted(hours, key=lambda h: (h.weekday, h.start, h.end, int(h.business)))
    return tuple(in_order), tuple(sorted(others))


def minutes_of(clock: str) -> int:
    """Minutes of the day.

    >>> minutes_of("09:30")
    570
    """
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def rooms_of_hours(
    hours: Sequence[BusinessHours], businesses: Mapping[str, MappedBusiness]
) -> tuple[str, ...]:
    """The rooms of some hours, each once, in the order of the mapping."""
    used = {each.business for each in hours}
    rooms = (one.room for each, one in businesses.items() if each in used and one.room)
    return tuple(dict.fromkeys(rooms))


def availability_cell(
    hours: Sequence[BusinessHours], businesses: Mapping[str, MappedBusiness], rooms: Sequence[str]
) -> list[str]:
    """The hours as a table writes an `availability`, with the number of each room and its ways."""
    written = []
    for each in hours:
        business = businesses[each.business]
        text = _window(each)
        if business.room in rooms:
            text += f" room {rooms.index(business.room) + 1}"
        if business.ways:
            text += f" by {','.join(business.ways)}"
        written.append(text)
    return list(dict.fromkeys(written))


def weekly_cell(hours: Sequence[BusinessHours]) -> list[str]:
    """The hours as a table writes `weekly_hours`: at any business."""
    return list(dict.fromkeys(map(_window, hours)))


def _window(hours: BusinessHours) -> str:
    start, end = (f"{m // 60:02d}:{m % 60:02d}" for m in (hours.start, hours.end))
    return f"{DAYS[hours.weekday]} {start}-{end}"


@lru_cache(maxsize=1024)
def same_clock(one: ZoneInfo, other: ZoneInfo, day: date) -> bool:
    """Whether two zones show the same time on every day of the year from a day on.

    >>> same_clock(ZoneInfo("Australia/Sydney"), ZoneInfo("Australia/Melbourne"), date(2026, 1, 1))
    True
    """
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    days = (noon + timedelta(days=number) for number in range(CLOCK_DAYS))
    return one.key == other.key or all(
        moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset()
        for moment in days
    )
