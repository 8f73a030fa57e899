"""The verdicts of constraints on a roster for one client, and the reasons in words."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.codes import FAILED, MET, MOVES, UNKNOWN, Codes
from recommender.screening.known_verdicts import JudgedConstraint, KnownVerdicts
from recommender.screening.layout import Layout, Modes
from recommender.screening.meeting_ways import Array, Flags, HoursVerdict
from recommender.screening.reasons import (
    Caution,
    ConstraintCount,
    Exclusion,
    NumberedReasons,
    Reason,
)
from recommender.screening.room_times import RoomsWithTimes
from recommender.values.kinds import EPOCH

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Screening:
    """The verdicts of k constraints on n clinicians for one client.

    Attributes
    ----------
    ids
        The clinicians, in the order of the roster.
    layout
        The k constraints.
    excluding, cautioning : (k, n) int
        Where a constraint excludes, and where it is a reservation: 1 failed, 2 unknown, 3 met
        until a change of clocks.
    eligible : (n,)
        Whether no constraint excludes each clinician.
    context
        The request, with the ways of meeting where open hours depend on them.
    first_sessions
        The first possible session with each clinician, (n,), in days from 1970-01-01.
    known, judged_now
        The constraints that do not depend on the way of meeting, before far rooms count: those
        known before, and by name the others.
    far_verdicts
        The verdicts of soft distances, by constraint, where far rooms count.
    hours
        The verdicts on open hours by way of meeting, by constraint, where the way matters.
    moved
        By constraint, the times in common that a change of clocks ends or moves, by row.
    rooms_with_times
        Where there are times in common, however far that is.
    """

    ids: tuple[str, ...]
    layout: Layout
    excluding: Codes
    cautioning: Codes
    eligible: Flags
    context: RequestContext
    first_sessions: Array
    known: KnownVerdicts
    judged_now: Mapping[str, JudgedConstraint]
    far_verdicts: Mapping[str, Array]
    hours: Mapping[str, HoursVerdict]
    moved: Mapping[str, Mapping[int, MovedTime]]
    rooms_with_times: RoomsWithTimes

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints judged, in the order of the definition."""
        return self.layout.constraints

    @property
    def modes(self) -> Modes:
        """The mode of each constraint."""
        return self.layout.modes

    @cached_property
    def judged(self) -> Mapping[str, JudgedConstraint]:
        """The constraints that do not depend on the way of meeting, before far rooms count."""
        return {**self.known.judged(), **self.judged_now}

    def verdict_of(self, name: str) -> Array:
        """The verdict of one constraint that is judged, (n,): 1 pass, 0 fail, NaN unknown."""
        if name in self.far_verdicts:
            return self.far_verdicts[name]
        if name in self.hours:
            return self.hours[name].together
        own = self.judged_now.get(name)
        return (self.known.judged_as(name) if own is None else own).verdict

    @property
    def far(self) -> Mapping[str, Array]:
        """`RoomsWithTimes.far`."""
        return self.rooms_with_times.far

    @property
    def rooms(self) -> Mapping[str, Flags]:
        """`RoomsWithTimes.rooms`."""
        return self.rooms_with_times.rooms

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every excluded clinician, in the order of the roster."""
        return tuple(Exclusion(self.ids[row], why) for row, why in self.exclusion_reasons.by_row())

    @property
    def exclusion_reasons(self) -> NumberedReasons:
        """Why each excluded clinician is excluded."""
        return self._numbered(self.excluding)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Every clinician with reservations, eligible or not, in the order of the roster."""
        return tuple(
            Caution(self.ids[row], why) for row, why in self._numbered(self.cautioning).by_row()
        )

    @property
    def constraint_counts(self) -> tuple[ConstraintCount, ...]:
        """Counts of each constraint that excludes somebody, in the order of the definition."""
        packed = np.packbits(self.excluding, axis=1)
        places = np.bitwise_or.reduce(packed, axis=1).nonzero()[0].tolist()
        # The clinicians whom each constraint excludes, as bits of one number.
        excluded = [int.from_bytes(packed[place].tobytes()) for place in places]
        once = several = 0
        for own in excluded:
            several |= once & own
            once |= own
        alone, constraints = once & ~several, self.constraints
        return tuple(
            [
                ConstraintCount(constraints[place].name, own.bit_count(), (own & alone).bit_count())
                for place, own in zip(places, excluded, strict=True)
            ]
        )

    def cautions_of(self, places: Sequence[int]) -> tuple[tuple[Reason, ...], ...]:
        """The reservations about the clinician at each of some places of the roster."""
        codes = self.cautioning.take(places, axis=1).T
        people, constraints = codes.nonzero()
        kinds = codes[people, constraints].tolist()
        found: list[list[Reason]] = [[] for _ in places]
        for person, place, kind in zip(people.tolist(), constraints.tolist(), kinds, strict=True):
            found[person].append(self._reason(place, kind, places[person]))
        return tuple(map(tuple, found))

    def failed_for(self, names: Collection[str]) -> Flags:
        """Whether a clinician is excluded as known not to meet one of some constraints, (n,)."""
        places = [place for place, each in enumerate(self.constraints) if each.name in names]
        return np.asarray((self.excluding[places] == FAILED).any(axis=0))

    def _numbered(self, codes: Codes) -> NumberedReasons:
        """The reasons of everybody who has any, by the codes of the constraints, (k, n)."""
        rows = np.bitwise_or.reduce(codes, axis=0).nonzero()[0]
        by_person = codes.T.take(rows, axis=0).reshape(-1)
        found = (by_person != MET).nonzero()[0]
        people, places = np.divmod(found, len(codes))
        kinds, own = by_person[found], rows[people]
        waits = self.first_sessions - (self.context.day.toordinal() - EPOCH)
        days = np.where(self.layout.dated[places], np.maximum(waits[own], 0.0), 0.0)
        details = self._details(places, kinds, own)
        # What decides the words of a reason, as one whole number.
        keys = np.ravel_multi_index(
            (days.astype(np.int64), details, kinds, places),
            (
                int(days.max(initial=0.0)) + 1,
                int(details.max(initial=0)) + 1,
                MOVES + 1,
                len(codes),
            ),
        )
        _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
        different = [part[firsts].tolist() for part in (places, kinds, own)]
        reasons = tuple([self._reason(*each) for each in zip(*different, strict=True)])
        ends = np.cumsum(np.bincount(people, minlength=len(rows)))
        return NumberedReasons(rows, ends, which, reasons)

    def _details(self, places: Places, kinds: Codes, rows: Places) -> Places:
        """What else decides the words of each reason; 0 for nothing.

        It is a distance, or a time that a change of clocks ends or moves.
        """
        details = np.zeros(len(places), dtype=np.intp)
        may_be_far = self.layout.may_be_far[places] & (kinds == FAILED)
        far = self.far if may_be_far.any() else {}
        for name, km in far.items():
            own = (may_be_far & (places == self.layout.places[name])).nonzero()[0]
            apart = np.ceil(km[rows[own]])
            known = ~np.isnan(apart)
            details[own[known]] = apart[known] + 1
        for name, by_row in self.moved.items():
            numbers = {time: number for number, time in enumerate(set(by_row.values()), 1)}
            own = ((kinds == MOVES) & (places == self.layout.places[name])).nonzero()[0]
            details[own] = [numbers[by_row[row]] for row in rows[own].tolist()]
        return details

    def _reason(self, place: int, code: int, row: int) -> Reason:
        constraint, text = self.constraints[place], self._text(place, code, row)
        judged_on = self._later_day(row) if self.layout.dated[place] else None
        return Reason(constraint.name, constraint.family, text, code == UNKNOWN, judged_on)

    def _later_day(self, row: int) -> date | None:
        """The day of the first possible session, where it is not the day asked."""
        day = min(int(self.first_sessions[row]) + EPOCH, date.max.toordinal())
        return date.fromordinal(day) if day > self.context.day.toordinal() else None

    def _text(self, place: int, code: int, row: int) -> str:
        constraint = self.constraints[place]
        if code == MOVES:
            return self.moved[constraint.name][row].text
        far = self.far if code == FAILED and self.layout.may_be_far[place] else {}
        km = far[constraint.name][row] if constraint.name in far else math.nan
        if math.isnan(km):
            return constraint.say
        if constraint.rule == "within_km":
            return f"has times in common only in rooms about {math.ceil(km)} km away"
        return f"{constraint.say} within reach: rooms with a time are about {math.ceil(km)} km away"
