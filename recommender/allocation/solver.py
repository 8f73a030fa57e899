"""The exact optimum of an allocation, by HiGHS.

First as many as possible of the first rank are placed, then of the next; among all ways to do that
the sum of values is largest. Imported by `worth` and `allocate`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from recommender.compute.runner import Progress
from recommender.errors import RecommenderError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

NOBODY = -1
"""Stands for the clinician of a client who is given nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class CapacityLimit:
    """At most so many of some clients for each clinician.

    Attributes
    ----------
    members : (clients,)
    most : (clinicians,) int
    """

    members: Flags
    max_clients: Places


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentProblem:
    """n pairs of clients and clinicians, of which each client may be given one.

    Attributes
    ----------
    client, clinician : (n,) int
        The pairs.
    value : (n,)
        What each adds to the sum that is to be largest.
    places : (clinicians,) int
    rank : (clients,) int
        From 0: whoever has a lower one gets a place before anybody with a higher one.
    caps
        Limits to how many of some clients one clinician is given.
    """

    client: Places
    clinician: Places
    value: Array
    places: Places
    rank: Places
    limits: tuple[CapacityLimit, ...] = ()

    def with_one_more_place(self, clinician: int) -> "AssignmentProblem":
        """The same with one more place at a clinician."""
        places = self.places.copy()
        places[clinician] += 1
        return replace(self, places=places)

    def placed(self, taken: Places) -> tuple[int, ...]:
        """How many of each rank are given somebody, from the first rank on."""
        ranks = int(self.rank.max(initial=-1)) + 1
        counts = np.bincount(self.rank[self.client[taken]], minlength=ranks)
        return tuple(counts.tolist())

    def total(self, taken: Places) -> float:
        """The sum over some of the pairs."""
        return float(self.value[taken].sum())


def nested(limits: tuple[CapacityLimit, ...]) -> bool:
    """Whether any two limits are about clients of which none, or all of one, are in the other.

    Then every corner of the linear programme is whole, as flows in a network are.
    """
    for place, one in enumerate(limits):
        for other in limits[:place]:
            both = (one.members & other.members).sum()
            if both not in (0, one.members.sum(), other.members.sum()):
                return False
    return True


INTEGER_TOLERANCE = 1e-6
"""How far from 0 or 1 a share may be and still be rounding: the solver's own tolerance."""
MAX_PLACE_VALUE = 1e9
"""Largest worth of a place: beyond it the seventh decimal of a value is lost beside it."""


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentOptimum:
    """An allocation nobody can better.

    Attributes
    ----------
    taken
        The pairs chosen, in order.
    bounds : (clinicians,)
        At most so much would one more place of each add, in values and worth of places together;
        certain where limits are nested.
    """

    chosen: Places
    bounds: Array


def solve(problem: AssignmentProblem) -> AssignmentOptimum:
    """Whom each client is given.

    Raises
    ------
    RecommenderError
        When limits overlap and there are too many ranks to tell them apart exactly.
    """
    if not len(problem.client):
        return AssignmentOptimum(np.empty(0, dtype=np.intp), np.zeros(len(problem.places)))
    worth = problem.value + marginal_place_values(problem)[problem.rank[problem.client]]
    # Typed for dense matrices only; sparse ones are taken.
    rows: Any
    shares: Any
    rows, most = _rows(problem)
    found = linprog(-worth, A_ub=rows, b_ub=most, bounds=(0, 1), method="highs-ds")
    clients = len(problem.rank)
    bounds = -found.ineqlin.marginals[clients : clients + len(problem.places)]
    shares = found.x
    if np.abs(shares - np.rint(shares)).max() > INTEGER_TOLERANCE:
        # Only where limits overlap: then corners need not be whole and HiGHS has to branch.
        shares = milp(
            -worth,
            integrality=np.ones(len(worth), dtype=np.intp),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(rows, -np.inf, most),
            options={"mip_rel_gap": 0.0},
        ).x
    return AssignmentOptimum(np.flatnonzero(shares > 0.5), np.asarray(bounds))


def marginal_place_values(problem: AssignmentProblem) -> Array:
    """What giving a client of each rank anybody is worth beside all values together, (ranks,).

    Steps larger than all values could change. Where limits are nested, sets of clients who can be
    placed are exchanged one for one (they are the independent sets of a gammoid), so equal steps
    already put every rank strictly before the next; elsewhere each step outweighs everybody after.
    """
    ranks = int(problem.rank.max()) + 1
    step = 1.0 + 2.0 * _max_values(problem).sum()
    if nested(problem.limits):
        return np.asarray(step * np.arange(ranks, 0, -1, dtype=np.float64))
    worth = np.full(ranks, step)
    for rank in range(ranks - 2, -1, -1):
        later = np.bincount(problem.rank, minlength=ranks)[rank + 1 :]
        worth[rank] = step + (worth[rank + 1 :] * later).sum()
    if worth[0] > MAX_PLACE_VALUE:
        remedy = "use fewer classes, or limits on one field only"
        raise RecommenderError("priority", "has too many classes for limits that overlap", remedy)
    return worth


def _max_values(problem: AssignmentProblem) -> Array:
    """The largest size of any value of each client, (clients,)."""
    most = np.zeros(len(problem.rank))
    np.maximum.at(most, problem.client, np.abs(problem.value))
    return most


def _rows(problem: AssignmentProblem) -> tuple[sparse.csc_array, Array]:
    """One row a client, a clinician, and a clinician with a limit that could bind; and its most."""
    pairs = np.arange(len(problem.client))
    clients, clinicians = len(problem.rank), len(problem.places)
    row, column = [problem.client, clients + problem.clinician], [pairs, pairs]
    most = [np.ones(clients), problem.places.astype(np.float64)]
    below = clients + clinicians
    for cap in problem.limits:
        own = pairs[cap.members[problem.client]]
        row.append(below + problem.clinician[own])
        column.append(own)
        most.append(cap.max_clients.astype(np.float64))
        below += clinicians
    places = (np.concatenate(row), np.concatenate(column))
    shape = (below, len(pairs))
    return sparse.csc_array((np.ones(len(places[0])), places), shape=shape), np.concatenate(most)


MIN_GAIN = 1e-6
"""Points below which a place adds nothing but rounding."""
MAX_TRIED = 12
"""A list is solved again at most so often: ties of prices could keep it going for long."""


@dataclass(frozen=True, slots=True, eq=False)
class MarginalGain:
    """One more place with one clinician.

    Attributes
    ----------
    clinician
        Place on the roster.
    placed
        How many more of each rank get somebody; a first one may cost a later one.
    value
        What is added to the sum of values.
    taken
        The pairs of the allocation with it.
    """

    clinician: int
    placed: tuple[int, ...]
    value: float
    chosen: Places


def marginal_gains(
    problem: AssignmentProblem, found: AssignmentOptimum, few: int, progress: Progress
) -> tuple[MarginalGain, ...]:
    """The few places that would add most, the most first; fewer where fewer add anything.

    Exact where limits are nested and the bounds settle it within `MOST_TRIED` solutions, as they
    do unless many clinicians are alike.
    """
    tried: list[tuple[float, int, MarginalGain]] = []
    order = np.lexsort((np.arange(len(found.bounds)), -found.bounds))
    hopeful = [place for place in order.tolist() if found.bounds[place] > MIN_GAIN][:MAX_TRIED]
    for number, place in enumerate(hopeful if few else []):
        enough = len(tried) >= few and tried[few - 1][0] <= -found.bounds[place]
        if enough and nested(problem.limits):
            break
        progress("what one more place would add", number / len(hopeful))
        gain = _gain(problem, found, place)
        tried.append((-_size(problem, gain), place, gain))
        tried.sort(key=lambda each: each[:2])
    return tuple(gain for size, _, gain in tried[:few] if -size > MIN_GAIN)


def _gain(problem: AssignmentProblem, found: AssignmentOptimum, place: int) -> MarginalGain:
    more = problem.with_one_more_place(place)
    taken = solve(more).chosen
    before, after = problem.placed(found.chosen), more.placed(taken)
    placed = tuple(new - old for new, old in zip(after, before, strict=True))
    return MarginalGain(place, placed, more.total(taken) - problem.total(found.chosen), taken)


def _size(problem: AssignmentProblem, gain: MarginalGain) -> float:
    return float(marginal_place_values(problem) @ np.array(gain.placed) + gain.value)
