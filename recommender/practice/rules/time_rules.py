"""Rules about days and hours, for a whole roster at once: 1 pass, 0 fail, NaN unknown."""

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
    ZoneGroup,
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
"""A weekday session is after hours from this time on (Cliniko's "evening" begins at 17:00)."""
MORNING = "09:00"
"""A weekday session is after hours until this time, the usual start of office hours."""
SATURDAY = 5

Window = tuple[int, int, int]


def shares_hours(inputs: RuleInput) -> Array:
    """Some time of the week that suits both is long enough for one session.

    Hours are compared over the coming seven days. The clinician's hours are in the zone of
    `clinician_zone`, the client's in that of `client_zone`. Without this setting they meet at the
    clinician's place, in the clinician's zone.
    """
    return fits(inputs, windows_of(inputs.client[0]), inputs.clinician[0])


def after_hours(inputs: RuleInput) -> Array:
    """A session fits from `evening`, until `morning` or at a weekend, where the client asks.

    The hours are in the zone of `client_zone`, or else in the clinician's.
    """
    if not inputs.client[0][0]:
        return np.ones(len(inputs.clinician[0]))
    return fits(inputs, late_windows(inputs.settings), inputs.clinician[0])


def late_windows(settings: Mapping[str, Any]) -> list[Window]:
    """The windows of a week that are after hours."""
    evening = minute_of(settings.get("evening", EVENING))
    morning = minute_of(settings.get("morning", MORNING))
    weekdays = [(day, *part) for day in range(SATURDAY) for part in ((0, morning), (evening, DAY))]
    return [*weekdays, *((day, 0, DAY) for day in range(SATURDAY, DAYS))]


def windows_of(encoded: Array) -> list[Window]:
    """One person's weekly windows from their encoding, (1, windows, 3)."""
    known = encoded[0][~np.isnan(encoded[0][:, 0])].astype(int)
    return [(day, start, end) for day, start, end in known.tolist()]


def minute_of(text: str) -> int:
    """Minutes of a time of the day such as 17:00."""
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def available_within(inputs: RuleInput) -> Array:
    """The clinician's date is no later than the day asked plus the days the client can wait."""
    return no_more_than(inputs.clinician[0], today_of(inputs) + inputs.client[0])


def valid_on(inputs: RuleInput) -> Array:
    """The clinician's date is not before the client's start date, or else the day asked."""
    return no_more_than(_start(inputs), inputs.clinician[0])


def valid_between(inputs: RuleInput) -> Array:
    """The client's start date, or else the day asked, is between the clinician's two dates.

    One known date is enough to fail.
    """
    low, high = inputs.clinician
    start = _start(inputs)
    return both(no_more_than(low, start), no_more_than(start, high))


def _start(inputs: RuleInput) -> Array:
    today = np.array([today_of(inputs)])
    start = inputs.client[0] if inputs.client else today
    return np.where(np.isnan(start), today, start)


def fits(inputs: RuleInput, windows: Sequence[Window], clinician: NDArray[Any]) -> Array:
    """One session fits into the time that the client's and the clinician's windows share."""
    if np.isnan(inputs.session):
        return np.full(len(clinician), np.nan)
    verdict = np.empty(len(clinician))
    for group in _zone_groups(inputs):
        long_enough = _longest(inputs, group, windows) >= inputs.session
        verdict[group.rows] = np.where(group.openings.known, long_enough, np.nan)
    return verdict


def fits_on_day(inputs: RuleInput, clinician: NDArray[Any]) -> Flags:
    """Whether one session fits on a day of the week, were the client free all of it, (7, n)."""
    fitting = np.empty((DAYS, len(clinician)))
    for group in _zone_groups(inputs):
        for day in range(DAYS):
            fitting[day, group.rows] = _longest(inputs, group, [(day, 0, DAY)])
    return np.asarray(fitting >= inputs.session)


def _longest(inputs: RuleInput, group: ZoneGroup, windows: Sequence[Window]) -> NDArray[Any]:
    """Minutes of the longest stretch the windows share with those of one zone's people."""
    first, openings = inputs.context.day, group.openings
    theirs, ours = (week_of(z, first) for z in (group.zone, _client_zone(inputs) or group.zone))
    spans = spans_of(windows, ours, first)
    # While no clock is changed a week is like any other, and the roster's is laid out already.
    if theirs.changes or ours.changes or openings.overnight:
        return longest_in_common(spans, *on_shared_clock(openings, theirs, first))
    return longest_in_week(in_local_week(spans, theirs, first), openings)


def _client_zone(inputs: RuleInput) -> str | None:
    """The client's own zone, the practice's where they gave none; None to meet at the clinic."""
    answer = inputs.of_client("client_zone")
    if answer is None:
        return None
    if np.isnan(answer[0]):
        return inputs.context.timezone
    return inputs.context.client[inputs.settings["client_zone"]].levels[int(answer[0])]


def _zone_groups(inputs: RuleInput) -> tuple[ZoneGroup, ...]:
    name = inputs.settings.get("clinician_zone")
    levels = () if name is None else inputs.context.clinician[name].levels
    zones = Zones(name, levels, inputs.context.timezone)
    meet_there = inputs.settings.get("client_zone") is None
    representatives = alike(zones, inputs.context.day, meet_there)
    hours = inputs.clinician_fields[0].name
    return openings_by_zone(inputs.roster, hours, zones, representatives)
