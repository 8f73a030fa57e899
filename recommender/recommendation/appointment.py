"""What speaks against a day and hour of a first appointment: hours of both, and absences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from recommender.recommendation.open_intervals import WeeklyHours
from recommender.recommendation.openings import OpeningTimes

AWAY, CLINICIAN_HOURS, CLIENT_HOURS = "away", "clinician_hours", "client_hours"


@dataclass(frozen=True, slots=True)
class AppointmentDoubt:
    """One thing that speaks against an appointment, and the hours it is outside of."""

    code: str
    hours: tuple[WeeklyHours, ...] = ()


def appointment_doubts(
    opening: OpeningTimes, row: int, day: date, at: time | None
) -> tuple[AppointmentDoubt, ...]:
    """What speaks against an appointment with the clinician of one row.

    Nothing speaks against it where hours are not recorded.

    Parameters
    ----------
    at
        The hour on the practice's clock; None where the day alone is known.
    """
    if opening.is_away(row, day):
        return (AppointmentDoubt(AWAY),)
    zone, minutes = opening.practice.timezone, opening.shortest_session()
    theirs, wished = opening.hours_in_any_way(row), opening.wished_hours()
    doubts = []
    if theirs and not any(_open(each, day, at, minutes, zone) for each in theirs):
        doubts.append(AppointmentDoubt(CLINICIAN_HOURS, theirs))
    if wished and not any(all(_open(w, day, at, minutes, zone) for w in each) for each in wished):
        doubts.append(AppointmentDoubt(CLIENT_HOURS, wished[0]))
    return tuple(doubts)


def _open(hours: WeeklyHours, day: date, at: time | None, minutes: float, zone: str) -> bool:
    """Whether a session fits into hours, or any of a day's hours are open."""
    if at is None:
        return hours.opens(day) and any(window[0] == day.weekday() for window in hours.windows)
    local = datetime.combine(day, at, ZoneInfo(zone)).astimezone(ZoneInfo(hours.zone))
    begin = 60 * local.hour + local.minute
    today = local.weekday()
    spans = [(opens, closes) for weekday, opens, closes in hours.windows if weekday == today]
    return hours.opens(local.date()) and _covers(spans, begin, begin + minutes)


def _covers(spans: Sequence[tuple[int, int]], begin: int, end: float) -> bool:
    """Whether spans of a day, some of which may touch, cover all from begin to end."""
    reached: float = begin
    for opens, closes in sorted(spans):
        if opens <= reached < closes:
            reached = closes
    return reached > begin and reached >= end
