"""Screens many clients against one roster in one pass, each as `ScreeningCache.screen` does alone.

Each different group of answers is judged once; its codes are a row of a table, to which each of
the clients refers. Only constraints about some ways of meeting have codes of every pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.screening.cache import LISTED, ScreeningCache
from recommender.screening.codes import MET, Codes, VerdictCodes
from recommender.screening.equal_answers import rows_by_answers
from recommender.screening.layout import Layout
from recommender.screening.meetings import Meetings, is_common

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ScreenedClients:
    """What k constraints do to n clinicians for each of C clients.

    Attributes
    ----------
    layout
        The k constraints.
    table : (2, R, n)
        Codes of constraints: where one excludes, and where it is a reservation. The first row is
        `MET` throughout.
    row : (C, k)
        The row of the table with the codes of each constraint; the first for those of `places`.
    places : (d,)
        The constraints that have codes of every pair.
    codes : (2, d, C, n)
        These codes.
    excluded_by : (C, n)
        How many constraints exclude each clinician.
    """

    layout: Layout
    table: Codes
    row: Places
    places: Places
    codes: Codes
    excluded_by: NDArray[Any]

    @property
    def eligible(self) -> Flags:
        """Whether no constraint excludes each clinician, (C, n)."""
        return np.asarray(self.excluded_by == 0)

    def removed(self) -> tuple[Places, Places]:
        """How many clinicians each constraint excludes, and it alone excludes, (C, k) each."""
        alone = self.excluded_by == 1
        removed, only = np.zeros((2, *self.row.shape), dtype=np.intp)
        excluding = self.table[0] != MET
        some = excluding.any(axis=1)
        client, place = some[self.row].nonzero()
        rows = self.row[client, place]
        removed[client, place] = np.count_nonzero(excluding, axis=1)[rows]
        only[client, place] = np.count_nonzero(excluding[rows] & alone[client], axis=1)
        of_pairs = self.codes[0] != MET
        removed[:, self.places] = np.count_nonzero(of_pairs, axis=2).T
        only[:, self.places] = np.count_nonzero(of_pairs & alone, axis=2).T
        return removed, only

    def reserved(self, client: Places, clinician: Places) -> Flags:
        """Where constraints are reservations about m pairs of a client and a clinician, (m, k)."""
        found = np.zeros((len(client), self.row.shape[1]), dtype=np.bool_)
        places = (self.table[1] != MET).any(axis=1)[self.row].any(axis=0).nonzero()[0]
        rows = self.row[client[:, None], places]
        found[:, places] = self.table[1][rows, clinician[:, None]] != MET
        found[:, self.places] = (self.codes[1][:, client, clinician] != MET).T
        return found


def screen_clients(cache: ScreeningCache, ids: Sequence[str], clients: Columns) -> ScreenedClients:
    """Screens clients, one row each, in the declared modes of their constraints."""
    layout = cache.layout
    table, row = _direct(cache, ids, clients)
    places, alone = layout.about_ways.places, np.zeros(clients.size, dtype=np.bool_)
    if is_common(layout):
        context = cache.context_of(None)
        meetings = Meetings(layout, clients, cache.roster.columns, context, alone)
        codes = meetings.codes(table[:, row[:, places].T])
    else:
        where_and_when = (*layout.by_way, *layout.moving, *layout.distances)
        places = np.union1d(places, [layout.places[each.name] for each in where_and_when])
        places = places.astype(np.intp)
        codes, alone = (
            np.empty((2, len(places), clients.size, len(cache.roster)), dtype=np.int8),
            ~alone,
        )
    for client in alone.nonzero()[0].tolist():
        own = cache.screen(clients.row(client), ids[client])
        codes[:, :, client] = own.excluding[places], own.cautioning[places]
    row[:, places] = 0
    excluded_by = _excluded_by(np.asarray(table[0] != MET), row)
    excluded_by += np.add.reduce(codes[0] != MET, axis=0, dtype=excluded_by.dtype)
    return ScreenedClients(layout, table, row, places, codes, excluded_by)


def _excluded_by(excluding: Flags, row: Places) -> NDArray[Any]:
    """How many of the constraints in a table exclude each clinician, (C, n)."""
    some = np.asarray(excluding.any(axis=1))
    # The first row excludes nobody: each client has a part of the sum.
    client, place = np.concatenate([some[row], np.ones((len(row), 1), np.bool_)], axis=1).nonzero()
    rows = np.concatenate([row, np.zeros((len(row), 1), np.intp)], axis=1)[client, place]
    starts = np.searchsorted(client, np.arange(len(row)))
    kind = np.min_scalar_type(row.shape[1])
    return np.add.reduceat(excluding[rows].view(np.uint8), starts, axis=0, dtype=kind)


def _direct(cache: ScreeningCache, ids: Sequence[str], clients: Columns) -> tuple[Codes, Places]:
    """The codes of constraints by answers, (2, R, n), and the row of each client's, (C, k)."""
    layout, unanswered = cache.layout, dict(cache.unanswered.codes)
    met = np.zeros((2, len(cache.roster)), dtype=np.int8)
    table = [met]
    places: dict[int, int] = {}

    def row_of(codes: VerdictCodes | None) -> int:
        if codes is None:
            return 0
        key = id(codes.both)
        if key not in places:
            places[key] = len(table)
            table.append(codes.both)
        return places[key]

    row = np.zeros((clients.size, len(layout.constraints)), dtype=np.intp)
    for place, codes in unanswered.items():
        row[:, place] = row_of(codes)
    named = [name if name in cache.listed else LISTED for name in ids]
    for number, group in enumerate(cache.groups):
        if group.is_personal:
            continue
        fields = [name for name in group.fields if name != LISTED]
        more = [named] if LISTED in group.fields else []
        some = clients.only(fields)
        groups = rows_by_answers([*some.values.values()], *more)
        for key, rows in groups.items():
            first = int(rows[0])
            judged = cache.of_group(number, key, partial(some.row, first), ids[first])
            if judged is not None:
                for place, codes in judged.codes:
                    row[rows, place] = row_of(codes)
    return np.stack(table, axis=1), row
