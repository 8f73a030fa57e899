"""Days on which a practitioner is away: days whose hours are wholly within unavailable blocks.

Blocks are in UTC and hours on the clock of the business, so each day is compared by itself: clocks
change within a year.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.directory import Interval
from recommender.importing.cliniko.working_hours import BusinessHours

HORIZON_DAYS = 3 * 366
"""Days ahead that are looked at."""


def absences(
    hours: Sequence[BusinessHours],
    blocks: Mapping[str, Sequence[Interval]],
    zone: ZoneInfo,
    today: date,
) -> list[str]:
    """Ranges of days as a table writes `date_ranges`, from today on.

    Parameters
    ----------
    hours
        The practitioner's hours, on the clock of `zone`.
    blocks
        Unavailable times by business, in UTC.
    zone
        The zone of the businesses.
    today
        The day in that zone.

    Notes
    -----
    A day counts where every hour of it, at every business, lies in a block there. Days without
    hours between two such days belong to the same range. Someone without any hours is away on days
    that a block covers from midnight to midnight.
    """
    merged = {business: _merged(some) for business, some in blocks.items()}
    away = [
        day for day in _days_in(merged.values(), zone, today) if _is_away(day, hours, merged, zone)
    ]
    return [_text(first, last) for first, last in _ranges(away, hours)]


def local_moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """A time of the day by a clock, in UTC; minutes may be 24 * 60.

    >>> local_moment(date(2026, 10, 4), 9 * 60, ZoneInfo("Australia/Melbourne")).isoformat()
    '2026-10-03T22:00:00+00:00'
    """
    day += timedelta(days=minutes // (24 * 60))
    clock = time(minutes // 60 % 24, minutes % 60)
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _days_in(blocks: Collection[Sequence[Interval]], zone: ZoneInfo, today: date) -> list[date]:
    last = today + timedelta(days=HORIZON_DAYS)
    days: set[date] = set()
    for some in blocks:
        for begin, end in some:
            day = max(begin.astimezone(zone).date(), today)
            while day <= min(end.astimezone(zone).date(), last):
                days.add(day)
                day += timedelta(days=1)
    return sorted(days)


def _is_away(
    day: date,
    hours: Sequence[BusinessHours],
    blocks: Mapping[str, Sequence[Interval]],
    zone: ZoneInfo,
) -> bool:
    if not hours:
        whole = local_moment(day, 0, zone), local_moment(day, 24 * 60, zone)
        return any(_covers(some, whole) for some in blocks.values())
    of_day = [each for each in hours if each.weekday == day.weekday()]
    return bool(of_day) and all(
        _covers(
            blocks.get(each.business, ()),
            (local_moment(day, each.start, zone), local_moment(day, each.end, zone)),
        )
        for each in of_day
    )


def _covers(blocks: Sequence[Interval], span: Interval) -> bool:
    return any(begin <= span[0] and span[1] <= end for begin, end in blocks)


def _merged(blocks: Sequence[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, end in sorted(blocks):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _ranges(away: Sequence[date], hours: Sequence[BusinessHours]) -> list[tuple[date, date]]:
    working = {each.weekday for each in hours} or set(range(7))
    ranges: list[tuple[date, date]] = []
    for day in away:
        if ranges and not any(
            (ranges[-1][1] + timedelta(days=gap)).weekday() in working
            for gap in range(1, (day - ranges[-1][1]).days)
        ):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _text(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"
