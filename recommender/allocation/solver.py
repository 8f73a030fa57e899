"""The exact optimum of an allocation, by HiGHS.

First as many as possible of the first rank are placed, then of the next; among all ways to do that
the sum of values is largest. Imported by `worth` and `allocate`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from recommender.allocation.problem import Array, AssignmentProblem, Places, nested
from recommender.errors import RecommenderError

WHOLE = 1e-6
"""How far from 0 or 1 a share may be and still be rounding: the solver's own tolerance."""
LARGEST = 1e9
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
    if np.abs(shares - np.rint(shares)).max() > WHOLE:
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
    step = 1.0 + 2.0 * _most_of_each(problem).sum()
    if nested(problem.caps):
        return np.asarray(step * np.arange(ranks, 0, -1, dtype=np.float64))
    worth = np.full(ranks, step)
    for rank in range(ranks - 2, -1, -1):
        later = np.bincount(problem.rank, minlength=ranks)[rank + 1 :]
        worth[rank] = step + (worth[rank + 1 :] * later).sum()
    if worth[0] > LARGEST:
        remedy = "use fewer classes, or limits on one field only"
        raise RecommenderError("priority", "has too many classes for limits that overlap", remedy)
    return worth


def _most_of_each(problem: AssignmentProblem) -> Array:
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
    for cap in problem.caps:
        own = pairs[cap.members[problem.client]]
        row.append(below + problem.clinician[own])
        column.append(own)
        most.append(cap.most.astype(np.float64))
        below += clinicians
    places = (np.concatenate(row), np.concatenate(column))
    shape = (below, len(pairs))
    return sparse.csc_array((np.ones(len(places[0])), places), shape=shape), np.concatenate(most)
