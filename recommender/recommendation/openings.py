"""When clinicians are free for one client: open hours from the first possible session on.

The roster has a first free day, open hours and absences, and no calendar: times are open hours from
that day on, in rooms within the client's reach.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from math import isnan
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.constraint import Constraint, session_minutes
from recommender.practice.rules.first_session import first_sessions
from recommender.practice.rules.time_rules import late_windows, windows_in
from recommender.recommendation.clinician_hours import (
    ClinicianHours,
    Reach,
    absences_of,
    hours_in,
)
from recommender.recommendation.open_intervals import (
    MAX_DAYS_AHEAD,
    MAX_TIMES,
    LookAhead,
    Opening,
    OpenInterval,
    SharedHours,
    WeeklyHours,
    every_week,
    midnight,
    next_openings,
)
from recommender.screening.layout import way_bits
from recommender.screening.meeting_ways import SharedWays, is_one_barred, shared_ways
from recommender.screening.screening import Screening
from recommender.values.kinds import EPOCH

HOURS, LATE = "shares_hours", "after_hours"
QUARTER = timedelta(minutes=15)
"""Times start on a quarter of an hour."""


class OpenTime(NamedTuple):
    """A time at which a session could begin.

    Attributes
    ----------
    begin, end
        In minutes from a midnight UTC, until the hours that are open end.
    room
        The number of the room, as in `WeeklyHours`.
    zone
        The zone it is shown in.
    way
        The way of meeting; None where the practice has none.
    """

    begin: float
    end: float
    room: int
    zone: str
    way: str | None


class MeetingOption(NamedTuple):
    """Ways of meeting on the same clocks, and the session's length in minutes.

    `ways` are in the order of the client's field, none in a practice without; `client_zone` is None
    in the rooms; `hours` are the clinician's, by room and weeks, and `rooms` the field that lists
    these rooms; `wishes` are what the client's hours, and those after hours where they need them,
    share.
    """

    ways: tuple[str, ...]
    client_zone: str | None
    hours: tuple[WeeklyHours, ...]
    wishes: SharedHours
    minutes: float
    rooms: str | None = None


class _HoursRule(NamedTuple):
    """A rule on hours for one client.

    `minutes` are those of a session, `zones` those of the clinicians' hours; `reach` has the rooms
    that count by the ways of meeting that it is about and the client accepts, and for meeting as
    such by None.
    """

    constraint: Constraint
    minutes: float
    client_zone: str | None
    zones: Sequence[str]
    hours: ClinicianHours
    reach: Mapping[str | None, Reach]


_Option = tuple[_HoursRule, tuple[str, ...], Sequence[Reach]]
"""A rule on hours, ways of meeting that it is about, and the rooms that count in each of them."""


class OpeningTimes:
    """One client beside clinicians, a row each; a row is a place in the columns.

    Parameters
    ----------
    screening
        The screening of this client and these clinicians, whose modes count.
    now
        The moment from which on times are looked for.

    Attributes
    ----------
    origin
        The midnight UTC before that moment.
    levels
        The ways of meeting, as levels of the client's field; none in a practice without.
    """

    def __init__(
        self,
        practice: Practice,
        client: Columns,
        columns: Columns,
        screening: Screening,
        now: datetime,
    ) -> None:
        self.practice, self.client, self.columns = practice, client, columns
        self.screening, self.now = screening, now
        self.origin = midnight(now)
        over = (now - datetime.min.replace(tzinfo=UTC)) % QUARTER
        self._quarter = now.astimezone(UTC) + (QUARTER - over if over else timedelta())
        self._last_day = now.date().toordinal() + MAX_DAYS_AHEAD
        self._wished: dict[tuple[str, str], SharedHours] = {}
        self._shared_hours: dict[tuple[WeeklyHours, ...], SharedHours] = {}
        self._options: dict[int, Sequence[_Option]] = {}
        self.levels: tuple[str, ...] = ()
        # The ways of meeting that the client accepts and each clinician may offer.
        self._shared: SharedWays | None = None
        self._accepted = 0
        if practice.ways is not None:
            self.levels = practice.client[practice.ways.client].levels
            self._shared = shared_ways(practice, client, columns)
            self._accepted = bits_of(self.levels, tuple(self._shared.by_way))

    def rules(self, name: str) -> Sequence[Constraint]:
        """The constraints of a rule, in the order of the definition."""
        return self.practice.by_rule.get(name, ())

    def next_intervals(
        self, row: int, option: MeetingOption, wishes: SharedHours
    ) -> tuple[OpenInterval, ...]:
        """The first intervals of one clinician and option, at most three, in order."""
        found = self.next_openings(row, option, wishes)
        return tuple([OpenInterval.between(self.origin, *each) for each in found])

    def next_openings(self, row: int, option: MeetingOption, wishes: SharedHours) -> list[Opening]:
        """The same as begin and end in minutes from `origin`, and the number of the room."""
        ordinal = int(self.screening.first_sessions.item(row)) + EPOCH
        if ordinal > self._last_day:
            return []
        ahead = look_ahead(ordinal, option.hours[0].zone, self._quarter, self.origin)
        return next_openings(option.hours, wishes, ahead, option.minutes)

    def first_day(self, row: int) -> int | None:
        """The first free day on which the clinician is not away, as an ordinal, if recorded."""
        day = first_sessions(self.practice.first_session, self.columns, -np.inf)[row]
        return None if np.isinf(day) else min(int(day) + EPOCH, date.max.toordinal())

    def hours_in_any_way(self, row: int) -> tuple[WeeklyHours, ...]:
        """One clinician's open hours, however and wherever they meet; none if not recorded."""
        found: list[WeeklyHours] = []
        for rule in self._on_hours:
            if rule.hours.recorded[row]:
                found += rule.hours.of(row, rule.zones[row], None, rule.reach[None])
        return tuple(found)

    def wished_hours(self) -> tuple[tuple[WeeklyHours, ...], ...]:
        """By rule on hours, those the client named, and those after hours where they need them.

        One rule is for each way of meeting, with clocks of its own.
        """
        there = self.practice.timezone
        return tuple(self._wishes(rule, there).weeks for rule in self.rules(HOURS))

    def shortest_session(self) -> float:
        """Minutes of a session by the rules on hours; 0 where no rule says it."""
        minutes = [session_minutes(each.settings, self.client) for each in self.rules(HOURS)]
        return min((each for each in minutes if not np.isnan(each)), default=0.0)

    def is_away(self, row: int, day: date) -> bool:
        """Whether a day is within a recorded absence of one clinician."""
        absences = absences_of(self.columns, self.practice.first_session.absences, row)
        return any(first <= day.toordinal() < after for first, after in absences)

    def next_times(self, row: int, ways: int) -> tuple[OpenTime, ...]:
        """At most three times at which a session could begin, in hours that suit the client.

        `ways` are those of meeting that can be used with the clinician of a row, as bits. Of
        several at one time, the one the practice names first is shown.
        """
        found: dict[float, tuple[float, int, str, str | None]] = {}
        looked_at: set[tuple[object, ...]] = set()
        for option in sorted(self._options_in(row, ways), key=self._place):
            # The times of equal hours and wishes are equal, by whatever way and in whatever room.
            terms = option.wishes, option.minutes, *[each.laid_out for each in option.hours]
            if terms in looked_at:
                continue
            looked_at.add(terms)
            way = option.ways[0] if option.ways else None
            zone = option.client_zone or option.hours[0].zone
            for begin, end, room in self.next_openings(row, option, option.wishes):
                found.setdefault(begin, (end, room, zone, way))
        return tuple([OpenTime(begin, *found[begin]) for begin in sorted(found)[:MAX_TIMES]])

    def _place(self, option: MeetingOption) -> int:
        """The place of an option's first way of meeting among those of the practice."""
        return self.levels.index(option.ways[0]) if option.ways else -1

    def meeting_options(self, row: int) -> Iterator[MeetingOption]:
        """Ways in which the client and one clinician can meet; none where no hours are recorded."""
        (ways,) = self.open_ways(np.array([row]))
        return self._options_in(row, ways)

    def _options_in(self, row: int, bits: int) -> Iterator[MeetingOption]:
        """The options of one clinician in some ways of meeting."""
        options = self._options.get(bits)
        if options is None:
            options = self._options[bits] = self._options_of(ways_of(self.levels, bits))
        for rule, ways, reach in options:
            zone = rule.zones[row]
            for those, open_hours in rule.hours.by_way(row, zone, ways, reach):
                yield MeetingOption(
                    those,
                    rule.client_zone,
                    open_hours,
                    self._wishes(rule.constraint, zone),
                    rule.minutes,
                    rule.hours.field.rooms,
                )

    def _options_of(self, open_ways: tuple[str, ...]) -> Sequence[_Option]:
        """The rules on hours for some open ways of meeting."""
        options: list[_Option] = []
        for rule in self._on_hours:
            ways = tuple([way for way in rule.reach if way in open_ways])
            if ways or not rule.constraint.ways or not self._accepted:
                options.append((rule, ways, [rule.reach[way] for way in ways or (None,)]))
        return options

    @cached_property
    def _on_hours(self) -> Sequence[_HoursRule]:
        """The rules on hours for this client."""
        found = []
        accepted = ways_of(self.levels, self._accepted)
        for rule in self.rules(HOURS):
            minutes = session_minutes(rule.settings, self.client)
            field = self.practice.clinician[rule.clinician[0]]
            ways = [way for way in accepted if way in rule.ways]
            found.append(
                _HoursRule(
                    rule,
                    0.0 if isnan(minutes) else minutes,
                    self._client_zone(rule),
                    _zones(self.practice, self.columns, rule),
                    hours_in(self.columns, field, self.practice.first_session.absences),
                    {way: self._in_reach(field, way) for way in (*ways, None)},
                )
            )
        return found

    def _in_reach(self, field: Field, way: str | None) -> Reach:
        """The rooms in which hours count for a way of meeting."""
        if field.kind != "availability" or field.rooms is None:
            return False
        ways, distances = self.screening.context.ways, self.rules("within_km")
        if not any(d.clinician == (field.rooms,) and way in (d.ways or (way,)) for d in distances):
            return False
        return ways[way or ""].reach.get(field.rooms, True) if (way or "") in ways else True

    def _wishes(self, rule: Constraint, there: str) -> SharedHours:
        """Hours the client named, in their zone or there."""
        key = rule.name, there
        wished = self._wished.get(key)
        if wished is None:
            weeks = tuple(self._hours_wished(rule, there))
            wished = self._shared_hours.setdefault(weeks, SharedHours(weeks))
            self._wished[key] = wished
        return wished

    def _hours_wished(self, rule: Constraint, there: str) -> Iterator[WeeklyHours]:
        if self._is_on(rule) and rule.client[0] in answered_in(self.client):
            windows = windows_in(self.client, rule.client[0])
            yield every_week(self._client_zone(rule) or there, windows)
        for late in self.rules(LATE):
            if late.ways == rule.ways and self._is_on(late) and self.client[late.client[0]][0] > 0:
                windows = late_windows(late.settings)
                yield every_week(self._client_zone(late) or there, windows)

    def _client_zone(self, rule: Constraint) -> str | None:
        name = rule.settings.get("client_zone")
        if name is None:
            return None
        level = self.client[name][0]
        is_unknown = level != level
        return (
            self.practice.timezone if is_unknown else self.practice.client[name].levels[int(level)]
        )

    def _is_on(self, rule: Constraint) -> bool:
        return self.screening.modes[rule.name] != "off"

    def open_ways(self, rows: NDArray[np.intp]) -> list[int]:
        """The ways of meeting in which clinicians can be met by every rule but those on hours.

        They are bits of the levels of the client's field; none in a practice without ways.
        """
        if self._shared is None:
            return [0] * len(rows)
        open_ways: list[int] = self._shared.bits.take(rows).tolist()
        screened, levels = self.screening, self.levels
        for rule in self.practice.about_ways:
            ways = bits_of(levels, rule.ways)
            if ways & self._accepted and screened.modes[rule.name] == "hard":
                without_barred(open_ways, rule, ways, screened.verdict_of(rule.name).take(rows))
        return open_ways


def without_barred(
    open_ways: list[int], rule: Constraint, ways: int, verdicts: NDArray[np.float64]
) -> None:
    """Removes some ways of meeting where a hard rule excludes by its verdict on a clinician.

    `open_ways` are those of some clinicians, as bits, and `verdicts` those on them.
    """
    for place, verdict in enumerate(verdicts.tolist()):
        if verdict != 1 and is_one_barred(rule, verdict):
            open_ways[place] &= ~ways


@lru_cache(maxsize=1024)
def bits_of(levels: tuple[str, ...], ways: tuple[str, ...]) -> int:
    """Some levels as a number with one bit a level."""
    return int(way_bits(levels, ways))


@lru_cache(maxsize=1024)
def ways_of(levels: tuple[str, ...], bits: int) -> tuple[str, ...]:
    """The levels that a number has a bit of, in their order."""
    return tuple(level for place, level in enumerate(levels) if bits >> place & 1)


def prepare_hours(practice: Practice, columns: Columns, now: datetime) -> None:
    """Computes what no client changes of the open hours of a roster's clinicians, from a day on."""
    for rule in practice.by_rule.get(HOURS, ()):
        field = practice.clinician[rule.clinician[0]]
        hours = hours_in(columns, field, practice.first_session.absences)
        hours.prepare(_zones(practice, columns, rule), midnight(now))


def _zones(practice: Practice, columns: Columns, rule: Constraint) -> Sequence[str]:
    """The zone of each clinician's hours."""
    name, there = rule.settings.get("clinician_zone"), practice.timezone
    if name is None:
        return columns.view(("no zones", there), lambda: [there] * columns.size)
    levels = practice.clinician[name].levels
    return columns.view(
        ("zones", name, levels, there),
        lambda: [there if n != n else levels[int(n)] for n in columns[name].tolist()],
    )


@lru_cache(maxsize=4096)
def look_ahead(ordinal: int, zone: str, quarter: datetime, origin: datetime) -> LookAhead:
    """From a quarter of an hour on, but not before a day of a zone; laid out from a midnight."""
    day = date.fromordinal(ordinal)
    there = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return LookAhead.of(max(quarter, there.astimezone(UTC)), origin)
