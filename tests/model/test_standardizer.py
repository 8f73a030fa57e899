"""Scales: learned from what is known, applied alike ever after."""

import numpy as np

from recommender.model.interactions import fit_standardizer


def test_scales_are_those_of_known_answers_alone() -> None:
    scale = fit_standardizer(
        np.array([[1.0, 5.0, np.nan], [3.0, 5.0, np.nan], [np.nan, 5.0, np.nan]])
    )

    assert scale.mean.tolist() == [2, 5, 0]
    assert scale.interval.tolist() == [1, 1, 1]
    assert scale.apply(np.array([[3.0, np.nan, 9.0]])).tolist() == [[1, 0, 9]]


def test_matches_are_scaled_but_never_moved_so_that_no_difference_stays_none() -> None:
    scale = fit_standardizer(np.array([[2.0], [4.0]]), centre=False)

    assert scale.mean.tolist() == [0]
    assert scale.apply(np.array([[0.0]])).tolist() == [[0]]
