"""Weekly hours and absences of a role, and the next day on which a clinician has a free slot.

Times of FHIR's `availableTime` have no zone: they are those of the place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from recommender.importing.fhir.resources import Resource, Resources
from recommender.importing.fhir.times import first_day, instant_of, last_day, minutes_of
from recommender.values.kinds import DAYS
from recommender.values.parsers import DateRange

Body = Mapping[str, Any]

MIDNIGHT = 24 * 60
ONGOING_YEARS = 10
"""Years that an absence without an end lasts from its start: our choice, beyond any request."""


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """Open hours of one day of the week, Monday being 0, in minutes of the day."""

    weekday: int
    start: int
    end: int

    def text(self, room: str = "") -> str:
        """The time as a cell writes it, in a room by its number if one is named.

        >>> WeeklyTime(0, 540, 1020).text("2")
        'mon 09:00-17:00 room 2'
        """
        times = f"{_clock(self.start)}-{_clock(self.end)}"
        return f"{DAYS[self.weekday]} {times}{f' room {room}' if room else ''}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def weekly_times(role: Body) -> tuple[list[WeeklyTime], list[str]]:
    """The weekly hours of a role, and why some of its times were left out.

    A time that passes midnight is two.
    """
    times: list[WeeklyTime] = []
    problems: list[str] = []
    for each in role.get("availableTime") or []:
        days = [DAYS.index(day) for day in each.get("daysOfWeek") or [] if day in DAYS]
        start, end = (0, MIDNIGHT) if each.get("allDay") else _span(each)
        if not days:
            problems.append("a time names no day of the week")
        elif start is None or end is None:
            problems.append("a time has no start or no end")
        elif start == end:
            problems.append("a time ends when it starts")
        else:
            for day in days:
                times += _split(WeeklyTime(day, start, end))
    if role.get("availabilityExceptions"):
        problems.append("exceptions are a text, which is not read")
    return times, problems


def _span(time: Body) -> tuple[int | None, int | None]:
    start = minutes_of(time.get("availableStartTime"))
    end = minutes_of(time.get("availableEndTime"))
    # An end at 00:00 is midnight at the end of the day.
    return start, MIDNIGHT if end == 0 and start else end


def _split(time: WeeklyTime) -> list[WeeklyTime]:
    if time.start < time.end:
        return [time]
    next_day = WeeklyTime((time.weekday + 1) % len(DAYS), 0, time.end)
    return [replace(time, end=MIDNIGHT), next_day]


def absences_of(role: Body, today: date, zone: ZoneInfo) -> tuple[list[DateRange], list[str]]:
    """First and last days on which a role is not available, and why some were left out.

    An absence without a start began before today; one without an end lasts `ONGOING_YEARS`.
    """
    ranges: list[DateRange] = []
    problems: list[str] = []
    for each in role.get("notAvailable") or []:
        during = each.get("during") or {}
        if not during.get("start") and not during.get("end"):
            problems.append("an absence has a description alone, which is not read")
            continue
        first = first_day(during["start"], zone) if during.get("start") else today
        if during.get("end"):
            last = last_day(during["end"], zone)
        else:
            last = None if first is None else _years_later(first)
        if first is None or last is None:
            problems.append("an absence has a date that is not read")
        elif last < first:
            problems.append("an absence ends before it starts")
        else:
            ranges.append((first, last))
    return ranges, problems


def _years_later(day: date) -> date:
    """The day `ONGOING_YEARS` later; the 28th for a 29th of February."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + ONGOING_YEARS, day=28 if is_leap_day else day.day)


def range_text(days: DateRange) -> str:
    """A range of dates as a cell writes it."""
    return f"{days[0].isoformat()} to {days[1].isoformat()}"


def next_free_days(
    resources: Resources,
    clinicians: Mapping[str, Iterable[DateRange]],
    now: datetime,
    zone: ZoneInfo,
) -> dict[str, date]:
    """The day of the first free slot from now on that is in no absence, by practitioner.

    Parameters
    ----------
    clinicians
        Absences by key of the practitioner; others have no day.
    now
        Carries a zone; earlier slots are over.
    """
    first: dict[str, datetime] = {}
    schedules = {each.key: each for each in resources.of("Schedule")}
    owners = {key: schedule_owners(resources, each) for key, each in schedules.items()}
    for slot in resources.of("Slot"):
        schedule = resources.follow(slot.body.get("schedule"), slot, "Schedule")
        start = instant_of(slot.body.get("start"))
        if schedule is None or start is None or slot.body.get("status") != "free" or start < now:
            continue
        day = start.astimezone(zone).date()
        for key in owners.get(schedule.key, ()):
            away = any(a <= day <= b for a, b in clinicians.get(key, ()))
            if key in clinicians and not away and (key not in first or start < first[key]):
                first[key] = start
    return {key: moment.astimezone(zone).date() for key, moment in first.items()}


def schedule_owners(resources: Resources, schedule: Resource) -> tuple[str, ...]:
    """Keys of the practitioners whose time a schedule is, by themselves or by a role."""
    if schedule.body.get("active") is False:
        return ()
    found = []
    for actor in schedule.body.get("actor") or []:
        named = resources.follow(actor, schedule, "Practitioner", "PractitionerRole")
        person = practitioner_of(resources, named)
        if person is not None:
            found.append(person.key)
    return tuple(dict.fromkeys(found))


def practitioner_of(resources: Resources, named: Resource | None) -> Resource | None:
    """A practitioner, or the practitioner of a role; None for others."""
    if named is None or named.kind == "Practitioner":
        return named
    return resources.follow(named.body.get("practitioner"), named, "Practitioner")
