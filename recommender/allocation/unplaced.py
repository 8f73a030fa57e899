"""Why a client is given nobody: who fits, who has places, and who has them instead.

Imported by `allocate`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.allocation.outcome import FullClinician, Holder, Unplaced
from recommender.allocation.problem import NOBODY, Places
from recommender.allocation.solver_input import SolverInput
from recommender.screening.screen import ConstraintCount

MOST_TOLD = 3
"""Clinicians of whom it is said who has their places: more is not read."""


@dataclass(frozen=True, slots=True, eq=False)
class AssignedPairs:
    """Who has whom, promises included.

    Attributes
    ----------
    clinician : (clients,) int
        -1 for nobody.
    pair : (clients,) int
        The candidate pair; -1 for nobody, and for a promise that no longer fits.
    """

    clinician: Places
    pair: Places


def unplaced_of(case: SolverInput, decided: AssignedPairs) -> tuple[Unplaced, ...]:
    """Everyone who is given nobody, each with the reason."""
    holders: dict[int, list[int]] = defaultdict(list)
    for client, clinician in enumerate(decided.clinician.tolist()):
        holders[clinician].append(client)
    alone = np.flatnonzero(decided.clinician == NOBODY)
    return tuple(_why(case, decided, holders, client) for client in alone.tolist())


def _why(
    case: SolverInput, decided: AssignedPairs, holders: Mapping[int, Sequence[int]], client: int
) -> Unplaced:
    name = case.roll.waiting[client].client_id
    own = case.fitting.rows_of(client)
    if not len(own):
        return Unplaced(name, "nobody_fits", _removals(case.fitting.ledgers[client]))
    if not case.open_[own].any():
        return Unplaced(name, "no_places")
    own = own[case.open_[own] & case.above[own]]
    if not len(own):
        return Unplaced(name, "below_floor")
    fitting = case.fitting
    nearest = own[np.lexsort((fitting.clinician[own], -fitting.pairing[own]))][:MOST_TOLD]
    taken = (_taken(case, decided, holders, pair) for pair in nearest.tolist())
    return Unplaced(name, "places_taken", taken=tuple(taken))


def _removals(ledger: Sequence[ConstraintCount]) -> tuple[ConstraintCount, ...]:
    some = [removal for removal in ledger if removal.removed]
    return tuple(sorted(some, key=lambda r: (-r.removed_only_by_it, -r.removed)))


def _taken(
    case: SolverInput, decided: AssignedPairs, holders: Mapping[int, Sequence[int]], pair: int
) -> FullClinician:
    clinician = int(case.fitting.clinician[pair])
    others = holders.get(clinician, ())
    alliance = float(case.fitting.alliance[pair])
    return FullClinician(
        clinician_id=case.roll.clinician_ids[clinician],
        predicted=None if np.isnan(alliance) else alliance,
        holders=tuple(_holder(case, decided, other, pair) for other in others),
        limit=len(others) < int(case.roll.places[clinician]),
    )


def _holder(case: SolverInput, decided: AssignedPairs, other: int, pair: int) -> Holder:
    roll, rank = case.roll, case.problem.rank
    client = int(case.fitting.client[pair])
    if roll.told[other] != NOBODY:
        return Holder(roll.waiting[other].client_id, "told", None)
    if rank[other] < rank[client]:
        return Holder(roll.waiting[other].client_id, "comes_first", None)
    theirs = roll.waiting[other].weight * case.fitting.pairing[decided.pair[other]]
    ours = roll.waiting[client].weight * case.fitting.pairing[pair]
    return Holder(roll.waiting[other].client_id, "gains_as_much", float(theirs - ours))
