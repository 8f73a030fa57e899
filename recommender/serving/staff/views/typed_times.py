"""Reads times of the week as people say them: "after 5pm", "Tue and Thu arvo", "not Mondays"."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.practice.day_parts import windows_of
from recommender.practice.matching_page import DayPart
from recommender.values.kinds import DAYS, clock

HOUR, DAY = 60, 1440
Span = tuple[int, int]
"""Begin and end in minutes of the day."""
Week = NDArray[np.bool_]
"""Whether each minute suits, (7, 1440), Monday first."""

EXAMPLES = (
    "after 5pm; any Thursday; not Mondays; weekdays before 10; Tue and Thu arvo; 8-10; 5-8 pm; "
    "all day; weekends"
)
FEW_EXAMPLES = "after 5pm, not Mondays"
NOT_TIMES = f"has words that are not read as times: write, for instance, {EXAMPLES}"
BACKWARDS = (
    "has a time that ends before it begins: write 8-17, or 8 am-5 pm; past midnight, write 22-24 "
    "on this day and 0-2 on the next"
)
MORNING_OR_AFTERNOON = "has an hour that can be morning or afternoon: write am or pm after it"
UNCLEAR = "can be read in two ways: write each part after a semicolon, as in: Tue arvo; not Mondays"
NOTHING_LEFT = "leaves no time in the week: name the times that suit"

_DAY = (
    r"(?:mon|tue|tues|wed|weds|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday)s?(?![a-z])"
)
_TIME = r"(?:(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?|(noon|midday|midnight))(?![a-z\d:.])"
_PARTS: Mapping[str, str] = {
    "morning": "morning",
    "arvo": "afternoon",
    "afternoon": "afternoon",
    "evening": "evening",
    "night": "evening",
}
"""The part of a day that a word means."""
_TOKENS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("space", r"\s+|\.(?!\d)"),
        ("end", r"[;\n]"),
        ("day_range", rf"({_DAY})\s*(?:-|–|to|through)\s*({_DAY})"),  # noqa: RUF001
        ("day", _DAY),
        ("days", r"(weekday|weekend|every\s?day|any\s?day|all\s?week|daily)s?(?![a-z])"),
        ("range", rf"between\s+{_TIME}\s*and\s*{_TIME}"),
        ("range", rf"(?:from\s+)?{_TIME}\s*(?:-|–|to|until|till)\s*{_TIME}"),  # noqa: RUF001
        ("before", rf"(?:before|until|till|up\sto)\s+{_TIME}"),
        ("after", rf"(?:after|past)\s+{_TIME}"),
        ("after", rf"(?:from\s+)?{_TIME}\s*(?:\+|onwards?(?![a-z])|(?:or|and)\s(?:later|after)\b)"),
        ("after", rf"from\s+{_TIME}"),
        ("all_day", r"(?:all|whole)\s+day(?![a-z])|any\s?time(?![a-z])"),
        ("part", rf"({'|'.join(_PARTS)})s?(?![a-z])"),
        ("half", r"(am|pm)(?![a-z])"),
        ("not", r"(?:but\s+)?(?:not|no|never|except(?:\sfor)?|other\sthan|apart\sfrom)(?![a-z])"),
        ("but", r"but(?![a-z])"),
        ("comma", r","),
        ("and", r"(?:and|or)(?![a-z])|[&/]"),
        ("filler", r"(?:on|any|every|each|in|the|only|at)(?![a-z])"),
    )
)


@dataclass(slots=True)
class _Phrase:
    """Days with the times on them; `leading` says that the times came first."""

    negative: bool = False
    days: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    leading: bool = False
    joined: bool = False

    def marked(self) -> Week:
        """The minutes it names: on every day without days, and the whole day without times."""
        week = np.zeros((len(DAYS), DAY), dtype=np.bool_)
        for day in self.days or range(len(DAYS)):
            for begin, end in self.spans or [(0, DAY)]:
                week[day, begin:end] = True
        return week


def read_times(text: str, parts: Sequence[DayPart], ticked: Iterable[str] = ()) -> tuple[str, ...]:
    """The times that a line of text and ticked parts of days name together.

    Parameters
    ----------
    text
        A line as people say it. What it excludes, as in "not Mondays", is taken off everything
        else; a line that only excludes is taken off the whole week, or off what is ticked.
    parts
        The parts of a day, in the order of the ticks.
    ticked
        Ticks such as `mon-0`.

    Returns
    -------
    tuple of str
        Windows such as `mon 17:00-20:00`, in order, apart from each other; none for no answer.

    Raises
    ------
    ValueError
        When part of the text cannot be read, or no time is left. The message does not contain the
        text.

    Notes
    -----
    An hour without am or pm is that of a 24-hour clock, as in 8-10 or 17-20; in "5-8 pm" both are
    in the afternoon. After "before" or "after" an hour from 1 to 7 needs am or pm.

    Examples
    --------
    >>> from recommender.practice.matching_page import USUAL_DAY_PARTS
    >>> read_times("Tue and Thu arvo, not after 4pm", USUAL_DAY_PARTS)
    ('tue 12:00-16:00', 'thu 12:00-16:00')
    >>> read_times("5-8 pm", USUAL_DAY_PARTS, ["sat-0"])[-2:]
    ('sat 17:00-20:00', 'sun 17:00-20:00')
    """
    phrases = _phrases(text, parts)
    week = np.zeros((len(DAYS), DAY), dtype=np.bool_)
    ticks = windows_of(parts, ticked)
    for window in ticks:
        begin, end = (_minutes_of(window[key]) for key in ("start", "end"))
        week[DAYS.index(window["day"]), begin:end] = True
    named = [each.marked() for each in phrases if not each.negative]
    excluded = [each.marked() for each in phrases if each.negative]
    if excluded and not named and not ticks:
        week[:] = True
    week = np.logical_or.reduce([week, *named])
    week &= ~np.logical_or.reduce([np.zeros_like(week), *excluded])
    if phrases and not week.any():
        raise ValueError(NOTHING_LEFT)
    return tuple(_windows(week))


def _windows(week: Week) -> Iterator[str]:
    for day, minutes in zip(DAYS, week, strict=True):
        edges = np.flatnonzero(np.diff(minutes.astype(np.int8), prepend=0, append=0))
        for begin, end in edges.reshape(-1, 2).tolist():
            yield f"{day} {clock(begin)}-{clock(end)}"


def _phrases(text: str, parts: Sequence[DayPart]) -> list[_Phrase]:
    """The phrases of a line, in order."""
    spans = {part.label.casefold(): part for part in parts}
    phrases = [_Phrase()]
    separator = ""
    tokens = list(_tokens(text))
    for place, (kind, match) in enumerate(tokens):
        now = phrases[-1]
        if kind == "but":
            following = tokens[place + 1][0] if place + 1 < len(tokens) else ""
            kind = "not" if following in ("day", "days", "day_range") else "and"
        if kind in ("comma", "and", "end"):
            separator = kind
        elif kind == "not":
            phrases.append(_Phrase(negative=True))
            separator = ""
        elif kind in ("day", "days", "day_range"):
            _add_days(phrases, _days_of(kind, match), separator)
            separator = ""
        elif kind != "filler":
            _add_span(phrases, _span_of(kind, match, spans), separator)
            separator = ""
        elif text.strip().lower() == "any":
            now.spans.append((0, DAY))
    if any(each.negative and not each.days and not each.spans for each in phrases):
        raise ValueError(NOT_TIMES)
    named = [each for each in phrases if each.days or each.spans]
    if text.strip() and not named:
        raise ValueError(NOT_TIMES)
    return named


def _tokens(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    typed = text.lower().replace(".m.", "m").replace("a.m", "am").replace("p.m", "pm").strip()
    at = 0
    while at < len(typed):
        found = ((kind, pattern.match(typed, at)) for kind, pattern in _TOKENS)
        kind, match = next(((k, m) for k, m in found if m is not None), ("", None))
        if match is None:
            raise ValueError(NOT_TIMES)
        at = match.end()
        if kind != "space":
            yield kind, match


def _add_days(phrases: list[_Phrase], days: Sequence[int], separator: str) -> None:
    """Days belong to the times just before them, or begin a phrase of their own."""
    now = phrases[-1]
    follows_times = now.leading and not now.days and not separator
    if separator == "end" or (now.spans and not follows_times):
        now = _Phrase()
        phrases.append(now)
    now.joined |= bool(now.days and separator)
    now.days += days


def _add_span(phrases: list[_Phrase], span: Span, separator: str) -> None:
    """Times belong to the days before them, unless those have times before them."""
    now = phrases[-1]
    if now.negative and (now.joined or (separator and now.spans) or separator == "and"):
        # In "not Mon, Tue arvo" the afternoon may be that of both days, and may suit.
        raise ValueError(UNCLEAR)
    starts_anew = separator == "end" or (now.leading and now.days) or (now.negative and separator)
    if starts_anew:
        now = _Phrase()
        phrases.append(now)
    now.leading |= not now.days
    now.spans.append(span)


def _days_of(kind: str, match: re.Match[str]) -> Sequence[int]:
    if kind == "day":
        return [DAYS.index(match[0][:3])]
    if kind == "day_range":
        first, last = (DAYS.index(match[number][:3]) for number in (1, 2))
        return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]
    return {"weekday": range(5), "weekend": range(5, 7)}.get(match[1], range(7))


def _span_of(kind: str, match: re.Match[str], parts: Mapping[str, DayPart]) -> Span:
    """The times of the day that a token names."""
    if kind == "all_day":
        return 0, DAY
    if kind == "half":
        return (0, DAY // 2) if match[1] == "am" else (DAY // 2, DAY)
    if kind == "part":
        part = parts.get(_PARTS[match[1]])
        if part is None:
            raise ValueError(NOT_TIMES)
        return _minutes_of(part.start), _minutes_of(part.end)
    if kind == "range":
        return _range_of(match.group(1, 2, 3, 4), match.group(5, 6, 7, 8))
    hour, minute, half, _ = clock = match.group(1, 2, 3, 4)
    if hour and not half and 1 <= int(hour) <= 7 and not (hour.startswith("0") and minute):
        raise ValueError(MORNING_OR_AFTERNOON)
    span = (0, _minute(clock) or DAY) if kind == "before" else (_minute(clock), DAY)
    if span[0] >= span[1]:
        raise ValueError(NOT_TIMES)
    return span


ClockParts = tuple[str | None, ...]
"""Hour, minute, am or pm, and noon or midnight; each is None where it is not written."""


def _range_of(first: ClockParts, last: ClockParts) -> Span:
    end = _minute(last) or DAY
    begin = _minute(first)
    if last[2] and not first[2] and not first[3]:
        # In "5-8 pm" both are in the afternoon; in "10-2 pm" the first is not.
        same_half = _minute((*first[:2], last[2], None))
        begin = same_half if same_half < end else begin
    if begin >= end:
        raise ValueError(BACKWARDS)
    return begin, end


def _minute(clock: ClockParts) -> int:
    """Minute of the day; midnight is 0 at either end of the day."""
    hour, minute, half, named = clock
    if named:
        return 0 if named == "midnight" else DAY // 2
    hours, minutes = int(hour or 0), int(minute or 0)
    if minutes >= HOUR or hours > (12 if half else 24) or (half and not hours):
        raise ValueError(NOT_TIMES)
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    if HOUR * hours + minutes > DAY:
        raise ValueError(NOT_TIMES)
    return (HOUR * hours + minutes) % DAY


def _minutes_of(clock: str) -> int:
    return HOUR * int(clock[:2]) + int(clock[3:])
