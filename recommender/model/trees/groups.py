"""Trees in groups whose sums are looked up at once, for scores that are nearly equal."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.model.trees.tables import Flags, ScoreTable, SplitTable, looked_up

GROUP_SPLITS = 8
"""Different splits of a group at most: a way through a group is one byte."""
CHUNK_ROWS = 512
"""Rows looked up at once: some hundred kilobytes for some hundred groups."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeGroups:
    """The sums of groups of trees, by way through the splits of a group, in 32 bits.

    Attributes
    ----------
    splits
        The splits of the trees, of which `places` are those of each group.
    values : (groups, ways) float32
        What the trees of each group add to a score.
    error
        By how much a score may differ from that of the trees.
    """

    splits: SplitTable
    values: NDArray[np.float32]
    error: float

    def score(self, sides: Flags) -> NDArray[np.float32]:
        """Nearly the score of each row, (n,); `sides` are those of `SplitTable.ways`."""
        return np.asarray(np.add.reduce(looked_up(self.values, self.splits.ways(sides))))

    def arranged(self, firsts: Sequence[int]) -> "TreeGroups":
        """The groups with their splits in the order of `SplitTable.arranged`."""
        return TreeGroups(self.splits.arranged(firsts)[0], self.values, self.error)


def grouped(table: ScoreTable) -> TreeGroups:
    """The groups of the trees of a table."""
    splits = table.splits
    none = len(splits.feature)
    of_trees = [set(own) - {none} for own in splits.places.T.tolist()]
    groups = _groups(of_trees)
    ways = np.arange(1 << GROUP_SPLITS)
    places = np.full((GROUP_SPLITS, len(groups)), none, dtype=np.intp)
    sums = np.zeros((len(groups), len(ways)))
    for number, trees in enumerate(groups):
        own = sorted(set().union(*(of_trees[tree] for tree in trees)))
        places[: len(own), number] = own
        for tree in trees:
            taken = np.zeros_like(ways)
            for bit, split in enumerate(splits.places[:, tree].tolist()):
                if split != none:
                    taken |= (ways >> own.index(split) & 1) << bit
            sums[number] += table.values[tree].take(taken)
    values = sums.astype(np.float32)
    # Each number is rounded once, and each addition rounds a sum of at most all of them.
    largest = float(np.abs(sums).max(axis=1, initial=0.0).sum())
    error = (len(groups) + 1) * float(np.finfo(np.float32).eps) * largest
    by_group = SplitTable(
        splits.feature, splits.threshold, splits.if_missing, splits.if_zero, places
    )
    return TreeGroups(by_group, values, error)


def _groups(of_trees: Sequence[Set[int]]) -> list[list[int]]:
    """Trees in groups of at most `GROUP_SPLITS` different splits, many of them in common."""
    left, groups = dict(enumerate(of_trees)), []
    while left:
        trees, own = [], set[int]()
        while left:
            tree = min(left, key=lambda each: (len(left[each] - own), each))
            if len(own | left[tree]) > GROUP_SPLITS:
                break
            own |= left.pop(tree)
            trees.append(tree)
        groups.append(trees)
    return groups
