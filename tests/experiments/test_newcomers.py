"""Clinicians without a rating are ordered no worse than by the evidence prior."""

import numpy as np
from threadpoolctl import threadpool_limits

from experiments.newcomers.__main__ import Newcomers, measured, row_of


def test_clinicians_without_a_rating_are_ordered_no_worse_than_by_the_prior() -> None:
    with threadpool_limits(limits=1):
        found = [measured(300, 40, seed, test_clients=200) for seed in (0, 1)]
    assert all(each.count >= 2 for each in found)
    assert np.mean([each.model - each.prior for each in found]) > 0


def test_a_practice_in_which_nobody_could_see_two_newcomers_is_left_out() -> None:
    known = [Newcomers(4, 0.5, 0.4, 0.6, 0.5), Newcomers(6, 0.7, 0.4, 0.7, 0.5)]
    nobody = Newcomers(1, float("nan"), float("nan"), 0.9, 0.1)
    row = row_of([*known, nobody], 300, 40)
    assert row == row_of(known, 300, 40)
    assert row.startswith("| 300 | 40 | 2 | 5 | 0.400 | 0.600 | +0.200 (")
