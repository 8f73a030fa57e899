"""When those of a shortlist are next free, and which of their open hours suit the client.

The roster knows a first free day and the hours of a week, no calendar: times are open hours from
that day on, and are said to be no more than that. Imported by `staff.sheet`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.serving.staff import wording
from recommender.serving.staff.views import clock
from recommender.serving.staff.views.meeting import Meeting, MeetingContext
from recommender.serving.staff.views.open_intervals import OpenInterval, next_open_intervals
from recommender.tables.roster import Roster

QUARTER = timedelta(minutes=15)
"""Nobody is offered a time between two quarters of an hour."""


@dataclass(frozen=True, slots=True)
class TimesOnDay:
    """Open hours in some ways of meeting, in words.

    `aloud` is the first of them as it may be read to the client, empty where none suits.
    """

    heading: str
    said: tuple[str, ...]
    aloud: str


@dataclass(frozen=True, slots=True)
class NextTimes:
    """The first free day of one clinician in words, and their times."""

    day: str
    times: tuple[TimesOnDay, ...]

    @property
    def aloud(self) -> str:
        """The first time that suits, as it may be read to the client."""
        return next((each.aloud for each in self.times if each.aloud), "")


def next_free(
    shown: ShownRecommendation, practice: Practice, roster: Roster, now: datetime
) -> dict[str, NextTimes]:
    """When those of a shortlist are free, by clinician, as the roster says now.

    Empty where the practice keeps no such thing, or its definition has changed since.
    """
    if shown.practice_digest != practice.digest:
        return {}
    meeting_context = MeetingContext(shown, practice, roster)
    if meeting_context.free_day is None and not meeting_context.knows_hours:
        return {}
    return {each: _free(meeting_context, row, now) for row, each in enumerate(meeting_context.ids)}


def _free(meeting_context: MeetingContext, row: int, now: datetime) -> NextTimes:
    first = meeting_context.first_day(row)
    today = now.astimezone(ZoneInfo(meeting_context.practice.timezone)).date()
    day = wording.FREE_UNKNOWN if first is None else wording.free(date.fromordinal(first), today)
    meetings = tuple(meeting_context.meetings(row))
    suiting = [
        (each, _stretches(meeting_context, row, each, now, wished=True)) for each in meetings
    ]
    times = _told(meeting_context, suiting, suits=True)
    if not times:
        other = [
            (each, _stretches(meeting_context, row, each, now, wished=False)) for each in meetings
        ]
        times = _told(meeting_context, other, suits=False)
    return NextTimes(day if meeting_context.free_day else "", times)


def _stretches(
    meeting_context: MeetingContext, row: int, meeting: Meeting, now: datetime, *, wished: bool
) -> tuple[OpenInterval, ...]:
    zone = ZoneInfo(meeting.open.zone)
    days = (
        meeting_context.shown.asked_on.toordinal(),
        meeting_context.first_day(row),
        meeting_context.wished_day(),
    )
    day = date.fromordinal(max(each for each in days if each is not None))
    since = max(_quarter(now), datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))
    weeks = (meeting.open, *(meeting.wishes if wished else ()))
    return next_open_intervals(weeks, since, meeting.minutes)


def _quarter(moment: datetime) -> datetime:
    """The next quarter of an hour, UTC."""
    over = (moment - datetime.min.replace(tzinfo=UTC)) % QUARTER
    return moment.astimezone(UTC) + (QUARTER - over if over else timedelta())


def _told(
    meeting_context: MeetingContext,
    found: Iterable[tuple[Meeting, Sequence[OpenInterval]]],
    *,
    suits: bool,
) -> tuple[TimesOnDay, ...]:
    """The times in words; ways in which they are the very same are told together."""
    alike: dict[tuple[tuple[str, ...], str], list[Meeting]] = {}
    for meeting, stretches in found:
        if stretches:
            clocks = _clocks(meeting_context, meeting).telling_apart(stretches)
            said = tuple(clock.said(each, clocks) for each in stretches)
            aloud = clock.aloud(stretches[0], clocks) if suits else ""
            alike.setdefault((said, aloud), []).append(meeting)
    return tuple(
        TimesOnDay(_heading(such if len(alike) > 1 else (), such[0], suits), said, aloud)
        for (said, aloud), such in alike.items()
    )


def _heading(told_apart: Sequence[Meeting], first: Meeting, suits: bool) -> str:
    ways = [way for meeting in told_apart for way in meeting.ways]
    return wording.times_heading(ways, wished=bool(first.wishes), suits=suits)


def _clocks(meeting_context: MeetingContext, meeting: Meeting) -> clock.Clocks:
    """Whose clocks a time is said on: the client's first, but in the rooms that of the rooms."""
    there, here = meeting.open.zone, meeting_context.practice.timezone
    first = meeting.client_zone or there
    return clock.Clocks(first, meeting.client_zone is not None, (there, here))
