"""The trees of the pairing part, with what each clinician decides of their splits compiled."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.ensemble import Trees, narrow
from recommender.model.trees.groups import CHUNK_ROWS as GROUP_ROWS
from recommender.model.trees.groups import TreeGroups
from recommender.model.trees.tables import (
    CHUNK_ROWS,
    ScoreTable,
    Splits,
    SplitTable,
    Ways,
    in_chunks,
)

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
MANY = 500
"""Clinicians from which those who may be the strongest are found before scores are exact."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTrees:
    """Trees whose splits on clinicians' columns are known for n clinicians.

    Attributes
    ----------
    table
        The trees' scores by way.
    splits
        Its splits on columns of clients, then of clinicians, then of both.
    of_client, of_both
        The first and the last of these.
    left : (splits, n)
        Whether each clinician goes left at the splits on clinicians' columns.
    groups
        The trees in groups, for scores that are nearly equal; None for few clinicians.
    """

    table: ScoreTable
    splits: SplitTable
    of_client: Splits
    of_both: Splits
    left: Flags
    groups: TreeGroups | None

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
        ways = np.empty((self.splits.places.shape[1], len(client)), dtype=np.uint8)
        for some, sides in self._sides(client_rows, match, history, client, clinician, CHUNK_ROWS):
            ways[:, some] = self.splits.ways(sides)
        return ways

    def nearly(
        self, client_rows: Array, match: Array, history: Array, client: Places, clinician: Places
    ) -> NDArray[np.float32]:
        """Nearly the score of each of m pairs, (m,), as `TreeGroups.score`; see `ways`."""
        assert self.groups is not None
        scores = np.empty(len(client), dtype=np.float32)
        for some, sides in self._sides(client_rows, match, history, client, clinician, GROUP_ROWS):
            scores[some] = self.groups.score(sides)
        return scores

    def _sides(
        self,
        client_rows: Array,
        match: Array,
        history: Array,
        client: Places,
        clinician: Places,
        most: int,
    ) -> Iterator[tuple[slice, Flags]]:
        """Whether pairs go left at each split, (splits + 1, pairs), so many pairs at once."""
        is_one, splits, left = len(client_rows) == 1, self.splits, self.left
        clients = self.of_client.left(narrow(client_rows.T))
        columns = narrow(np.concatenate([match, history]))
        first, second = len(clients), len(clients) + len(left)
        for some in in_chunks(len(client), most):
            sides = splits.no_sides(len(client[some]))
            sides[:first] = clients if is_one else clients.take(client[some], axis=1)
            sides[first:second] = left.take(clinician[some], axis=1)
            self.of_both.left(columns[:, some], out=sides[second:-1])
            yield some, sides


def compile_trees(trees: Trees, clinician_rows: Array, client_columns: int) -> CompiledTrees | None:
    """The trees with n clinicians of (n, columns) rows; None where the trees have no table."""
    if trees.scores is None:
        return None
    firsts = (0, client_columns, client_columns + clinician_rows.shape[1])
    splits, (of_client, of_clinician, of_both) = trees.scores.splits.arranged(firsts)
    left = of_clinician.left(narrow(clinician_rows.T))
    groups = None
    if len(clinician_rows) >= MANY and trees.groups is not None:
        groups = trees.groups.arranged(firsts)
    return CompiledTrees(trees.scores, splits, of_client, of_both, left, groups)
