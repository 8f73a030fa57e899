"""A whole waiting list at once: who should see whom. Read this first of `allocation`.

As many as possible are given somebody, those of earlier classes first; among all ways to do that,
the sum of predicted alliance is largest. Knows no HTTP, files or what day it is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from recommender.allocation.candidates import (
    SolverInput,
    WaitingList,
    candidates_of,
    solver_input,
    waiting_list,
)
from recommender.allocation.outcome import (
    Allocation,
    AssignedClient,
    FixedBy,
    FullClinician,
    Holder,
    MarginalPlace,
    PlacesUsed,
    Unplaced,
)
from recommender.allocation.solver import NOBODY, MarginalGain, Places, marginal_gains, solve
from recommender.allocation.terms import Terms, WaitingClient, check_list, places_of
from recommender.compute.runner import Progress
from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.columns import Columns
from recommender.screening.screen import ConstraintCount
from recommender.tables.cells import People
from recommender.tables.roster import Roster

MAX_FULL_SHOWN = 3
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
    return tuple(_unplaced(case, decided, holders, client) for client in alone.tolist())


def _unplaced(
    case: SolverInput, decided: AssignedPairs, holders: Mapping[int, Sequence[int]], client: int
) -> Unplaced:
    name = case.waiting_list.waiting[client].client_id
    own = case.candidates.rows_of(client)
    if not len(own):
        return Unplaced(name, "nobody_fits", _removals(case.candidates.constraint_counts[client]))
    if not case.has_place[own].any():
        return Unplaced(name, "no_places")
    own = own[case.has_place[own] & case.above_floor[own]]
    if not len(own):
        return Unplaced(name, "below_floor")
    fitting = case.candidates
    nearest = own[np.lexsort((fitting.clinician[own], -fitting.pairing[own]))][:MAX_FULL_SHOWN]
    taken = (_taken(case, decided, holders, pair) for pair in nearest.tolist())
    return Unplaced(name, "places_taken", full=tuple(taken))


def _removals(ledger: Sequence[ConstraintCount]) -> tuple[ConstraintCount, ...]:
    some = [removal for removal in ledger if removal.removed]
    return tuple(sorted(some, key=lambda r: (-r.removed_only_by_it, -r.removed)))


def _taken(
    case: SolverInput, decided: AssignedPairs, holders: Mapping[int, Sequence[int]], pair: int
) -> FullClinician:
    clinician = int(case.candidates.clinician[pair])
    others = holders.get(clinician, ())
    alliance = float(case.candidates.alliance[pair])
    return FullClinician(
        clinician_id=case.waiting_list.clinician_ids[clinician],
        predicted=None if np.isnan(alliance) else alliance,
        holders=tuple(_holder(case, decided, other, pair) for other in others),
        limit_reached=len(others) < int(case.waiting_list.places[clinician]),
    )


def _holder(case: SolverInput, decided: AssignedPairs, other: int, pair: int) -> Holder:
    roll, rank = case.waiting_list, case.problem.rank
    client = int(case.candidates.client[pair])
    if roll.promised_to[other] != NOBODY:
        return Holder(roll.waiting[other].client_id, "told", None)
    if rank[other] < rank[client]:
        return Holder(roll.waiting[other].client_id, "comes_first", None)
    theirs = roll.waiting[other].weight * case.candidates.pairing[decided.pair[other]]
    ours = roll.waiting[client].weight * case.candidates.pairing[pair]
    return Holder(roll.waiting[other].client_id, "gains_as_much", float(theirs - ours))


def _no_progress(step: str, done: float) -> None:
    """Tells nobody how far it is."""


def allocate(
    people: People,
    waiting: Sequence[WaitingClient],
    encoding: RosterEncoding,
    model: AllianceModel,
    terms: Terms,
    *,
    day: date,
    progress: Progress = _no_progress,
) -> Allocation:
    """Gives the clients on a list clinicians.

    The order of the list changes nothing. Whoever was told stays, whatever it costs.

    Parameters
    ----------
    people
        The clients' answers; whoever is not on the list is passed over.
    waiting
        The list.
    encoding
        The roster as the model knows it.
    model
        The model that scores; its definition says what is required.
    terms
        Places, limits, the floor.
    day
        Today, in the practice's zone.
    progress
        Told how far it is.

    Raises
    ------
    RecommenderError
        When the list or the terms cannot be kept to.
    """
    check_list(waiting, encoding.roster.ids)
    waiting = sorted(waiting, key=lambda each: each.client_id)
    clients, ids = _answers_of(people, waiting), [each.client_id for each in waiting]
    places = places_of(encoding.roster, model.practice, terms)
    fitting = candidates_of(ids, clients, encoding, model, day, progress)
    roll = waiting_list(waiting, encoding.roster.ids, places)
    case = solver_input(roll, clients, fitting, model.practice, terms, day)
    progress("who is given whom", 0.0)
    found = solve(case.problem)
    decided = _assigned_pairs(case, found.chosen)
    more = marginal_gains(case.problem, found, terms.marginal_value_for, progress)
    return Allocation(
        mode=model.manifest.mode,
        day=day,
        roster_version=encoding.roster.version,
        assigned=_assigned(case, decided),
        unplaced=unplaced_of(case, decided),
        places_used=_places_used(case, decided, encoding.roster),
        marginal_places=tuple(_marginal_place(case, decided, gain) for gain in more),
        points=float(fitting.pairing[case.free[found.chosen]].sum()),
    )


def _answers_of(people: People, waiting: Sequence[WaitingClient]) -> Columns:
    row = {client_id: place for place, client_id in enumerate(people.ids)}
    missing = sum(each.client_id not in row for each in waiting)
    if missing:
        problem = f"has {missing} whose answers are not in the clients' table"
        raise RecommenderError("list", problem, "add their answers, or take them off")
    return people.columns.take(np.array([row[each.client_id] for each in waiting], dtype=np.intp))


def _assigned_pairs(case: SolverInput, taken: Places) -> AssignedPairs:
    """Promises, and whom the solver chose for the others."""
    fitting, told = case.candidates, case.waiting_list.promised_to
    pair = np.full(len(told), NOBODY, dtype=np.intp)
    held = np.flatnonzero(told[fitting.client] == fitting.clinician)
    chosen = np.concatenate([held, case.free[taken]])
    pair[fitting.client[chosen]] = chosen
    clinician = told.copy()
    clinician[fitting.client[chosen]] = fitting.clinician[chosen]
    return AssignedPairs(clinician, pair)


def _assigned(case: SolverInput, decided: AssignedPairs) -> tuple[AssignedClient, ...]:
    placed = np.flatnonzero(decided.clinician != NOBODY)
    return tuple(_assigned_client(case, decided, client) for client in placed.tolist())


def _assigned_client(case: SolverInput, decided: AssignedPairs, client: int) -> AssignedClient:
    fitting, roll = case.candidates, case.waiting_list
    clinician, pair = int(decided.clinician[client]), int(decided.pair[client])
    own = fitting.rows_of(client)
    own = own[case.has_place[own]]
    bare = AssignedClient(
        client_id=roll.waiting[client].client_id,
        clinician_id=roll.clinician_ids[clinician],
        choices=len(own),
        reservations=int(fitting.reservations[pair]) if pair != NOBODY else 0,
        fixed_by=_held_by(roll, client, clinician),
    )
    if pair == NOBODY or np.isnan(fitting.alliance[pair]):
        return bare
    first, pairing = int(case.first[client]), fitting.pairing[pair]
    return replace(
        bare,
        predicted=float(fitting.alliance[pair]),
        first_choice=roll.clinician_ids[fitting.clinician[first]],
        cost=float(fitting.pairing[first] - pairing),
        rank=1 + int((fitting.pairing[own] > pairing).sum()),
    )


def _held_by(roll: WaitingList, client: int, clinician: int) -> FixedBy | None:
    if roll.promised_to[client] != NOBODY:
        return "told"
    return "previous" if roll.former[client] == clinician else None


def _places_used(
    case: SolverInput, decided: AssignedPairs, roster: Roster
) -> tuple[PlacesUsed, ...]:
    roll = case.waiting_list
    held = np.bincount(decided.clinician[decided.clinician != NOBODY], minlength=len(roster))
    counts = zip(roll.places.tolist(), roll.promised.tolist(), held.tolist(), strict=True)
    return tuple(
        PlacesUsed(roster.ids[place], roster.name_of(place), places, told, given - told)
        for place, (places, told, given) in enumerate(counts)
    )


def _marginal_place(case: SolverInput, decided: AssignedPairs, gain: MarginalGain) -> MarginalPlace:
    after, before = _assigned_pairs(case, gain.chosen), decided
    both = (after.pair != NOBODY) & (before.pair != NOBODY)
    changed = after.pair[both], before.pair[both]
    newly = np.flatnonzero((before.clinician == NOBODY) & (after.clinician != NOBODY))
    pairing = case.candidates.pairing
    return MarginalPlace(
        clinician_id=case.waiting_list.clinician_ids[gain.clinician],
        placed=sum(gain.placed),
        points=float((pairing[changed[0]] - pairing[changed[1]]).sum()),
        newly_assigned=tuple(
            case.waiting_list.waiting[client].client_id for client in newly.tolist()
        ),
        moved=int((changed[0] != changed[1]).sum()),
    )
