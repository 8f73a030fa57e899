"""Changes of clocks ahead that end or move a time in common within the usual course of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import isnan

import numpy as np

from recommender.practice.rules.first_session import MAX_DAYS, first_sessions
from recommender.practice.rules.rule_input import Array, RuleInput
from recommender.practice.rules.time_rules import (
    client_windows,
    client_zone,
    clock_days,
    openings_of_rule,
    usable_windows,
    zones_of,
)
from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    WEEK,
    Windows,
    clock_changes,
    in_other_week,
    offsets_on,
)
from recommender.values.kinds import DAY_NAMES, EPOCH, clock

Spans = tuple[tuple[float, float], ...]


WEEKDAYS = tuple(DAY_NAMES.values())


@dataclass(frozen=True, slots=True)
class MovedTime:
    """A time in common that a change of clocks ends or moves, on the client's clock.

    Attributes
    ----------
    day
        The first day on the changed clock.
    before, after
        Begin and end in minutes of the week, from Monday; `after` is None where none is left.
    """

    day: date
    before: tuple[float, float]
    after: tuple[float, float] | None

    @property
    def text(self) -> str:
        """What it means, after the clinician's name."""
        after = "none" if self.after is None else weekly_time(self.after)
        return (
            f"has no time in common that stays when the clocks change before {self.day.day} "
            f"{self.day:%B %Y}: {weekly_time(self.before)} until then, {after} afterwards "
            "(the client's time)"
        )


@dataclass(frozen=True, slots=True)
class _Difference:
    """From a day on, minutes that the client's clock is ahead of the clinician's."""

    day: int
    ahead: float


@lru_cache(maxsize=4096)
def _differences(zone: str, other: str, first: int, weeks: int) -> tuple[_Difference, ...]:
    """The differences of two clocks over some weeks from a day, each of another size than before.

    Days are ordinals; a change counts from the day after it.
    """
    last = first + DAYS * weeks
    changes = [clock_changes(each, first, last) for each in (zone, other)]
    days = [first, *(day + 1 for day in sorted({*changes[0].tolist(), *changes[1].tolist()}))]
    none = np.empty(0, dtype=np.intp)
    found: list[_Difference] = []
    for day in days:
        at = np.array([day])
        ahead = float(offsets_on(other, at, none)[0] - offsets_on(zone, at, none)[0])
        if not found or found[-1].ahead != ahead:
            found.append(_Difference(day, ahead))
    return tuple(found)


def moved_times(inputs: RuleInput, verdict: Array, way: str | None = None) -> dict[int, MovedTime]:
    """Of the clinicians who pass a rule on hours: those whose time in common ends or moves, by row.

    A time on the client's clock that suits before and after the change is neither.
    """
    other = client_zone(inputs)
    if other is None or isnan(inputs.session):
        return {}
    changes = _with_changes(inputs, other)
    changes = {row: each for row, each in changes.items() if verdict[row] == 1} if changes else {}
    if not changes:
        return {}
    openings = openings_of_rule(inputs)
    usable = usable_windows(inputs, openings, way)
    wished = client_windows(inputs)
    moved: dict[int, MovedTime] = {}
    for row, differences in changes.items():
        counts = np.isfinite(openings.start[:, row])
        counts &= True if usable is None else usable[:, row]
        labels = 0 * openings.weekday if openings.terms is None else openings.terms.label
        by_label: dict[int, list[tuple[int, int, int]]] = {}
        for at in np.flatnonzero(counts).tolist():
            window = openings.weekday[at, row], openings.start[at, row], openings.end[at, row]
            by_label.setdefault(int(labels[at, row]), []).append(tuple(map(int, window)))  # type: ignore[arg-type]
        own = tuple(tuple(each) for each in by_label.values())
        found = _moved(own, wished, differences, inputs.session)
        if found is not None:
            moved[row] = found
    return moved


def may_move(inputs: RuleInput) -> bool:
    """Whether a change of clocks within the usual course may move a time in common."""
    other = client_zone(inputs)
    return other is not None and bool(_with_changes(inputs, other))


def _with_changes(inputs: RuleInput, other: str) -> dict[int, tuple[_Difference, ...]]:
    """The differences of the clocks of each row where they change, by row."""
    settings, roster, zones = inputs.context.first_session, inputs.roster, zones_of(inputs)
    key = ("clocks ahead", zones, other, settings)

    def found(earliest: float) -> dict[int, tuple[_Difference, ...]]:
        firsts = clock_days(first_sessions(settings, roster, earliest))
        pairs = zip(zones.codes_in(roster).tolist(), (firsts + EPOCH).tolist(), strict=True)
        weeks = settings.course_weeks
        by_row = (
            (row, _differences(zones.named[code], other, day, weeks))
            for row, (code, day) in enumerate(pairs)
            if zones.named[code] != other
        )
        return {row: each for row, each in by_row if len(each) > 1}

    return roster.view(key, lambda: lru_cache(MAX_DAYS)(found))(inputs.earliest)


@lru_cache(maxsize=4096)
def _moved(
    own: tuple[Windows, ...],
    wished: Windows,
    differences: tuple[_Difference, ...],
    session: float,
) -> MovedTime | None:
    """The first change after which no time suits that suited before it."""
    spans = _in_week(wished, 0.0)
    before = [_in_week(each, -differences[0].ahead) for each in own]
    shared = [span for each in before for span in _shared(spans, each, session)]
    for change in differences[1:]:
        after = [_in_week(each, -change.ahead) for each in own]
        left = [span for each in after for span in _shared(spans, each, session)]
        if shared and not _shared(shared, left, session):
            following = min(left) if left else None
            return MovedTime(date.fromordinal(change.day), min(shared), following)
    return None


def _in_week(windows: Windows, ahead: float) -> Spans:
    return tuple((begin, end) for begin, end in in_other_week(windows, ahead).tolist())


def _shared(
    spans: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]], minutes: float
) -> Spans:
    both = ((max(a, c), min(b, d)) for a, b in spans for c, d in others)
    return tuple((begin, end) for begin, end in both if end - begin >= max(minutes, 1.0))


def weekly_time(span: tuple[float, float]) -> str:
    """Begin and end in minutes of the week in words.

    >>> weekly_time((1980, 2040))
    'Tuesday 09:00 to 10:00'
    """
    begin, end = (int(minute) for minute in span)
    day, start = divmod(begin % WEEK, DAY)
    until = (start + end - begin) % DAY or DAY
    return f"{WEEKDAYS[day]} {clock(start)} to {clock(until)}"
