"""The verdicts of constraints on a roster for one client, and the reasons in words."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

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
    GroupedReasons,
    Reason,
)
from recommender.screening.room_times import RoomsWithTimes
from recommender.values.kinds import EPOCH


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
    def exclusion_reasons(self) -> GroupedReasons:
        """Why each excluded clinician is excluded."""
        return self._grouped(self.excluding)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Every clinician with reservations, eligible or not, in the order of the roster."""
        return tuple(
            Caution(self.ids[row], why) for row, why in self._grouped(self.cautioning).by_row()
        )

    @property
    def constraint_counts(self) -> tuple[ConstraintCount, ...]:
        """Counts of each constraint that excludes somebody, in the order of the definition."""
        count, size = self.excluding.shape
        excludes = (self.excluding.ravel() != MET).nonzero()[0]
        place = excludes // max(size, 1)
        row = excludes - place * size
        alone = place[np.bincount(row, minlength=size)[row] == 1]
        removed = np.bincount(place, minlength=count).tolist()
        removed_only = np.bincount(alone, minlength=count).tolist()
        by_constraint = zip(self.constraints, removed, removed_only, strict=True)
        return tuple(
            [ConstraintCount(rule.name, *counts) for rule, *counts in by_constraint if counts[0]]
        )

    def cautions_of(self, places: Sequence[int]) -> tuple[tuple[Reason, ...], ...]:
        """The reservations about the clinician at each of some places of the roster."""
        return self._reasons(self.cautioning[:, places], places)

    def failed_for(self, names: Collection[str]) -> Flags:
        """Whether a clinician is excluded as known not to meet one of some constraints, (n,)."""
        places = [place for place, each in enumerate(self.constraints) if each.name in names]
        return np.asarray((self.excluding[places] == FAILED).any(axis=0))

    def _grouped(self, codes: Codes) -> GroupedReasons:
        """Each clinician with reasons, by what their reasons depend on."""
        rows = np.flatnonzero(codes.any(axis=0))
        is_later = self.first_sessions > self.context.day.toordinal() - EPOCH
        depend_on = [np.where(is_later, self.first_sessions, 0.0), *map(np.ceil, self.far.values())]
        moved: dict[MovedTime | None, float] = {}
        for by_row in self.moved.values():
            numbers = np.zeros(len(self.ids))
            for row, time in by_row.items():
                numbers[row] = moved.setdefault(time, len(moved) + 1.0)
            depend_on.append(numbers)
        as_bytes = [each[rows].reshape(-1, 1).view(np.int8) for each in depend_on]
        by_person = np.concatenate([codes[:, rows].T, *as_bytes], axis=1)
        content, width = by_person.tobytes(), by_person.shape[1]
        groups: dict[bytes, int] = {}
        keys = [content[first : first + width] for first in range(0, len(content), width)]
        group_of = tuple([groups.setdefault(key, len(groups)) for key in keys])
        _, firsts = np.unique(group_of, return_index=True)
        reasons = self._reasons(codes[:, rows[firsts]], rows[firsts].tolist())
        return GroupedReasons(tuple(rows.tolist()), group_of, reasons)

    def _later_days(self, rows: Sequence[int]) -> list[date | None]:
        """The day of each first possible session, where it is not the day asked."""
        asked, last = self.context.day.toordinal(), date.max.toordinal()
        days = [min(int(day) + EPOCH, last) for day in self.first_sessions[rows].tolist()]
        return [None if day <= asked else date.fromordinal(day) for day in days]

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

    def _reasons(self, codes: Codes, rows: Sequence[int]) -> tuple[tuple[Reason, ...], ...]:
        """The reasons of some clinicians, by the codes of their constraints, (k, rows).

        Reasons that several of them share are the same object.
        """
        people, places = np.nonzero(codes.T)
        if not len(people):
            return ((),) * len(rows)
        dated, may_be_far = self.layout.dated, self.layout.may_be_far
        later = self._later_days(rows)
        found: list[list[Reason]] = [[] for _ in rows]
        stated: dict[tuple[int, int, date | None, int], Reason] = {}
        kinds = codes[places, people].tolist()
        for person, place, code in zip(people.tolist(), places.tolist(), kinds, strict=True):
            row = rows[person]
            judged_on = later[person] if dated[place] else None
            is_own = code == MOVES or (code == FAILED and may_be_far[place])
            key = place, code, judged_on, row if is_own else -1
            reason = stated.get(key)
            if reason is None:
                reason = self._reason(place, code, row, judged_on)
                stated[key] = reason
            found[person].append(reason)
        return tuple(map(tuple, found))

    def _reason(self, place: int, code: int, row: int, judged_on: date | None) -> Reason:
        constraint, text = self.constraints[place], self._text(place, code, row)
        return Reason(constraint.name, constraint.family, text, code == UNKNOWN, judged_on)
