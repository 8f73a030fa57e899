"""Constraints about some ways of meeting, for many clients at once.

As `screening.screen` judges them for one client after another. What is rare is left to that: where
clocks change, where an answer is missing that is not simply no wish, and where an alternative is
accepted.
"""

from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.rules.clock_changes import may_move
from recommender.practice.rules.constraint import (
    Constraint,
    client_fields,
    is_left_to_rule,
    is_settled,
    rule_input_of,
)
from recommender.practice.rules.many_hours import windows_that_fit
from recommender.practice.rules.packed_flags import Bits, Flags, packed
from recommender.practice.rules.rule_input import RequestContext, RuleInput, places_within
from recommender.practice.rules.time_rules import (
    clocks_of,
    late_windows,
    openings_in,
    windows_for_way,
    windows_of_many,
)
from recommender.practice.week_calendar import (
    ClockGroup,
    Openings,
    SteadyClocks,
    Windows,
    WindowTerms,
)
from recommender.screening.codes import parts_of
from recommender.screening.equal_answers import rows_by_answers
from recommender.screening.layout import Layout
from recommender.screening.many_ways import WayFlags, lift_about_ways
from recommender.screening.meeting_ways import shared_ways

Places = NDArray[np.intp]


def is_common(layout: Layout) -> bool:
    """Whether the constraints of a layout can be judged here.

    All that depend on where and when the two meet are about some ways of meeting, and at most one
    is on distance, which is hard.
    """
    are_about_ways = all(each.ways for each in (*layout.by_way, *layout.distances))
    is_simple = not (layout.moving or layout.soft_distances) and len(layout.distances) <= 1
    return bool(layout.ways) and are_about_ways and is_simple


@dataclass(frozen=True, slots=True, eq=False)
class Meetings:
    """C clients and the n clinicians of a roster whom they may meet.

    Attributes
    ----------
    layout
        The constraints, of which a are about some ways of meeting.
    clients, roster
        Their columns.
    context
        What is equal for all clients.
    alone : (C,)
        The clients who are to be screened alone: what was computed for them does not count.
    """

    layout: Layout
    clients: Columns
    roster: Columns
    context: RequestContext
    alone: Flags

    def flags(self, direct: Bits) -> Bits:
        """Whom the constraints about some ways of meeting exclude, and where they are reservations.

        (2, a, C, n / 8). `direct` is what the ones do that do not depend on where and when the two
        meet.
        """
        layout, about, own = self.layout, self.layout.about_ways, direct
        reach = None
        for rule in layout.distances:
            own[:, about.places == layout.places[rule.name]], reach = self._distance(rule)
        by_ways = {layout.places[rule.name]: self._hours(rule, reach) for rule in layout.by_way}
        lift_about_ways(about, self._shared(), by_ways, own)
        return own

    def _shared(self) -> Bits:
        """With whom each client shares each way of meeting, (ways, C, n / 8)."""
        practice, ways = self.layout.practice, self.layout.ways
        assert practice.ways is not None
        name = practice.ways.client
        shared = self._nobody(len(ways))
        for rows in rows_by_answers([self.clients[name]]).values():
            by_way = shared_ways(practice, self._one(rows, {name}), self.roster).by_way
            for way, each in by_way.items():
                shared[ways.index(way), rows] = packed(each.shared)
        return shared

    def _nobody(self, several: int) -> Bits:
        """No flags of any clinician, (several, C, n / 8)."""
        return np.zeros((several, self.clients.size, -(-self.roster.size // 8)), dtype=np.uint8)

    def _one(self, rows: Places, fields: Set[str]) -> Columns:
        """Some answers of the first of some clients."""
        first = int(rows[0])
        return self.clients.only(fields).row(first)

    def _asked(self, rule: Constraint) -> Iterator[tuple[Places, RuleInput]]:
        """Clients for whom the rule decides the verdict, by answers to all but hours and homes.

        The answers of the first of them are those that the rule reads.
        """
        settings = self.context.first_session
        fields = {*client_fields(rule, settings)}
        fields |= {settings.client} if settings.client is not None else set()
        answers = [self.clients[name] for name in sorted(fields)]
        answers = [each if each.ndim < 3 else np.isnan(each[:, 0, 0]) for each in answers]
        for rows in rows_by_answers(answers).values():
            client = self._one(rows, fields)
            if is_settled(rule, client, self.roster, self.context):
                continue
            if is_left_to_rule(rule, client, self.context):
                yield rows, rule_input_of(rule, client, self.roster, self.context)
            else:
                self.alone[rows] = True

    def _distance(self, rule: Constraint) -> tuple[Bits, Bits | None]:
        """What a constraint on distance does, (2, 1, C, n / 8), and the rooms in reach.

        As `MeetingWay.reach`, (rooms + 2, C, n / 8). None where no client has any wish about
        distance.
        """
        place, limit = rule.client
        asked = [_NOBODY]
        for rows, inputs in self._asked(rule):
            if any(np.isnan(each.ravel()[0]) for each in inputs.client):
                self.alone[rows] = True
            else:
                asked.append(rows)
        some = np.concatenate(asked)
        if not len(some):
            return self._nobody(2)[:, None], None
        homes, most = self.clients[place][some], self.clients[limit][some]
        detour = float(rule.settings.get("detour", 1.0))
        own = packed(places_within(self.roster, rule.clinician[0], homes, most, detour))
        somewhere = np.bitwise_or.reduce(own, axis=0)
        reach = ~self._nobody(len(own) + 2)
        reach[1:-1, some], reach[-1, some] = own | ~somewhere, ~somewhere
        places = self.roster[rule.clinician[0]]
        known = ~np.isnan(places).any(axis=2).all(axis=1)
        return self._flags(rule, some, somewhere, known)[:, None], reach

    def _flags(self, rule: Constraint, some: Places, met: Bits, known: Flags) -> Bits:
        """What a constraint does, (2, C, n / 8), that some clients have a wish about.

        `met` (some, n / 8) is where it is met of the clinicians of whom that is known, (n,).
        """
        both = self._nobody(2)
        failed, unknown = parts_of(rule, self.layout.modes[rule.name])
        both[failed, some] = packed(known) & ~met
        if unknown is not None:
            both[unknown, some] |= packed(~known)
        return both

    def _hours(self, rule: Constraint, reach: Bits | None) -> tuple[WayFlags, ...]:
        """What a constraint on hours does by way of meeting, where some rooms are in reach."""
        field = self.context.clinician[rule.clinician[0]]
        openings = openings_in(self.roster, field)
        assert openings.terms is not None
        some, fitting = self._fitting(rule, openings)
        rooms = {each.clinician[0]: each.ways or self.layout.ways for each in self.layout.distances}
        in_rooms = rooms.get(str(field.rooms), ())
        alike: dict[Hashable, tuple[str, ...]] = {}
        for way in rule.ways:
            key = way if openings.terms.by_way else None, way in in_rooms
            alike[key] = (*alike.get(key, ()), way)
        found = []
        for ways in alike.values():
            here, usable = fitting, windows_for_way(field, openings.terms, ways[0])
            if usable is not None:
                here = here & packed(usable)
            if reach is not None and ways[0] in in_rooms:
                met = self._in_reach(here, reach[:, some], field, openings.terms)
            else:
                met = np.bitwise_or.reduce(here, axis=1)
            places = [self.layout.ways.index(way) for way in ways]
            found.append(WayFlags(places, self._flags(rule, some, met, openings.known)))
        return tuple(found)

    def _in_reach(self, fitting: Bits, reach: Bits, field: Field, terms: WindowTerms) -> Bits:
        """Whether a session fits into a window in a room within reach, (clients, n / 8).

        `fitting` (clients, windows, n / 8), `reach` (rooms + 2, clients, n / 8).
        """
        rooms = len(reach)
        # The last is of rooms that are not the clinician's, whose number is -1.
        in_rooms = self.roster.view(
            ("packed windows in rooms", field.name, rooms),
            lambda: packed(terms.room % rooms == np.arange(rooms)[:, None, None]),
        )
        met: Bits = np.zeros_like(reach[0])
        for there, is_near in zip(in_rooms, reach, strict=True):
            met |= np.bitwise_or.reduce(fitting & there, axis=1) & is_near
        return met

    def _fitting(self, rule: Constraint, openings: Openings) -> tuple[Places, Bits]:
        """The clients who ask for a session at times, and the windows that it fits into.

        (clients,) and (clients, windows, n / 8).
        """
        by_clocks: dict[Hashable, tuple[ClockGroup, list[int], list[float]]] = {}
        for asking, inputs in self._asked(rule):
            if not inputs.session > 0 or may_move(inputs):
                self.alone[asking] = True
                continue
            for each in clocks_of(inputs):
                whom = None if isinstance(each.rows, slice) else each.rows.tobytes()
                key = (each.ahead, whom) if isinstance(each, SteadyClocks) else each
                _, rows, minutes = by_clocks.setdefault(key, (each, [], []))
                rows += asking.tolist()
                minutes += [inputs.session] * len(asking)
        some = np.unique([row for _, rows, _ in by_clocks.values() for row in rows]).astype(np.intp)
        size, wished = self.roster.size, self._windows(rule)
        fitting = np.zeros((len(some), len(openings.opens), -(-size // 8)), dtype=np.uint8)
        for clocks, rows, minutes in by_clocks.values():
            own = windows_that_fit(clocks, [wished[row] for row in rows], minutes, size)
            fitting[np.searchsorted(some, rows)] |= own
        return some, fitting

    def _windows(self, rule: Constraint) -> Sequence[Windows]:
        """The windows in which each client may be asked for a session by a constraint."""
        name = rule.client[0]
        if self.context.client[name].kind == "flag":
            return [late_windows(rule.settings)] * self.clients.size
        answers = self.clients[name]
        return self.clients.view(("windows by client", name), lambda: windows_of_many(answers))


_NOBODY = np.empty(0, dtype=np.intp)
