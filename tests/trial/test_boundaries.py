"""Boundaries are those of published tables, and a trial without an effect seldom crosses them."""

import numpy as np
import pytest

from recommender.trial.boundaries import (
    boundaries_at,
    crossings_of,
    spent_on_benefit,
    spent_on_harm,
)

FIVE = [20, 40, 60, 80, 100]


def test_boundaries_are_those_of_published_software() -> None:
    """gsDesign 3.x, sfLDOF and sfLDPocock, one-sided .025, five looks."""
    benefit = boundaries_at(FIVE, 100, spent_on_benefit, 0.025)
    harm = boundaries_at(FIVE, 100, spent_on_harm, 0.025)
    assert np.round(benefit, 3).tolist() == [4.877, 3.357, 2.680, 2.290, 2.031]
    assert np.round(harm, 2).tolist() == [2.44, 2.43, 2.41, 2.40, 2.39]


@pytest.mark.parametrize("counts", [FIVE, [37, 100], [100], [10, 11, 95, 130]])
def test_all_looks_together_spend_the_error_whatever_their_times(counts: list[int]) -> None:
    bounds = boundaries_at(counts, 100, spent_on_benefit, 0.025)
    times = [each / 100 for each in counts]
    assert crossings_of(times, bounds, 0.0).power == pytest.approx(0.025, abs=2e-5)


def test_a_later_look_does_not_change_an_earlier_boundary() -> None:
    assert boundaries_at([50], 100, spent_on_harm, 0.025) == pytest.approx(
        boundaries_at([50, 80], 100, spent_on_harm, 0.025)[:1]
    )


def test_the_last_look_of_a_trial_that_ends_early_spends_what_is_left() -> None:
    (bound,) = boundaries_at([40], 100, spent_on_benefit, 0.025, last=True)
    assert bound == pytest.approx(1.96, abs=0.001)


def test_crossings_are_those_of_simulated_walks() -> None:
    bounds = boundaries_at([50, 75, 100], 100, spent_on_benefit, 0.025)
    rng, drift = np.random.default_rng(1), 2.8
    steps = rng.normal(drift * np.array([0.5, 0.25, 0.25]), np.sqrt([0.5, 0.25, 0.25]), (40_000, 3))
    z = np.cumsum(steps, axis=1) / np.sqrt([0.5, 0.75, 1.0])
    crossed = (z >= bounds).any(axis=1).mean()
    assert crossings_of([0.5, 0.75, 1.0], bounds, drift).power == pytest.approx(crossed, abs=0.008)
