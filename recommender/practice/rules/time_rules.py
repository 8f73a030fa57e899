"""How rules about days and hours judge a whole roster: 1 pass, 0 fail, NaN unknown.

Imported by `rulebook`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.rule_input import (
    Array,
    Flags,
    RuleInput,
    both,
    no_more_than,
    today_of,
)
from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    Stay,
    Zones,
    alike,
    in_local_week,
    longest_in_common,
    longest_in_week,
    on_shared_clock,
    openings_by_zone,
    spans_of,
    week_of,
)

EVENING = "17:00"
"""From here a weekday session is after hours (Cliniko's "evening" begins at 17:00)."""
MORNING = "09:00"
"""Until here a weekday session is after hours; decided with the practice brief."""
SATURDAY = 5

Window = tuple[int, int, int]


def shares_hours(question: RuleInput) -> Array:
    """Some stretch of the coming seven days that suits both is long enough for one session.

    The clinician's hours are in the zone of `clinician_zone`. The client's are in that of
    `client_zone`; without this setting they meet where the clinician is, and so in that zone.
    """
    return fits(question, windows_of(question.client[0]), question.clinician[0])


def after_hours(question: RuleInput) -> Array:
    """One session fits after `evening` or before `morning` on a weekday, or at a weekend.

    In the client's zone where `client_zone` names it, else in the clinician's.
    """
    if not question.client[0][0]:
        return np.ones(len(question.clinician[0]))
    return fits(question, late_windows(question.settings), question.clinician[0])


def late_windows(settings: Mapping[str, Any]) -> list[Window]:
    """The week's hours that count as after hours."""
    evening = minute_of(settings.get("evening", EVENING))
    morning = minute_of(settings.get("morning", MORNING))
    weekdays = [(day, *part) for day in range(SATURDAY) for part in ((0, morning), (evening, DAY))]
    return [*weekdays, *((day, 0, DAY) for day in range(SATURDAY, DAYS))]


def windows_of(encoded: Array) -> list[Window]:
    """One client's weekly windows from their encoding, (1, windows, 3)."""
    known = encoded[0][~np.isnan(encoded[0][:, 0])].astype(int)
    return [(day, start, end) for day, start, end in known.tolist()]


def minute_of(text: str) -> int:
    """A time of the day, written 17:00, in minutes."""
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def available_within(question: RuleInput) -> Array:
    """The clinician's first free day is no later than the client is able to wait for."""
    return no_more_than(question.clinician[0], today_of(question) + question.client[0])


def valid_on(question: RuleInput) -> Array:
    """The clinician's date is not past on the start day: the client's, or else the day asked."""
    return no_more_than(_start(question), question.clinician[0])


def valid_between(question: RuleInput) -> Array:
    """The start day lies between the clinician's two dates; either alone can fail it."""
    low, high = question.clinician
    start = _start(question)
    return both(no_more_than(low, start), no_more_than(start, high))


def _start(question: RuleInput) -> Array:
    today = np.array([today_of(question)])
    start = question.client[0] if question.client else today
    return np.where(np.isnan(start), today, start)


def fits(question: RuleInput, windows: Sequence[Window], clinician: NDArray[Any]) -> Array:
    """One session fits into what the client's windows and the clinician's have in common."""
    if np.isnan(question.session):
        return np.full(len(clinician), np.nan)
    verdict = np.empty(len(clinician))
    for stay in _stays(question):
        long_enough = _longest(question, stay, windows) >= question.session
        verdict[stay.rows] = np.where(stay.openings.known, long_enough, np.nan)
    return verdict


def fits_on_day(question: RuleInput, clinician: NDArray[Any]) -> Flags:
    """Whether one session fits on a day of the week, were the client free all of it, (7, n)."""
    fitting = np.empty((DAYS, len(clinician)))
    for stay in _stays(question):
        for day in range(DAYS):
            fitting[day, stay.rows] = _longest(question, stay, [(day, 0, DAY)])
    return np.asarray(fitting >= question.session)


def _longest(question: RuleInput, stay: Stay, windows: Sequence[Window]) -> NDArray[Any]:
    """Minutes of the longest stretch the windows share with those of one zone's people."""
    first, openings = question.context.day, stay.openings
    theirs, ours = (week_of(z, first) for z in (stay.zone, _client_zone(question) or stay.zone))
    spans = spans_of(windows, ours, first)
    # While no clock is changed a week is like any other, and the roster's is laid out already.
    if theirs.changes or ours.changes or openings.overnight:
        return longest_in_common(spans, *on_shared_clock(openings, theirs, first))
    return longest_in_week(in_local_week(spans, theirs, first), openings)


def _client_zone(question: RuleInput) -> str | None:
    """The client's own zone, the practice's where they gave none; None to meet at the clinic."""
    answer = question.of_client("client_zone")
    if answer is None:
        return None
    if np.isnan(answer[0]):
        return question.context.timezone
    return question.context.client[question.settings["client_zone"]].levels[int(answer[0])]


def _stays(question: RuleInput) -> tuple[Stay, ...]:
    name = question.settings.get("clinician_zone")
    levels = () if name is None else question.context.clinician[name].levels
    zones = Zones(name, levels, question.context.timezone)
    meet_there = question.settings.get("client_zone") is None
    standing_for = alike(zones, question.context.day, meet_there)
    hours = question.clinician_fields[0].name
    return openings_by_zone(question.roster, hours, zones, standing_for)
