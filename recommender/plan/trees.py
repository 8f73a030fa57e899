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
    ends : (4,)
        The end of the splits on columns of clients, of clinicians, and of both, after a 0.
    firsts : (3,)
        The first column of each of these.
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
        splits, is_one = self.table.splits, len(client_rows) == 1
        of_client, of_clinician, of_both = map(self._part, range(3))
        clients = splits.left(narrow(client_rows.T), of_client)
        columns = narrow(np.concatenate([match, history]))
        ways = np.empty((splits.places.shape[1], len(client)), dtype=np.uint8)
        for some in in_chunks(len(client)):
            sides = splits.no_sides(len(client[some]))
            sides[of_client] = clients if is_one else clients.take(client[some], axis=1)
            sides[of_clinician] = self.clinicians.take(clinician[some], axis=1)
            splits.left(columns[:, some], of_both, self.firsts[2], out=sides[of_both])
            ways[:, some] = splits.ways(sides)
        return ways

    def _part(self, side: int) -> slice:
        """The splits on columns of clients, of clinicians or of both."""
        return slice(self.ends[side], self.ends[side + 1])


def compile_trees(trees: Trees, clinician_rows: Array, client_columns: int) -> CompiledTrees | None:
    """The trees with n clinicians of (n, columns) rows; None where the trees have no table."""
    if trees.scores is None:
        return None
    firsts = (0, client_columns, client_columns + clinician_rows.shape[1])
    splits = trees.scores.splits
    ends = (*np.searchsorted(splits.feature, firsts).tolist(), len(splits.feature))
    clinicians = splits.left(narrow(clinician_rows.T), slice(ends[1], ends[2]), firsts[1])
    return CompiledTrees(trees.scores, ends, firsts, clinicians)
