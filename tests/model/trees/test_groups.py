"""Sums of trees in groups are those of the trees, within their error."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.model.trees.ensemble import Trees, narrow
from recommender.model.trees.groups import GROUP_SPLITS
from tests.support.grown_trees import Rows, grown_on, odd_rows


def nearly_scored(trees: Trees, rows: Rows) -> NDArray[np.float32]:
    assert trees.scores is not None
    assert trees.groups is not None
    sides = trees.scores.splits.no_sides(len(rows))
    trees.scores.every.left(narrow(rows).T, out=sides[:-1])
    return trees.groups.score(sides)


@pytest.mark.parametrize("leaves", [2, 4, 7])
def test_scores_are_within_their_error(leaves: int) -> None:
    rows, label = odd_rows()
    trees = grown_on(rows, label, num_leaves=leaves)

    assert trees.groups is not None
    assert np.abs(nearly_scored(trees, rows) - trees.score(rows)).max() <= trees.groups.error


def test_a_group_has_few_splits_and_several_trees() -> None:
    rows, label = odd_rows()
    trees = grown_on(rows, label)

    assert trees.groups is not None
    assert trees.groups.splits.places.shape[0] == GROUP_SPLITS
    assert 2 * len(trees.groups.values) < trees.text.count("Tree=")
