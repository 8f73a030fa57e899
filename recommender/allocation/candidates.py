"""Who of the roster each client on a list could see, what is predicted, and how it compares.

Whether a clinician has a place is left to the solver: here everybody is looked at as if there were
one, so that it can be said what one more would be worth. Imported by `allocate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from recommender.allocation.problem import Array, Flags, Places
from recommender.allocation.terms import Floor
from recommender.compute.progress import Progress
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.columns import Columns
from recommender.recommendation.batch_scoring import ScoredBatch, score_batches
from recommender.screening.screen import ConstraintCount
from recommender.tables.roster import Roster

RESOLVED = 6
"""Decimals of a point that are kept: finer ones differ between machines."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Everyone on a list with everyone who fits them, n pairs, client by client.

    Attributes
    ----------
    client, clinician : (n,) int
    pairing : (n,)
        What is particular to the two, in points; 0 where nothing may be predicted.
    alliance : (n,)
        Predicted alliance as it may be told; NaN where nothing may be predicted.
    reservations : (n,) int
        Soft constraints not met.
    ledgers
        What removed whom, by client, for clients whom nobody fits.
    """

    client: Places
    clinician: Places
    pairing: Array
    alliance: Array
    reservations: Places
    ledgers: dict[int, tuple[ConstraintCount, ...]]

    def rows_of(self, client: int) -> Places:
        """Which of the pairs are one client's."""
        return np.arange(*np.searchsorted(self.client, [client, client + 1]))

    def first(self, counts: Flags, clients: int) -> Places:
        """The pair of each client's first choice among those that count, (clients,); or -1."""
        order = np.lexsort((self.clinician, -self.pairing, self.client))
        order = order[counts[order]]
        owners, where = np.unique(self.client[order], return_index=True)
        first = np.full(clients, -1, dtype=np.intp)
        first[owners] = order[where]
        return first

    def above(self, floor: Floor, first: Places) -> Flags:
        """Pairs that are not below the floor, (n,); where nothing is predicted there is none."""
        kept = np.ones(len(self.client), dtype=np.bool_)
        if floor.within is not None:
            own = first[self.client]
            ahead = np.where(own >= 0, self.pairing[own], -np.inf)
            kept &= ahead - self.pairing <= floor.within + 10.0**-RESOLVED
        if floor.level is not None:
            kept &= ~(self.alliance < floor.level)
        return kept


def candidates_of(
    ids: Sequence[str],
    clients: Columns,
    standing: RosterEncoding,
    model: AllianceModel,
    day: date,
    progress: Progress,
) -> Candidates:
    """Screens and scores a list, a few hundred clients at a time."""
    roster = _as_if_free(standing.roster, model.practice.places)
    parts = [_NOBODY]
    done = 0
    for crowd in score_batches(
        ids, clients, RosterEncoding(roster, standing.clinician), model, day
    ):
        parts.append(_part(crowd, model, done))
        done += len(crowd.ids)
        progress("who fits whom", done / len(ids))
    return _joined(parts)


def _part(crowd: ScoredBatch, model: AllianceModel, start: int) -> Candidates:
    fitting = [np.flatnonzero(screening.eligible) for screening in crowd.screenings]
    client = np.repeat(np.arange(len(fitting)), [len(places) for places in fitting])
    pairing, alliance = np.zeros(len(client)), np.full(len(client), np.nan)
    scored = crowd.agree[client]
    pairing[scored] = np.round(crowd.scores.pairing, RESOLVED)
    alliance[scored] = model.linker.to_displayed(crowd.scores.alliance)
    noted = [
        np.count_nonzero(screening.cautioning[:, places], axis=0)
        for screening, places in zip(crowd.screenings, fitting, strict=True)
    ]
    ledgers = {
        start + place: crowd.screenings[place].constraint_counts
        for place, places in enumerate(fitting)
        if not len(places)
    }
    clinician, reservations = np.concatenate(fitting), np.concatenate(noted)
    return Candidates(client + start, clinician, pairing, alliance, reservations, ledgers)


def _joined(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(
        client=np.concatenate([part.client for part in parts]),
        clinician=np.concatenate([part.clinician for part in parts]),
        pairing=np.concatenate([part.pairing for part in parts]),
        alliance=np.concatenate([part.alliance for part in parts]),
        reservations=np.concatenate([part.reservations for part in parts]),
        ledgers={client: ledger for part in parts for client, ledger in part.ledgers.items()},
    )


_NONE = np.empty(0, dtype=np.intp)
_NOBODY = Candidates(_NONE, _NONE, np.empty(0), np.empty(0), _NONE, {})


def _as_if_free(roster: Roster, places: str | None) -> Roster:
    if places is None:
        return roster
    free = np.fmax(roster.columns[places], 1.0)
    columns = Columns(len(roster), {**roster.columns.values, places: free})
    return Roster(roster.ids, roster.names, columns, roster.version, roster.taken_at)
