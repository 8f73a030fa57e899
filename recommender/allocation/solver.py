"""Solves an assignment problem exactly with HiGHS.

First, as many clients of the first rank as possible are placed, then of the next; among all such
assignments, the sum of values is largest.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.compute.runner import Progress
from recommender.errors import RecommenderError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

NOBODY = -1
"""The clinician of a client who is not placed."""
INTEGER_TOLERANCE = 1e-6
"""Distance from 0 or 1 up to which a solution is integral: the solver's own tolerance."""
MAX_PLACE_VALUE = 1e9
"""Largest value of a place: beyond it, adding a value loses the seventh decimal."""
MIN_GAIN = 1e-6
"""Gains up to this are rounding."""
MAX_TRIED = 12
"""Solutions with one more place at most: with tied bounds there could be many."""


@dataclass(frozen=True, slots=True, eq=False)
class CapacityLimit:
    """The most clients of a group that each clinician is assigned.

    Attributes
    ----------
    members : (clients,) bool
    max_clients : (clinicians,) int
    """

    members: Flags
    max_clients: Places


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentProblem:
    """n pairs of a client and a clinician, of which at most one per client is chosen.

    Attributes
    ----------
    client, clinician : (n,) int
        The pairs.
    value : (n,)
        Term of each pair in the sum to maximise.
    places : (clinicians,) int
    rank : (clients,) int
        From 0: a client of a lower rank is placed before any client of a higher one.
    limits
        Limits on groups of clients.
    """

    client: Places
    clinician: Places
    value: Array
    places: Places
    rank: Places
    limits: tuple[CapacityLimit, ...] = ()

    def placed(self, taken: Places) -> tuple[int, ...]:
        """Number of placed clients by rank."""
        ranks = int(self.rank.max(initial=-1)) + 1
        counts = np.bincount(self.rank[self.client[taken]], minlength=ranks)
        return tuple(counts.tolist())

    def total(self, taken: Places) -> float:
        """Sum of the values of some pairs."""
        return float(self.value[taken].sum())


def nested(limits: tuple[CapacityLimit, ...]) -> bool:
    """Whether the groups of any two limits are disjoint, or one contains the other.

    Every vertex of the linear programme is then integral, as in a network flow problem.
    """
    for place, one in enumerate(limits):
        for other in limits[:place]:
            both = (one.members & other.members).sum()
            if both not in (0, one.members.sum(), other.members.sum()):
                return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentOptimum:
    """An optimal assignment.

    Attributes
    ----------
    chosen
        The chosen pairs, ascending.
    bounds : (clinicians,)
        Upper bound of what one more place adds, in values and values of places together; valid
        where limits are nested.
    """

    chosen: Places
    bounds: Array


def solve(problem: AssignmentProblem) -> AssignmentOptimum:
    """The optimal assignment.

    Raises
    ------
    RecommenderError
        When limits overlap and there are too many ranks to separate them exactly.
    """
    if not len(problem.client):
        return AssignmentOptimum(np.empty(0, dtype=np.intp), np.zeros(len(problem.places)))
    # Late: it takes half a second, and few servers allocate.
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp

    worth = problem.value + marginal_place_values(problem)[problem.rank[problem.client]]
    # scipy is typed for dense matrices only, but accepts sparse ones.
    rows: Any
    shares: Any
    rows, limits = _rows(problem)
    solution = linprog(-worth, A_ub=rows, b_ub=limits, bounds=(0, 1), method="highs-ds")
    clients = len(problem.rank)
    bounds = -solution.ineqlin.marginals[clients : clients + len(problem.places)]
    shares = solution.x
    if np.abs(shares - np.rint(shares)).max() > INTEGER_TOLERANCE:
        # Where limits overlap, vertices need not be integral and HiGHS has to branch.
        shares = milp(
            -worth,
            integrality=np.ones(len(worth), dtype=np.intp),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(rows, -np.inf, limits),
            options={"mip_rel_gap": 0.0},
        ).x
    return AssignmentOptimum(np.flatnonzero(shares > 0.5), np.asarray(bounds))


def marginal_place_values(problem: AssignmentProblem) -> Array:
    """Value of placing a client of each rank, beside which all pair values are small, (ranks,).

    Where limits are nested, sets of clients that can be placed are exchanged one for one (they are
    the independent sets of a gammoid), so that equal steps place every rank strictly before the
    next. Elsewhere each step exceeds the sum of all later ones.
    """
    ranks = int(problem.rank.max()) + 1
    step = 1.0 + 2.0 * _max_values(problem).sum()
    if nested(problem.limits):
        return np.asarray(step * np.arange(ranks, 0, -1, dtype=np.float64))
    values = np.full(ranks, step)
    for rank in range(ranks - 2, -1, -1):
        later = np.bincount(problem.rank, minlength=ranks)[rank + 1 :]
        values[rank] = step + (values[rank + 1 :] * later).sum()
    if values[0] > MAX_PLACE_VALUE:
        remedy = "use fewer classes, or limits on one field only"
        raise RecommenderError("priority", "has too many classes for limits that overlap", remedy)
    return values


def _max_values(problem: AssignmentProblem) -> Array:
    """The largest absolute value of the pairs of each client, (clients,)."""
    largest = np.zeros(len(problem.rank))
    np.maximum.at(largest, problem.client, np.abs(problem.value))
    return largest


def _rows(problem: AssignmentProblem) -> tuple[sparse.csc_array, Array]:
    """Constraint matrix and bounds: a row per client, clinician, and limit of a clinician."""
    pairs = np.arange(len(problem.client))
    clients, clinicians = len(problem.rank), len(problem.places)
    row, column = [problem.client, clients + problem.clinician], [pairs, pairs]
    bounds = [np.ones(clients), problem.places.astype(np.float64)]
    below = clients + clinicians
    for limit in problem.limits:
        own = pairs[limit.members[problem.client]]
        row.append(below + problem.clinician[own])
        column.append(own)
        bounds.append(limit.max_clients.astype(np.float64))
        below += clinicians
    places = (np.concatenate(row), np.concatenate(column))
    shape = (below, len(pairs))
    return sparse.csc_array((np.ones(len(places[0])), places), shape=shape), np.concatenate(bounds)


@dataclass(frozen=True, slots=True, eq=False)
class MarginalGain:
    """The gain by one more place with one clinician.

    Attributes
    ----------
    clinician
        Place on the roster.
    placed
        Change in the number of placed clients by rank; an earlier rank may cost a later one.
    value
        Change in the sum of values.
    chosen
        The pairs chosen with the further place.
    """

    clinician: int
    placed: tuple[int, ...]
    value: float
    chosen: Places


def marginal_gains(
    problem: AssignmentProblem, optimum: AssignmentOptimum, count: int, progress: Progress
) -> tuple[MarginalGain, ...]:
    """The further places with the largest gains, largest first, at most `count` of them.

    Exact where limits are nested and the bounds decide within `MAX_TRIED` solutions, as they do
    unless many clinicians are alike.
    """
    tried: list[tuple[float, int, MarginalGain]] = []
    order = np.lexsort((np.arange(len(optimum.bounds)), -optimum.bounds))
    promising = [place for place in order.tolist() if optimum.bounds[place] > MIN_GAIN][:MAX_TRIED]
    for number, place in enumerate(promising if count else []):
        enough = len(tried) >= count and tried[count - 1][0] <= -optimum.bounds[place]
        if enough and nested(problem.limits):
            break
        progress("value of one more place", number / len(promising))
        gain = _gain(problem, optimum, place)
        tried.append((-_size(problem, gain), place, gain))
        tried.sort(key=lambda each: each[:2])
    return tuple(gain for size, _, gain in tried[:count] if -size > MIN_GAIN)


def _gain(problem: AssignmentProblem, optimum: AssignmentOptimum, place: int) -> MarginalGain:
    places = problem.places.copy()
    places[place] += 1
    more = replace(problem, places=places)
    chosen = solve(more).chosen
    before, after = problem.placed(optimum.chosen), more.placed(chosen)
    placed = tuple(new - old for new, old in zip(after, before, strict=True))
    return MarginalGain(place, placed, more.total(chosen) - problem.total(optimum.chosen), chosen)


def _size(problem: AssignmentProblem, gain: MarginalGain) -> float:
    return float(marginal_place_values(problem) @ np.array(gain.placed) + gain.value)
