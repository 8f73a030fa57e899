"""Screens many clients against one roster in one pass, each as `ScreeningCache.screen` does alone.

Each different group of answers is judged once; whom it excludes is a row of a table, to which each
of the clients refers. Only constraints about some ways of meeting have flags of every pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.rules.packed_flags import Bits, Flags, counted, packed, unpacked
from recommender.screening.cache import LISTED, ScreeningCache
from recommender.screening.codes import MET, packed_codes
from recommender.screening.equal_answers import rows_by_answers
from recommender.screening.layout import Layout
from recommender.screening.meetings import Meetings, is_common

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ScreenedClients:
    """What k constraints do to n clinicians for each of C clients.

    Attributes
    ----------
    layout
        The k constraints.
    clinicians
        How many there are.
    table : (2, R, n / 8)
        Whom constraints exclude, and where they are reservations, as bits. The first row has none.
    row : (C, k)
        The row of the table for each constraint; the first for those of `places`.
    places : (d,)
        The constraints that have flags of every pair.
    flags : (2, d, C, n / 8)
        These flags.
    excluded : (2, C, n / 8)
        Whom any constraint excludes, and whom several exclude.
    """

    layout: Layout
    clinicians: int
    table: Bits
    row: Places
    places: Places
    flags: Bits
    excluded: Bits

    @property
    def eligible(self) -> Flags:
        """Whether no constraint excludes each clinician, (C, n)."""
        return ~unpacked(self.excluded[0], self.clinicians)

    def removed(self) -> tuple[Places, Places]:
        """How many clinicians each constraint excludes, and it alone excludes, (C, k) each."""
        alone = self.excluded[0] & ~self.excluded[1]
        removed, only = np.zeros((2, *self.row.shape), dtype=np.intp)
        by_row = counted(self.table[0])
        client, place = by_row[self.row].nonzero()
        rows = self.row[client, place]
        removed[client, place] = by_row[rows]
        only[client, place] = counted(self.table[0, rows] & alone[client])
        removed[:, self.places] = counted(self.flags[0]).T
        only[:, self.places] = counted(self.flags[0] & alone).T
        return removed, only

    def reserved(self, client: Places, clinician: Places) -> Flags:
        """Where constraints are reservations about m pairs of a client and a clinician, (m, k)."""
        found = np.zeros((len(client), self.row.shape[1]), dtype=np.bool_)
        byte, bit = clinician // 8, np.left_shift(1, clinician % 8).astype(np.uint8)
        some: Flags = np.asarray(self.table[1].any(axis=1))
        places = np.flatnonzero(some[self.row].any(axis=0))
        rows = self.row[client[:, None], places]
        found[:, places] = self.table[1][rows, byte[:, None]] & bit[:, None]
        found[:, self.places] = (self.flags[1][:, client, byte] & bit).T
        return found


def screen_clients(cache: ScreeningCache, ids: Sequence[str], clients: Columns) -> ScreenedClients:
    """Screens clients, one row each, in the declared modes of their constraints."""
    layout = cache.layout
    table, row = _direct(cache, ids, clients)
    places, alone = layout.about_ways.places, np.zeros(clients.size, dtype=np.bool_)
    if is_common(layout):
        context = cache.context_of(None)
        meetings = Meetings(layout, clients, cache.roster.columns, context, alone)
        flags = meetings.flags(table[:, row[:, places].T])
    else:
        where_and_when = (*layout.by_way, *layout.moving, *layout.distances)
        places = np.union1d(places, [layout.places[each.name] for each in where_and_when])
        places = places.astype(np.intp)
        flags = np.empty((2, len(places), clients.size, table.shape[2]), dtype=np.uint8)
        alone = ~alone
    for client in alone.nonzero()[0].tolist():
        own = cache.screen(clients.row(client), ids[client])
        flags[0, :, client] = packed(own.excluding[places] != MET)
        flags[1, :, client] = packed(own.cautioning[places] != MET)
    row[:, places] = 0
    excluded = _excluded(table[0], row, flags[0])
    return ScreenedClients(layout, len(cache.roster), table, row, places, flags, excluded)


def _excluded(table: Bits, row: Places, of_pairs: Bits) -> Bits:
    """Whom any constraint excludes, and whom several exclude, (2, C, n / 8)."""
    some: Flags = np.asarray(table.any(axis=1))
    by_answers = (table[rows] for rows in row.T if some[rows].any())
    once, again = np.zeros((2, len(row), table.shape[1]), dtype=np.uint8)
    for excluding in (*by_answers, *of_pairs):
        again |= once & excluding
        once |= excluding
    return np.stack([once, again])


def _direct(cache: ScreeningCache, ids: Sequence[str], clients: Columns) -> tuple[Bits, Places]:
    """What constraints do by answers, (2, R, n / 8), and the row of each client's, (C, k)."""
    table = [np.zeros((2, -(-len(cache.roster) // 8)), dtype=np.uint8)]
    places: dict[int, int] = {}

    def row_of(flags: Bits | None) -> int:
        if flags is None:
            return 0
        if id(flags) not in places:
            places[id(flags)] = len(table)
            table.append(flags)
        return places[id(flags)]

    row = np.zeros((clients.size, len(cache.layout.constraints)), dtype=np.intp)
    for place, codes in cache.unanswered.codes:
        row[:, place] = row_of(packed_codes(codes))
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
            found = cache.of_group(number, key, partial(some.row, first), ids[first])
            for place, flags in found:
                row[rows, place] = row_of(flags)
    return np.stack(table, axis=1), row
