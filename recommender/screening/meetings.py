"""Constraints about some ways of meeting, for many clients at once.

As `screening.screen` judges them for one client after another. What is rare is left to that: where
clocks change, where an answer is missing that is not simply no wish, and where an alternative is
accepted.
"""

from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.rules.clock_changes import may_move
from recommender.practice.rules.constraint import (
    Constraint,
    client_fields,
    is_left_to_rule,
    is_settled,
    rule_input_of,
)
from recommender.practice.rules.many_hours import windows_that_fit
from recommender.practice.rules.rule_input import (
    Array,
    Flags,
    RequestContext,
    RuleInput,
    no_more_than,
    room_km_of_many,
)
from recommender.practice.rules.time_rules import (
    clocks_of,
    late_windows,
    openings_in,
    windows_for_way,
    windows_in_reach,
    windows_of,
)
from recommender.practice.week_calendar import ClockGroup, Openings, SteadyClocks, Windows
from recommender.screening.codes import Codes, VerdictCodes, codes_of
from recommender.screening.equal_answers import rows_by_answers
from recommender.screening.layout import Layout, way_bits
from recommender.screening.meeting_ways import shared_ways
from recommender.screening.way_codes import WayCodes, lift_about_ways

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

    def codes(self, direct: Codes) -> Codes:
        """The codes of the constraints about some ways of meeting, (2, a, C, n).

        `direct` are those of the ones that do not depend on where and when the two meet.
        """
        layout, about = self.layout, self.layout.about_ways
        own = direct.reshape(*direct.shape[:2], self.clients.size * self.roster.size)
        reach = None
        for rule in layout.distances:
            codes, reach = self._distance(rule)
            place = layout.places[rule.name]
            own[:, about.places == place] = 0 if codes is None else codes.both[:, None]
        by_ways = {}
        for rule in layout.by_way:
            found = self._hours(rule, reach)
            if any(each.codes is not None for each in found):
                by_ways[layout.places[rule.name]] = found
        lift_about_ways(about, self._shared(), by_ways, own)
        return own.reshape(direct.shape)

    def _shared(self) -> NDArray[Any]:
        """The ways of meeting that each client shares with each clinician, (C * n,)."""
        practice = self.layout.practice
        assert practice.ways is not None
        name = practice.ways.client
        bits = np.empty((self.clients.size, self.roster.size), dtype=_bits_of(self.layout))
        for rows in rows_by_answers([self.clients[name]]).values():
            bits[rows] = shared_ways(practice, self._one(rows, {name}), self.roster).bits
        return bits.ravel()

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

    def _distance(self, rule: Constraint) -> tuple[VerdictCodes | None, Flags | None]:
        """The codes of a constraint on distance, and the rooms in reach, as `MeetingWay.reach`.

        (C, n, rooms + 2). None where no client has any wish about distance.
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
            return None, None
        km = room_km_of_many(self.roster, rule.clinician[0], self.clients[place][some])
        km *= float(rule.settings.get("detour", 1.0))
        most = self.clients[limit][some, None]
        own = np.zeros((len(some), self.roster.size, km.shape[1] + 2), dtype=np.bool_)
        np.less_equal(km.transpose(0, 2, 1), most[:, None], out=own[:, :, 1:-1])
        np.logical_or.reduce(own, axis=2, out=own[:, :, 0])
        own[~own[:, :, 0]] = True
        reach = np.ones((self.clients.size, *own.shape[1:]), dtype=np.bool_)
        reach[some] = own
        nearest = np.fmin.reduce(km, axis=1)
        return self._codes(rule, some, no_more_than(nearest, most)), reach

    def _codes(self, rule: Constraint, some: Places, verdicts: Array) -> VerdictCodes | None:
        """The codes of a constraint from its verdicts for some clients; the others have no wish."""
        codes = codes_of(rule, self.layout.modes[rule.name], verdicts.ravel())
        if codes is None:
            return None
        both = np.zeros((2, self.clients.size, self.roster.size), dtype=np.int8)
        both[:, some] = codes.both.reshape(2, *verdicts.shape)
        return VerdictCodes(both.reshape(2, -1))

    def _hours(self, rule: Constraint, reach: Flags | None) -> tuple[WayCodes, ...]:
        """The codes of a constraint on hours by way of meeting, where some rooms are in reach."""
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
                here = here & usable
            if reach is not None and ways[0] in in_rooms:
                here = here & windows_in_reach(self.roster, field, openings.terms, reach[some])
            met = np.logical_or.reduce(here, axis=1)
            codes = self._codes(rule, some, np.where(openings.known, met, np.nan))
            found.append(WayCodes(way_bits(self.layout.ways, ways), codes))
        return tuple(found)

    def _fitting(self, rule: Constraint, openings: Openings) -> tuple[Places, Flags]:
        """The clients who ask for a session at times, and the windows that it fits into.

        (clients,) and (clients, windows, n).
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
        fitting = np.zeros((len(some), *openings.opens.shape), dtype=np.bool_)
        wished = self._windows(rule)
        for clocks, rows, minutes in by_clocks.values():
            own = windows_that_fit(clocks, [wished[row] for row in rows], minutes)
            at = np.searchsorted(some, rows)
            if isinstance(clocks.rows, slice):
                fitting[at] = own
            else:
                fitting[at[:, None], :, clocks.rows] = own.transpose(0, 2, 1)
        return some, fitting

    def _windows(self, rule: Constraint) -> Sequence[Windows]:
        """The windows in which each client may be asked for a session by a constraint."""
        name = rule.client[0]
        if self.context.client[name].kind == "flag":
            return [late_windows(rule.settings)] * self.clients.size
        rows = range(self.clients.size)
        answers = self.clients[name]
        return self.clients.view(
            ("windows by client", name),
            lambda: [windows_of(answers[row : row + 1]) for row in rows],
        )


_NOBODY = np.empty(0, dtype=np.intp)


def _bits_of(layout: Layout) -> np.dtype[Any]:
    return np.min_scalar_type(way_bits(layout.ways, layout.ways))
