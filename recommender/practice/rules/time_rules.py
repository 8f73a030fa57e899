"""Rules about days and hours, for a whole roster at once: 1 pass, 0 fail, NaN unknown."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.row_checks import rooms_of
from recommender.practice.rules.first_session import MAX_DAYS, first_sessions
from recommender.practice.rules.rule_input import (
    Array,
    Flags,
    RequestContext,
    RuleInput,
    both,
    no_more_than,
)
from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    ClockGroup,
    Openings,
    SteadyClocks,
    Windows,
    WindowTerms,
    Zones,
    clock_groups,
    openings_of,
)
from recommender.values.kinds import EPOCH

EVENING = "17:00"
"""A weekday session is after hours from this time on (Cliniko's "evening" begins at 17:00)."""
MORNING = "09:00"
"""A weekday session is after hours until this time, the usual start of office hours."""
SATURDAY = 5

FittingWindows = Callable[[tuple[Windows, ...], float, float], Flags]
"""What fits, by the client's answers, minutes of a session, and a day or a difference of clocks."""

ALL_DAYS: tuple[Windows, ...] = tuple(((day, 0, DAY),) for day in range(DAYS))
"""The windows of somebody who is free all of one day, for each day of the week."""
ALL_WINDOWS: Hashable = (None, None)
"""The `hours_key` of a way of meeting for which every window counts."""
MIN_ANSWERS, MAX_ANSWERS, MAX_FLAGS = 16, 256, 2**24
"""How many clients' answers about hours are stored with a roster, and how many bytes they take."""

FIRST_DAY, LAST_DAY = (date(year, 1, 1).toordinal() - EPOCH for year in (1900, 9900))
"""Clocks of earlier and later days are taken to be those of these: near the ends of the calendar
there is no week around a day."""


def shares_hours(inputs: RuleInput) -> Array:
    """Some time of the week that suits both is long enough for one session.

    Each window counts on the day on which it first opens from the first possible session on. The
    clinician's hours are in the zone of `clinician_zone`, the client's in that of `client_zone`.
    Without this setting they meet at the clinician's place, in the clinician's zone.
    """
    return fits(inputs, client_windows(inputs))


def after_hours(inputs: RuleInput) -> Array:
    """A session fits from `evening`, until `morning` or at a weekend, where the client asks.

    The hours are in the zone of `client_zone`, or else in the clinician's.
    """
    return fits(inputs, client_windows(inputs))


def late_windows(settings: Mapping[str, Any]) -> Windows:
    """The windows of a week that are after hours."""
    return _late_windows(settings.get("evening", EVENING), settings.get("morning", MORNING))


@lru_cache(maxsize=64)
def _late_windows(evening_from: str, morning_until: str) -> Windows:
    evening, morning = minute_of(evening_from), minute_of(morning_until)
    weekdays = [(day, *part) for day in range(SATURDAY) for part in ((0, morning), (evening, DAY))]
    return (*weekdays, *((day, 0, DAY) for day in range(SATURDAY, DAYS)))


def windows_of(encoded: Array) -> Windows:
    """One person's weekly windows from their encoding, (1, windows, 3)."""
    # A missing window is NaN throughout, and only NaN differs from itself.
    return tuple(
        [(int(day), int(start), int(end)) for day, start, end in encoded[0].tolist() if day == day]
    )


def windows_of_many(encoded: Array) -> list[Windows]:
    """`windows_of` each of several people, (people, windows, 3)."""
    known = ~np.isnan(encoded[..., 0])
    windows = [*map(tuple, encoded[known].astype(int).tolist())]
    ends = np.cumsum(np.count_nonzero(known, axis=1)).tolist()
    return [tuple(windows[start:end]) for start, end in pairwise([0, *ends])]


def minute_of(text: str) -> int:
    """Minutes of a time of the day such as 17:00."""
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def available_within(inputs: RuleInput) -> Array:
    """The first possible session is no later than the client can wait.

    The days are counted from the day asked, or from the client's wished day where it is later.
    """
    return no_more_than(waits(inputs), inputs.client[0])


def waits(inputs: RuleInput) -> Array:
    """Days from the client's earliest day to the first possible session, (n,)."""
    return np.asarray(np.maximum(inputs.first_sessions, inputs.clinician[0]) - inputs.earliest)


def valid_on(inputs: RuleInput) -> Array:
    """The clinician's date is not before the first possible session."""
    return no_more_than(_start(inputs), inputs.clinician[0])


def valid_between(inputs: RuleInput) -> Array:
    """The first possible session is between the clinician's two dates.

    One known date is enough to fail.
    """
    low, high = inputs.clinician
    start = _start(inputs)
    return both(no_more_than(low, start), no_more_than(start, high))


def _start(inputs: RuleInput) -> Array:
    """The first possible session, or a later day that the client named in the rule's own field."""
    own = inputs.client[0] if inputs.client else np.nan
    return np.asarray(np.fmax(inputs.first_sessions, own))


def fits(inputs: RuleInput, windows: Windows) -> Array:
    """One session fits into the time that the client's and the clinician's windows share."""
    return np.asarray(_fits(inputs, windows, (None,))[0])


def fits_in_ways(inputs: RuleInput, ways: Sequence[str]) -> Array:
    """One session fits into hours that both share in each of some ways of meeting, (ways, n)."""
    return _fits(inputs, client_windows(inputs), ways)


def _fits(inputs: RuleInput, windows: Windows, ways: Sequence[str | None]) -> Array:
    """Whether one session fits in each of some ways of meeting, None for any, (ways, n)."""
    openings = openings_of_rule(inputs)
    if isnan(inputs.session):
        return np.full((len(ways), len(openings.known)), np.nan)
    fitting = fitting_windows(inputs, windows)
    met = np.array([_in_any(inputs, fitting, usable_windows(inputs, openings, w)) for w in ways])
    return np.where(openings.known, met, np.nan)


def fits_in_rooms(inputs: RuleInput, way: str) -> Array:
    """One session fits into hours that both share in a way of meeting in each room, (rooms, n).

    Rooms out of the client's reach count as well.
    """
    openings = openings_of_rule(inputs)
    assert openings.terms is not None
    name = inputs.clinician_fields[0].name
    numbers = np.arange(1, inputs.roster[str(inputs.clinician_fields[0].rooms)].shape[1] + 1)
    room = openings.terms.room
    in_rooms = inputs.roster.view(
        ("windows in rooms", name), lambda: (room == 0) | (room == numbers[:, None, None])
    )
    usable = windows_for_way(inputs.clinician_fields[0], openings.terms, way)
    there = in_rooms if usable is None else in_rooms & usable
    fitting = fitting_windows(inputs, client_windows(inputs))
    unknown = ~openings.known | np.isnan(inputs.session)
    return np.where(unknown, np.nan, _in_any(inputs, fitting, there))


def fits_on_day(inputs: RuleInput) -> Flags:
    """Whether one session fits on a day of the week, were the client free all of it, (7, n)."""
    days = _fitting(inputs, ALL_DAYS)
    ways = {way: each for way, each in inputs.context.ways.items() if way in inputs.about}
    ways = ways or dict(inputs.context.ways)
    openings = openings_of_rule(inputs)
    if openings.terms is None or not ways:
        return _in_any(inputs, days, None)
    # Ways with the same hours are judged once.
    shared: dict[Hashable, tuple[str, Flags]] = {}
    for way, each in ways.items():
        key = hours_key(inputs.clinician_fields[0], openings, inputs.context, way)
        first, others = shared.get(key, (way, np.zeros_like(each.shared)))
        shared[key] = first, others | each.shared
    fitting = np.zeros((DAYS, inputs.roster.size), dtype=np.bool_)
    for way, people in shared.values():
        usable = usable_windows(inputs, openings, way)
        fitting |= _in_any(inputs, days, usable) & people
    alone = ~np.logical_or.reduce([people for _, people in shared.values()])
    return fitting | (_in_any(inputs, days, None) & alone) if alone.any() else fitting


def hours_key(field: Field, openings: Openings, context: RequestContext, way: str) -> Hashable:
    """Equal for ways of meeting of one request in which the same windows count."""
    reach = context.ways[way].reach.get(str(field.rooms))
    by_way = openings.terms is not None and openings.terms.by_way
    return way if by_way else None, None if reach is None else id(reach)


def _in_any(inputs: RuleInput, fitting: Flags, usable: Flags | None) -> Flags:
    """Whether a session fits in any usable window, (..., n), of flags (..., windows, n).

    A session without length needs no window.
    """
    both = fitting if usable is None else fitting & usable
    somewhere = np.asarray(np.logical_or.reduce(both, axis=-2))
    # A session of unknown length is in no window, and needs one.
    return np.ones_like(somewhere) if inputs.session <= 0 else somewhere


def fitting_windows(inputs: RuleInput, windows: Windows) -> Flags:
    """Whether one session fits into what windows share with each clinician's, (windows, n)."""
    return np.asarray(_fitting(inputs, (windows,))[0])


def _fitting(inputs: RuleInput, several: tuple[Windows, ...]) -> Flags:
    """`fitting_windows` for several answers, (answers, windows, n).

    Few answers are in use at a time, and each is read by several rules, ways of meeting and rooms:
    those used last are stored with the roster.
    """
    roster, field = inputs.roster, inputs.clinician_fields[0]
    zones, other, first = zones_of(inputs), client_zone(inputs), inputs.context.first_session

    def by_answers() -> FittingWindows:
        openings, steady = openings_in(roster, field), _steady_fitting(roster, field)
        groups = _clocks_by_day(inputs)

        @lru_cache(_answers_stored(openings))
        def fitting(several: tuple[Windows, ...], session: float, earliest: float) -> Flags:
            found = groups(earliest)
            if len(found) == 1 and isinstance(found[0], SteadyClocks):
                return steady(several, session, found[0].ahead)
            return _long_enough(openings, found, several, session)

        return fitting

    key = "fitting windows", field.name, zones, other, first.clinician, first.absences
    return roster.view(key, by_answers)(several, inputs.session, inputs.earliest)


def clocks_of(inputs: RuleInput) -> tuple[ClockGroup, ...]:
    """The clinicians grouped by the clocks in force when their windows first open."""
    return _clocks_by_day(inputs)(inputs.earliest)


def _clocks_by_day(inputs: RuleInput) -> Callable[[float], tuple[ClockGroup, ...]]:
    """`clocks_of` by the client's earliest day; those of some days are stored with the roster."""
    roster, field = inputs.roster, inputs.clinician_fields[0]
    zones, other, first = zones_of(inputs), client_zone(inputs), inputs.context.first_session

    def by_day() -> Callable[[float], tuple[ClockGroup, ...]]:
        openings = openings_in(roster, field)

        @lru_cache(MAX_DAYS)
        def groups(earliest: float) -> tuple[ClockGroup, ...]:
            days = clock_days(first_sessions(first, roster, earliest))
            return clock_groups(openings, zones.codes_in(roster), zones.named, other, days + EPOCH)

        return groups

    return roster.view(
        ("clocks", field.name, zones, other, first.clinician, first.absences), by_day
    )


def _steady_fitting(roster: Columns, field: Field) -> FittingWindows:
    """`_fitting` by how far the other clock is ahead of everybody's, where none changes.

    Rules and zones for which that is the same have it in common.
    """

    def by_difference() -> FittingWindows:
        openings = openings_in(roster, field)

        @lru_cache(_answers_stored(openings))
        def fitting(several: tuple[Windows, ...], session: float, ahead: float) -> Flags:
            everyone = SteadyClocks(slice(None), openings, ahead)
            return _long_enough(openings, (everyone,), several, session)

        return fitting

    return roster.view(("steady fitting windows", field.name), by_difference)


def _answers_stored(openings: Openings) -> int:
    return max(MIN_ANSWERS, min(MAX_ANSWERS, MAX_FLAGS // max(openings.opens.size, 1)))


def _long_enough(
    openings: Openings,
    groups: Sequence[ClockGroup],
    several: tuple[Windows, ...],
    session: float,
) -> Flags:
    """Where the minutes in common suffice for one session, (answers, windows, n)."""
    enough = np.zeros((len(several), *openings.opens.shape), dtype=np.bool_)
    for windows, own in zip(several, enough, strict=True):
        for group in groups:
            own[:, group.rows] = group.minutes(windows) >= session
    enough.setflags(write=False)
    return enough


def openings_of_rule(inputs: RuleInput) -> Openings:
    """The open hours of the clinicians that a rule compares."""
    return openings_in(inputs.roster, inputs.clinician_fields[0])


def openings_in(columns: Columns, field: Field) -> Openings:
    """The open hours of a column, computed once for each set of columns."""

    def built() -> Openings:
        windows = columns[field.name]
        rooms = None
        if field.rooms is not None:
            rooms = rooms_of(windows, columns[field.rooms], field)
        return openings_of(windows, rooms)

    return columns.view(("openings", field.name), built)


def usable_windows(inputs: RuleInput, openings: Openings, way: str | None) -> Flags | None:
    """The windows that count for a way of meeting, (windows, n); None for all."""
    if openings.terms is None or way is None:
        return None
    field = inputs.clinician_fields[0]
    usable = windows_for_way(field, openings.terms, way)
    reach = inputs.context.ways[way].reach.get(str(field.rooms))
    if reach is None:
        return usable
    in_reach = windows_in_reach(inputs.roster, field, openings.terms, reach)
    return in_reach if usable is None else usable & in_reach


def windows_in_reach(roster: Columns, field: Field, terms: WindowTerms, reach: Flags) -> Flags:
    """The windows in rooms that are within reach, (..., windows, n).

    `reach` (..., n, rooms + 2) is that of `MeetingWay`, of one client or of several.
    """
    # The last column is of rooms that are not the clinician's, whose number is -1.
    n, width = reach.shape[-2:]
    places = roster.view(
        ("places of rooms", field.name, width),
        lambda: terms.room % width + width * np.arange(n),
    )
    return np.asarray(reach.reshape(*reach.shape[:-2], n * width).take(places, axis=-1))


def windows_for_way(field: Field, terms: WindowTerms, way: str) -> Flags | None:
    """The windows that are for a way of meeting, wherever it is, (windows, n); None for all."""
    if not terms.by_way or way not in field.levels:
        return None
    return np.asarray((terms.ways == 0) | (terms.ways >> field.levels.index(way) & 1 == 1))


def clock_days(days: Array) -> NDArray[np.intp]:
    """Days from 1970-01-01 as whole days whose clocks are known, (n,)."""
    return np.clip(days, FIRST_DAY, LAST_DAY).astype(np.intp)


def zones_of(inputs: RuleInput) -> Zones:
    """The zones in which the clinicians' hours are."""
    zone, context = inputs.settings.get("clinician_zone"), inputs.context
    levels = () if zone is None else context.clinician[zone].levels
    return Zones(zone, levels, context.timezone)


def client_windows(inputs: RuleInput) -> Windows:
    """The client's windows of a rule on hours: the hours they named, or those after hours."""
    field = inputs.client_fields[0]
    if field.kind == "flag":
        return late_windows(inputs.settings)
    return windows_in(inputs.intake, field.name)


def windows_in(client: Columns, name: str) -> Windows:
    """The weekly windows of one client's field."""
    return client.view(("windows", name), lambda: windows_of(client[name]))


def client_zone(inputs: RuleInput) -> str | None:
    """The client's own zone, the practice's where they gave none; None to meet at the clinic."""
    answer = inputs.of_client("client_zone")
    if answer is None:
        return None
    if np.isnan(answer[0]):
        return inputs.context.timezone
    return inputs.context.client[inputs.settings["client_zone"]].levels[int(answer[0])]
