"""Candidate pairs of a waiting list and a roster, and the problem that the solver gets.

Open places are left to the solver: here every clinician counts as if there were one, so that the
value of one more place can be computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from recommender.allocation.solver import (
    NOBODY,
    Array,
    AssignmentProblem,
    CapacityLimit,
    Flags,
    Places,
)
from recommender.allocation.terms import (
    Floor,
    Limit,
    Terms,
    WaitingClient,
    members,
    min_places,
    ranks_of,
)
from recommender.compute.runner import Progress
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.recommendation.scored_batch import ScoredBatch, score_batches
from recommender.screening.reasons import ConstraintCount
from recommender.tables.roster import Roster

DECIMALS = 6
"""Decimals of a point that pairing parts are rounded to: finer ones differ between machines."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n pairs of a waiting client and an eligible clinician, client by client.

    Attributes
    ----------
    client, clinician : (n,) int
        Rows of the list and of the roster.
    pairing : (n,)
        Pairing part of the prediction, in points; 0 where nothing is predicted.
    alliance : (n,)
        Predicted alliance, clipped to the scale; NaN where nothing is predicted.
    reservations : (n,) int
        Number of soft constraints not met.
    constraint_counts
        Clinicians excluded by constraint, for clients without an eligible clinician.
    """

    client: Places
    clinician: Places
    pairing: Array
    alliance: Array
    reservations: Places
    constraint_counts: dict[int, tuple[ConstraintCount, ...]]

    def rows_of(self, client: int) -> Places:
        """The pairs of one client."""
        return np.arange(*np.searchsorted(self.client, [client, client + 1]))

    def first(self, counts: Flags, clients: int) -> Places:
        """The strongest pair of each client among those flagged, (clients,); -1 for none."""
        order = np.lexsort((self.clinician, -self.pairing, self.client))
        order = order[counts[order]]
        owners, where = np.unique(self.client[order], return_index=True)
        first = np.full(clients, -1, dtype=np.intp)
        first[owners] = order[where]
        return first

    def above_floor(self, floor: Floor, first: Places) -> Flags:
        """Whether each pair is at or above the floor, (n,); True where nothing is predicted."""
        passing = np.ones(len(self.client), dtype=np.bool_)
        if floor.within is not None:
            own = first[self.client]
            ahead = np.where(own >= 0, self.pairing[own], -np.inf)
            passing &= ahead - self.pairing <= floor.within + 10.0**-DECIMALS
        if floor.level is not None:
            passing &= ~(self.alliance < floor.level)
        return passing


def candidates_of(
    ids: Sequence[str],
    clients: Columns,
    encoding: RosterEncoding,
    model: AllianceModel,
    day: date,
    progress: Progress,
) -> Candidates:
    """Screens and scores a list in batches."""
    roster = _as_if_free(encoding.roster, model.practice.capacity)
    parts = [_NO_CANDIDATES]
    done = 0
    for batch in score_batches(
        ids, clients, RosterEncoding(roster, encoding.clinician), model, day
    ):
        parts.append(_part(batch, model, done))
        done += len(batch.ids)
        progress("eligible pairs", done / len(ids))
    return _concatenated(parts)


def _part(batch: ScoredBatch, model: AllianceModel, start: int) -> Candidates:
    screened = batch.screened
    client, clinician = np.nonzero(screened.eligible)
    pairing, alliance = np.zeros(len(client)), np.full(len(client), np.nan)
    scored = batch.agree[client]
    pairing[scored] = np.round(batch.pairs.scores.pairing, DECIMALS)
    alliance[scored] = model.linker.to_displayed(batch.pairs.scores.alliance)
    reservations = np.count_nonzero(screened.reserved(client, clinician), axis=1)
    alone = np.flatnonzero(~screened.eligible.any(axis=1)).tolist()
    counts = {start + place: batch.screening(place).constraint_counts for place in alone}
    return Candidates(client + start, clinician, pairing, alliance, reservations, counts)


def _concatenated(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(
        client=np.concatenate([part.client for part in parts]),
        clinician=np.concatenate([part.clinician for part in parts]),
        pairing=np.concatenate([part.pairing for part in parts]),
        alliance=np.concatenate([part.alliance for part in parts]),
        reservations=np.concatenate([part.reservations for part in parts]),
        constraint_counts={
            client: counts for part in parts for client, counts in part.constraint_counts.items()
        },
    )


_NONE = np.empty(0, dtype=np.intp)
_NO_CANDIDATES = Candidates(_NONE, _NONE, np.empty(0), np.empty(0), _NONE, {})


def _as_if_free(roster: Roster, capacity: Constraint | None) -> Roster:
    """The roster as if everyone had the places that the capacity constraint asks for."""
    if capacity is None:
        return roster
    field = capacity.clinician[0]
    free = np.fmax(roster.columns[field], min_places(capacity))
    columns = Columns(len(roster), {**roster.columns.values, field: free})
    return Roster(roster.ids, roster.names, columns, roster.version, roster.taken_at)


@dataclass(frozen=True, slots=True, eq=False)
class WaitingList:
    """The waiting clients by row, and what was promised to them.

    Attributes
    ----------
    waiting
        Sorted by client id.
    clinician_ids, places
        The roster and its places, promised ones included.
    promised_to, former : (clients,) int
        Place on the roster of the clinician promised to each, and of the one that an earlier
        allocation assigned; -1 for nobody.
    """

    waiting: Sequence[WaitingClient]
    clinician_ids: tuple[str, ...]
    places: Places
    promised_to: Places
    former: Places

    @property
    def promised(self) -> Places:
        """Number of clients promised to each clinician, (clinicians,)."""
        return np.bincount(self.promised_to[self.promised_to != NOBODY], minlength=len(self.places))


@dataclass(frozen=True, slots=True, eq=False)
class SolverInput:
    """A list, its candidate pairs, and the problem that remains after promises.

    Attributes
    ----------
    first : (clients,) int
        The strongest candidate pair of each client with a place; -1 for none.
    has_place : (candidates,)
        Whether the clinician of each pair has a place, assigned or not.
    above_floor : (candidates,)
        Whether each pair is at or above the floor.
    free : (pairs of the problem,) int
        The candidate of each pair of the problem.
    """

    waiting_list: WaitingList
    candidates: Candidates
    first: Places
    has_place: Flags
    above_floor: Flags
    free: Places
    problem: AssignmentProblem


def waiting_list(
    waiting: Sequence[WaitingClient], clinician_ids: tuple[str, ...], places: Places
) -> WaitingList:
    """A list with promises as places on the roster; a former clinician who left is nobody."""
    at = {clinician_id: place for place, clinician_id in enumerate(clinician_ids)}
    promised_to, former = (
        np.array([at.get(name or "", NOBODY) for name in names], dtype=np.intp)
        for names in (
            [w.promised_clinician_id for w in waiting],
            [w.former_clinician_id for w in waiting],
        )
    )
    return WaitingList(waiting, clinician_ids, places, promised_to, former)


def solver_input(
    waiting: WaitingList,
    clients: Columns,
    candidates: Candidates,
    practice: Practice,
    terms: Terms,
    day: date,
) -> SolverInput:
    """The problem to solve for a list on some terms."""
    client, clinician = candidates.client, candidates.clinician
    has_place = (waiting.places[clinician] > 0) | (waiting.promised_to[client] == clinician)
    first = candidates.first(has_place, len(waiting.waiting))
    above_floor = candidates.above_floor(terms.floor, first)
    free = np.flatnonzero(above_floor & (waiting.promised_to[client] == NOBODY))
    problem = AssignmentProblem(
        client=client[free],
        clinician=clinician[free],
        value=_value(waiting, candidates, terms.stay_bonus)[free],
        places=np.maximum(waiting.places - waiting.promised, 0),
        rank=ranks_of(waiting.waiting, terms.longest_wait_days, day),
        limits=tuple(
            _cap(limit, waiting, members(practice, clients, limit)) for limit in terms.limits
        ),
    )
    return SolverInput(waiting, candidates, first, has_place, above_floor, free, problem)


def _value(roll: WaitingList, fitting: Candidates, stay: float) -> Array:
    weight = np.array([each.weight for each in roll.waiting], dtype=np.float64)
    unchanged = roll.former[fitting.client] == fitting.clinician
    return np.asarray(weight[fitting.client] * fitting.pairing + stay * unchanged)


def _cap(limit: Limit, roll: WaitingList, about: Flags) -> CapacityLimit:
    """A limit less the promises it counts; a limit on one clinician leaves the others free."""
    promised = roll.promised_to[about & (roll.promised_to != NOBODY)]
    used = np.bincount(promised, minlength=len(roll.places))
    most = np.maximum(limit.max_clients - used, 0)
    if limit.clinician_id is not None:
        one = np.array([name == limit.clinician_id for name in roll.clinician_ids])
        most = np.where(one, most, len(about))
    return CapacityLimit(about, most)
