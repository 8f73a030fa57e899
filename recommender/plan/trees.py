"""The trees of the pairing part, with what each clinician decides of their splits compiled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.ensemble import Trees, narrow
from recommender.model.trees.tables import ScoreTable, Ways, in_chunks

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTrees:
    """Trees whose splits on clinicians' columns are known for n clinicians.

    Attributes
    ----------
    table
        The trees' scores by way; its splits are sorted by column.
    ends : (5,)
        The first split on each family of columns (client, clinician, match, history), and the end.
    firsts : (4,)
        The first column of each family.
    clinicians : (splits, n)
        Whether each clinician goes left at the splits on clinicians' columns.
    """

    table: ScoreTable
    ends: tuple[int, ...]
    firsts: tuple[int, ...]
    clinicians: Flags

    def ways(
        self, client_rows: Array, match: Array, history: Array, client: Places, clinician: Places
    ) -> Ways:
        """The way of each of m pairs through each tree, (trees, m).

        Parameters
        ----------
        client_rows : (clients, columns)
        match : (matches, m)
        history : (columns, m)
        client, clinician : (m,) int
            Rows of the clients and places of the roster.
        """
        clients, is_one = self._left(0, client_rows.T), len(client_rows) == 1
        ways = np.empty((self.table.splits.places.shape[1], len(client)), dtype=np.uint8)
        for some in in_chunks(len(client)):
            sides = self.table.splits.no_sides(len(client[some]))
            of_client, of_clinician, of_match, of_history = map(self._part, range(4))
            sides[of_client] = clients if is_one else clients.take(client[some], axis=1)
            sides[of_clinician] = self.clinicians.take(clinician[some], axis=1)
            sides[of_match] = self._left(2, match[:, some])
            sides[of_history] = self._left(3, history[:, some])
            ways[:, some] = self.table.splits.ways(sides)
        return ways

    def _part(self, family: int) -> slice:
        """The splits on a family of columns."""
        return slice(self.ends[family], self.ends[family + 1])

    def _left(self, family: int, columns: Array) -> Flags:
        return self.table.splits.left(narrow(columns), self._part(family), self.firsts[family])


def compile_trees(
    trees: Trees, clinician_rows: Array, client_columns: int, matches: int
) -> CompiledTrees | None:
    """The trees with n clinicians of (n, columns) rows; None where the trees have no table."""
    if trees.scores is None:
        return None
    widths = client_columns, clinician_rows.shape[1], matches
    firsts = (0, *np.cumsum(widths).tolist())
    splits = trees.scores.splits
    ends = (*np.searchsorted(splits.feature, firsts).tolist(), len(splits.feature))
    clinicians = splits.left(narrow(clinician_rows.T), slice(ends[1], ends[2]), firsts[1])
    return CompiledTrees(trees.scores, ends, firsts, clinicians)
