"""Facts about clinicians and amounts in words, in the labels of the practice."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np

from recommender.practice.definition import Practice
from recommender.practice.fields import Field, listed
from recommender.values.kinds import DAY_NAMES, EPOCH

YES = "Yes"
DAY_MINUTES = 24 * 60
Window = tuple[int, int, int]
"""A day from Monday = 0, and start and end in minutes."""
Span = tuple[int, int]
CURRENCY_SIGNS = {"AUD": "$", "NZD": "$", "USD": "$", "EUR": "€", "GBP": "£"}


def money_text(practice: Practice, amount: float) -> str:
    """An amount of whole currency, with two decimals unless it is whole.

    >>> from recommender.practice.definition import shipped_practice
    >>> money_text(shipped_practice(), 101.2), money_text(shipped_practice(), 120.0)
    ('$101.20', '$120')
    """
    digits = f"{amount:.0f}" if float(amount).is_integer() else f"{amount:.2f}"
    sign = CURRENCY_SIGNS.get(practice.currency)
    return f"{sign}{digits}" if sign else f"{digits} {practice.currency}"


def cents_text(practice: Practice, cents: int) -> str:
    """An amount of cents."""
    return money_text(practice, cents / 100)


def cents_of(amount: float) -> int | None:
    """An encoded amount in whole cents; None where it is not known."""
    return None if amount != amount else round(float(amount))


def with_unit(field: Field, value: float) -> str:
    """A number with the field's unit, in the singular after 1."""
    unit = (field.unit or "").strip()
    if value == 1:
        unit = unit.removesuffix("s")
    return f"{value:g} {unit}".strip()


def levels_text(field: Field, encoded: Any) -> tuple[str, ...]:
    """The labels of the levels that an encoded answer holds; none where it is missing."""
    if field.kind == "tags":
        return tuple(field.label_of(level) for level in levels_in(field, encoded))
    return () if np.isnan(encoded) else (field.label_of(field.levels[int(encoded)]),)


def levels_in(field: Field, encoded: Any) -> tuple[str, ...]:
    """The levels that an encoded answer holds: one number, or one for each level of the field."""
    if np.ndim(encoded):
        return tuple(
            lv for lv, held in zip(field.levels, encoded.tolist(), strict=True) if held == 1
        )
    return () if np.isnan(encoded) else (field.levels[int(encoded)],)


def values_text(practice: Practice, field: Field, encoded: Any) -> tuple[str, ...]:
    """One fact in words; empty where it is missing, and of a flag that is not true.

    Places and hours are shown in parts of their own, and have no words here.
    """
    if field.behaviour.has_levels:
        return levels_text(field, encoded)
    match field.kind:
        case "link":
            return () if encoded is None else (str(encoded),)
        case "flag":
            return (YES,) if encoded == 1 else ()
        case "number" | "scale":
            return () if np.isnan(encoded) else (with_unit(field, float(encoded)),)
        case "money":
            return () if np.isnan(encoded) else (cents_text(practice, round(float(encoded))),)
        case "date":
            if np.isnan(encoded):
                return ()
            return (day_text(date_of(float(encoded))),)
    return ()


def date_of(days: float) -> date:
    """The day that is so many days after 1970-01-01, or else the last one there is."""
    return date.fromordinal(min(int(days) + EPOCH, date.max.toordinal()))


def day_text(day: date) -> str:
    """A day as people read it, such as `1 December 2026`."""
    return f"{day.day} {day:%B %Y}"


def clock_text(at: datetime | time) -> str:
    """A time of day on a 12-hour clock, such as `5 pm` or `5:30 pm`."""
    if at.minute == 0 and at.hour in (0, 12):
        return "noon" if at.hour else "midnight"
    minutes = f":{at:%M}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes} {'pm' if at.hour >= 12 else 'am'}"


def added_hours_text(stated: Sequence[Window], offered: Sequence[Window]) -> str:
    """The hours of the week that are offered and were not stated, day by day.

    Windows are (day, start, end) as their field parses them: sorted and apart.

    >>> evening = (1, 1020, 1440)
    >>> added_hours_text([evening], [(1, 0, 1440)]), added_hours_text([], [(1, 0, 1440)])
    ('Tuesday before 5 pm', 'Tuesday')
    >>> added_hours_text([(1, 540, 720), evening], [(1, 0, 1440)])
    'Tuesday before 9 am and noon to 5 pm'
    """
    texts = []
    for number, name in enumerate(DAY_NAMES.values()):
        own = [(start, end) for day, start, end in stated if day == number]
        theirs = [(start, end) for day, start, end in offered if day == number]
        added = [_span_text(*span) for whole in theirs for span in _left_of(whole, own)]
        if added:
            texts.append(f"{name} {' and '.join(added)}".strip())
    return " and ".join(texts)


def _left_of(whole: Span, taken: Sequence[Span]) -> Iterator[Span]:
    """The parts of a span that spans in order do not cover."""
    begin, end = whole
    for start, stop in taken:
        if begin < min(start, end):
            yield begin, min(start, end)
        begin = max(begin, stop)
    if begin < end:
        yield begin, end


def _span_text(begin: int, end: int) -> str:
    """Minutes of a day in words; empty for all of it."""
    if begin == 0:
        return "" if end == DAY_MINUTES else f"before {minute_text(end)}"
    if end == DAY_MINUTES:
        return f"from {minute_text(begin)}"
    return f"{minute_text(begin)} to {minute_text(end)}"


def week_text(windows: Iterable[Window]) -> str:
    """Hours of every week as they are said; days with the same hours together.

    Windows that touch or overlap are one.

    >>> week_text([(0, 540, 900), (2, 540, 720), (2, 720, 900), (3, 1020, 1440), (5, 0, 1440)])
    'Mondays and Wednesdays 9 am to 3 pm, Thursdays after 5 pm, and Saturdays all day'
    """
    spans: dict[int, list[Span]] = {}
    for day, begin, end in sorted(windows):
        of_day = spans.setdefault(day, [])
        if of_day and begin <= of_day[-1][1]:
            begin, last = of_day.pop()
            end = max(last, end)
        of_day.append((begin, end))
    days: dict[str, list[int]] = {}
    for day, of_day in spans.items():
        days.setdefault(" and ".join(_open_span_text(*each) for each in of_day), []).append(day)
    parts = [f"{_weekdays_text(of_hours)} {hours}" for hours, of_hours in days.items()]
    return listed(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _weekdays_text(days: Sequence[int]) -> str:
    """Days in order; three or more that follow each other as a range."""
    names = [f"{name}s" for name in DAY_NAMES.values()]
    if len(days) == len(names):
        return "every day"
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[days[0]]} to {names[days[-1]]}"
    return listed([names[day] for day in days])


def _open_span_text(begin: int, end: int) -> str:
    if (begin, end) == (0, DAY_MINUTES):
        return "all day"
    if end == DAY_MINUTES:
        return f"after {minute_text(begin)}"
    return _span_text(begin, end)


def minute_text(minute: int) -> str:
    """A minute of the day on a 12-hour clock; the end of the day is midnight."""
    return clock_text(time(*divmod(minute % DAY_MINUTES, 60)))
