"""Upper bounds of the trees' part of a prediction when some of its columns change."""

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.tables import ScoreTable

Places = NDArray[np.intp]


def most_by_way(table: ScoreTable, columns: Set[int]) -> tuple[Places, Array]:
    """The most by which the value of each tree that reads some columns rises, were these to change.

    Returns
    -------
    (t,) int
        The trees that read one of the columns.
    (t, ways)
        Points by way, at least 0.
    """
    splits = table.splits
    # Places beyond the last split stand for splits that a tree does not have.
    reads = np.append(np.isin(splits.feature, list(columns)), False)[splits.places]
    trees = np.flatnonzero(reads.any(axis=0))
    values, ways = table.values[trees], np.arange(table.values.shape[1])
    most = values.copy()
    for split, moves in enumerate(reads[:, trees]):
        most[moves] = np.maximum(most[moves], most[moves][:, ways ^ (1 << split)])
    return trees, most - values
