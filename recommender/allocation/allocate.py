"""Assigns a whole waiting list to clinicians. Read this module first of `allocation`.

As many clients as possible are assigned, those of earlier priority classes first; among all such
assignments, the sum of predicted alliance is largest. Nothing in here reads a clock or a file.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from recommender.allocation.candidates import (
    SolverInput,
    candidates_of,
    solver_input,
    waiting_list,
)
from recommender.allocation.outcome import (
    FORMER,
    PROMISED,
    Allocation,
    AssignedClient,
    FixedBy,
    FullClinician,
    Holder,
    MarginalPlace,
    PlacesUsed,
    Unplaced,
)
from recommender.allocation.solver import NOBODY, Flags, MarginalGain, Places, marginal_gains, solve
from recommender.allocation.terms import Terms, WaitingClient, check_list, places_of, unknown_places
from recommender.compute.runner import Progress
from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.columns import Columns
from recommender.tables.cells import People
from recommender.tables.roster import Roster
from recommender.values.ids import near_misses, suggestions_for, with_question

MAX_FULL_SHOWN = 3
"""Full clinicians listed for an unplaced client."""


def _no_progress(step: str, done: float) -> None:
    """Ignores progress."""


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
    """The optimal assignment of waiting clients to clinicians.

    It does not depend on the order of the list. A clinician already promised to a client stays,
    at any cost to others.

    Parameters
    ----------
    people
        The clients' answers; clients not on the list are ignored.
    waiting
        The list.
    encoding
        The roster as encoded by the model.
    model
        The model, which holds the practice definition.
    terms
        Places, limits and the floor.
    day
        Today in the practice's time zone.
    progress
        Called with each step and the share done.

    Raises
    ------
    RecommenderError
        When the list or the terms contradict the roster, the answers or the definition.

    Examples
    --------
    Two clients who ask for CBT, and one place with each of two clinicians, of whom one offers it:

    >>> from datetime import UTC, datetime
    >>> from recommender.model.evidence_prior import evidence_model
    >>> from recommender.practice.columns import read_rows
    >>> from recommender.practice.definition import shipped_practice
    >>> from recommender.tables.roster import snapshot
    >>> practice = shipped_practice()
    >>> facts = {"active": True, "practice_restricted": False, "consents_to_matching": True,
    ...          "registered_from": "2020-01-01", "registered_until": "2030-01-01",
    ...          "intake_status": "open", "max_risk": "level_3", "min_age": 18, "max_age": 99}
    >>> offers = [{"modalities": ["cbt"]}, {"modalities": ["act"]}]
    >>> clinicians = read_rows(practice.clinician, [facts | each for each in offers])
    >>> roster = snapshot(("k1", "k2"), (None, None), clinicians, datetime.now(UTC))
    >>> model = evidence_model(practice, clinicians, roster.ids, data_digest="", created_at="")
    >>> answers = {"age_years": 34, "referral_held": True, "risk_level": "level_2",
    ...            "model_consent": True, "modalities_wanted": ["cbt"]}
    >>> people = People(("c1", "c2"), (None, None), read_rows(practice.client, [answers] * 2))
    >>> allocation = allocate(
    ...     people, [WaitingClient("c1"), WaitingClient("c2", weight=2.0)],
    ...     model.encode_roster(roster), model, Terms(places={"k1": 1, "k2": 1}),
    ...     day=date(2026, 11, 28))
    >>> [(each.client_id, each.clinician_id) for each in allocation.assigned]
    [('c1', 'k2'), ('c2', 'k1')]
    """
    roster, practice = encoding.roster, model.practice
    check_list(waiting, terms.limits, roster)
    waiting = sorted(waiting, key=lambda each: each.client_id)
    clients, ids = _answers_of(people, waiting), [each.client_id for each in waiting]
    places = places_of(roster, practice, terms)
    candidates = candidates_of(ids, clients, encoding, model, day, progress)
    listed = waiting_list(waiting, roster.ids, places)
    case = solver_input(listed, clients, candidates, practice, terms, day)
    progress("assignment", 0.0)
    optimum = solve(case.problem)
    pairs = _assigned_pairs(case, optimum.chosen)
    gains = marginal_gains(case.problem, optimum, terms.marginal_value_for, progress)
    placed = np.flatnonzero(pairs.clinician != NOBODY).tolist()
    return Allocation(
        mode=model.manifest.mode,
        day=day,
        roster_version=roster.version,
        assigned=tuple(_assigned_client(case, pairs, client) for client in placed),
        unplaced=_unplaced_clients(case, pairs),
        places_used=_places_used(case, pairs, roster, unknown_places(roster, practice, terms)),
        marginal_places=tuple(_marginal_place(case, pairs, gain) for gain in gains),
        points=float(candidates.pairing[case.free[optimum.chosen]].sum()),
    )


def _answers_of(people: People, waiting: Sequence[WaitingClient]) -> Columns:
    row = {client_id: place for place, client_id in enumerate(people.ids)}
    missing = [each.client_id for each in waiting if each.client_id not in row]
    if missing:
        problem = f"has {len(missing)} whose answers are not in the clients' table"
        proposed = suggestions_for(near_misses(missing, people.ids), missing)
        remedy = with_question(proposed, "add their answers, or take them off")
        raise RecommenderError("list", problem, remedy)
    return people.columns.take(np.array([row[each.client_id] for each in waiting], dtype=np.intp))


@dataclass(frozen=True, slots=True, eq=False)
class AssignedPairs:
    """The clinician of each client, promises included.

    Attributes
    ----------
    clinician : (clients,) int
        Place on the roster; -1 for nobody.
    pair : (clients,) int
        The candidate pair; -1 for nobody, and for a promise whose pair is no candidate.
    """

    clinician: Places
    pair: Places


def _assigned_pairs(case: SolverInput, chosen: Places) -> AssignedPairs:
    """Promises, and the pairs chosen by the solver."""
    candidates, promised = case.candidates, case.waiting_list.promised_to
    pair = np.full(len(promised), NOBODY, dtype=np.intp)
    held = np.flatnonzero(promised[candidates.client] == candidates.clinician)
    assigned = np.concatenate([held, case.free[chosen]])
    pair[candidates.client[assigned]] = assigned
    clinician = promised.copy()
    clinician[candidates.client[assigned]] = candidates.clinician[assigned]
    return AssignedPairs(clinician, pair)


def _assigned_client(case: SolverInput, pairs: AssignedPairs, client: int) -> AssignedClient:
    candidates, listed = case.candidates, case.waiting_list
    clinician, pair = int(pairs.clinician[client]), int(pairs.pair[client])
    own = candidates.rows_of(client)
    own = own[case.has_place[own]]
    fixed_by: FixedBy | None = None
    if listed.promised_to[client] != NOBODY:
        fixed_by = PROMISED
    elif listed.former[client] == clinician:
        fixed_by = FORMER
    unscored = AssignedClient(
        client_id=listed.waiting[client].client_id,
        clinician_id=listed.clinician_ids[clinician],
        choices=len(own),
        reservations=int(candidates.reservations[pair]) if pair != NOBODY else 0,
        fixed_by=fixed_by,
        eligible=pair != NOBODY,
    )
    if pair == NOBODY or np.isnan(candidates.alliance[pair]):
        return unscored
    first, pairing = int(case.first[client]), candidates.pairing[pair]
    return replace(
        unscored,
        predicted=float(candidates.alliance[pair]),
        first_choice=listed.clinician_ids[candidates.clinician[first]],
        cost=float(candidates.pairing[first] - pairing),
        rank=1 + int((candidates.pairing[own] > pairing).sum()),
    )


def _unplaced_clients(case: SolverInput, pairs: AssignedPairs) -> tuple[Unplaced, ...]:
    """Every client without a clinician, with the reason."""
    holders: dict[int, list[int]] = defaultdict(list)
    for client, clinician in enumerate(pairs.clinician.tolist()):
        holders[clinician].append(client)
    return tuple(_unplaced(case, pairs, holders, client) for client in holders[NOBODY])


def _unplaced(
    case: SolverInput, pairs: AssignedPairs, holders: Mapping[int, Sequence[int]], client: int
) -> Unplaced:
    name, candidates = case.waiting_list.waiting[client].client_id, case.candidates
    own = candidates.rows_of(client)
    if not len(own):
        removals = list(candidates.constraint_counts[client])
        removals.sort(key=lambda count: (-count.removed_only_by_it, -count.removed))
        return Unplaced(name, "nobody_fits", tuple(removals))
    if not case.has_place[own].any():
        return Unplaced(name, "no_places")
    own = own[case.has_place[own] & case.above_floor[own]]
    if not len(own):
        return Unplaced(name, "below_floor")
    strongest = own[np.lexsort((candidates.clinician[own], -candidates.pairing[own]))]
    full = (_full(case, pairs, holders, pair) for pair in strongest[:MAX_FULL_SHOWN].tolist())
    return Unplaced(name, "places_taken", full=tuple(full))


def _full(
    case: SolverInput, pairs: AssignedPairs, holders: Mapping[int, Sequence[int]], pair: int
) -> FullClinician:
    clinician = int(case.candidates.clinician[pair])
    others = holders.get(clinician, ())
    alliance = float(case.candidates.alliance[pair])
    return FullClinician(
        clinician_id=case.waiting_list.clinician_ids[clinician],
        predicted=None if np.isnan(alliance) else alliance,
        holders=tuple(_holder(case, pairs, other, pair) for other in others),
        limit_reached=len(others) < int(case.waiting_list.places[clinician]),
    )


def _holder(case: SolverInput, pairs: AssignedPairs, other: int, pair: int) -> Holder:
    """The client who has the place of a candidate pair, and what ranks them first."""
    listed, rank, pairing = case.waiting_list, case.problem.rank, case.candidates.pairing
    client, holder = int(case.candidates.client[pair]), listed.waiting[other]
    if listed.promised_to[other] != NOBODY:
        return Holder(holder.client_id, PROMISED, None)
    if rank[other] < rank[client]:
        return Holder(holder.client_id, "comes_first", None)
    ahead = holder.weight * pairing[pairs.pair[other]]
    ahead -= listed.waiting[client].weight * pairing[pair]
    return Holder(holder.client_id, "gains_as_much", float(ahead))


def _places_used(
    case: SolverInput, pairs: AssignedPairs, roster: Roster, unknown: Flags
) -> tuple[PlacesUsed, ...]:
    listed = case.waiting_list
    used = np.bincount(pairs.clinician[pairs.clinician != NOBODY], minlength=len(roster))
    counts = zip(listed.places.tolist(), listed.promised.tolist(), used.tolist(), strict=True)
    return tuple(
        PlacesUsed(
            clinician_id=roster.ids[row],
            name=roster.name_of(row),
            places=None if unknown[row] else places,
            promised=promised,
            assigned=assigned - promised,
        )
        for row, (places, promised, assigned) in enumerate(counts)
    )


def _marginal_place(case: SolverInput, before: AssignedPairs, gain: MarginalGain) -> MarginalPlace:
    after = _assigned_pairs(case, gain.chosen)
    both = (after.pair != NOBODY) & (before.pair != NOBODY)
    new, old = after.pair[both], before.pair[both]
    newly = np.flatnonzero((before.clinician == NOBODY) & (after.clinician != NOBODY))
    pairing, waiting = case.candidates.pairing, case.waiting_list.waiting
    return MarginalPlace(
        clinician_id=case.waiting_list.clinician_ids[gain.clinician],
        placed=sum(gain.placed),
        points=float((pairing[new] - pairing[old]).sum()),
        newly_assigned=tuple(waiting[client].client_id for client in newly.tolist()),
        moved=int((new != old).sum()),
    )
