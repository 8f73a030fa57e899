"""One list made ready for the solver: people, promises and terms turned into a problem.

Imported by `unplaced` and `allocate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from recommender.allocation.candidates import Candidates
from recommender.allocation.problem import (
    NOBODY,
    Array,
    AssignmentProblem,
    CapacityLimit,
    Flags,
    Places,
)
from recommender.allocation.terms import Limit, Terms, members
from recommender.allocation.waiting import WaitingClient, ranks_of
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice


@dataclass(frozen=True, slots=True, eq=False)
class WaitingList:
    """Who waits, by row, and what was promised.

    Attributes
    ----------
    waiting
        Sorted by client id.
    clinician_ids, places
        The roster and its places, promises included.
    told, previous : (clients,) int
        Place on the roster of whom each was told, and of whom an earlier allocation gave them.
    """

    waiting: Sequence[WaitingClient]
    clinician_ids: tuple[str, ...]
    places: Places
    told: Places
    previous: Places

    @property
    def promised(self) -> Places:
        """How many clients each clinician was promised, (clinicians,)."""
        return np.bincount(self.told[self.told != NOBODY], minlength=len(self.places))


@dataclass(frozen=True, slots=True, eq=False)
class SolverInput:
    """A list, who fits whom, and the problem that is left when promises are kept.

    Attributes
    ----------
    first : (clients,) int
        The candidate pair each client would be shown first alone; -1 for none.
    open_ : (candidates,)
        Pairs whose clinician has a place, given or not.
    above : (candidates,)
        Pairs that are not below the floor.
    free : (pairs of the problem,) int
        Which candidate each pair of the problem is.
    """

    roll: WaitingList
    fitting: Candidates
    first: Places
    open_: Flags
    above: Flags
    free: Places
    problem: AssignmentProblem


def waiting_list(
    waiting: Sequence[WaitingClient], clinician_ids: tuple[str, ...], places: Places
) -> WaitingList:
    """A list with its promises as places of the roster; a former clinician who left is nobody."""
    at = {clinician_id: place for place, clinician_id in enumerate(clinician_ids)}
    told, previous = (
        np.array([at.get(name or "", NOBODY) for name in names], dtype=np.intp)
        for names in (
            [w.promised_clinician_id for w in waiting],
            [w.former_clinician_id for w in waiting],
        )
    )
    return WaitingList(waiting, clinician_ids, places, told, previous)


def solver_input(
    roll: WaitingList,
    clients: Columns,
    fitting: Candidates,
    practice: Practice,
    terms: Terms,
    day: date,
) -> SolverInput:
    """The problem of a list on some terms."""
    client, clinician = fitting.client, fitting.clinician
    open_ = (roll.places[clinician] > 0) | (roll.told[client] == clinician)
    first = fitting.first(open_, len(roll.waiting))
    above = fitting.above(terms.floor, first)
    free = np.flatnonzero(above & (roll.told[client] == NOBODY))
    problem = AssignmentProblem(
        client=client[free],
        clinician=clinician[free],
        value=_value(roll, fitting, terms.stay)[free],
        places=np.maximum(roll.places - roll.promised, 0),
        rank=ranks_of(roll.waiting, terms.longest_wait_days, day),
        caps=tuple(_cap(limit, roll, members(practice, clients, limit)) for limit in terms.limits),
    )
    return SolverInput(roll, fitting, first, open_, above, free, problem)


def _value(roll: WaitingList, fitting: Candidates, stay: float) -> Array:
    weight = np.array([each.weight for each in roll.waiting], dtype=np.float64)
    kept = roll.previous[fitting.client] == fitting.clinician
    return np.asarray(weight[fitting.client] * fitting.pairing + stay * kept)


def _cap(limit: Limit, roll: WaitingList, about: Flags) -> CapacityLimit:
    """A limit less what promises have used of it; where it is on one clinician, others are free."""
    promised = roll.told[about & (roll.told != NOBODY)]
    used = np.bincount(promised, minlength=len(roll.places))
    most = np.maximum(limit.most - used, 0)
    if limit.clinician_id is not None:
        one = np.array([name == limit.clinician_id for name in roll.clinician_ids])
        most = np.where(one, most, len(about))
    return CapacityLimit(about, most)
