"""The noise of a contribution keeps to its budget, and tells the reader how little is left."""

import numpy as np
import pytest
from scipy.stats import norm

from recommender.model.mixed.absorbed import absorbed
from recommender.model.mixed.blocks import IndexBlock, Ints
from recommender.pooling.noise import (
    LONGEST_ROW,
    SENSITIVITY,
    clipped_rows,
    gaussian_multiplier,
    less_noise,
    with_noise,
)
from tests.support.contributions import an_invented_contribution

LARGEST, SIGMA2 = 1.5, 0.5


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 10.0])
def test_the_multiplier_is_the_least_that_keeps_to_the_budget(epsilon: float) -> None:
    delta = 1e-5

    def exceeds(s: float) -> float:
        more = norm.cdf(0.5 / s - epsilon * s)
        return float(more - np.exp(epsilon) * norm.cdf(-0.5 / s - epsilon * s))

    s = gaussian_multiplier(epsilon, delta)

    assert exceeds(s) == pytest.approx(delta, rel=1e-6)
    assert exceeds(0.99 * s) > delta


def test_no_client_moves_the_numbers_further_than_the_noise_allows_for() -> None:
    rng = np.random.default_rng(1)
    size, clinicians = 60, 6
    rows = clipped_rows(rng.normal(0, 1, (size, 4)))
    label = np.clip(rng.normal(0, 2, size), -LARGEST, LARGEST)
    clinician: Ints = rng.integers(clinicians, size=size)
    scaled = np.column_stack([rows / LONGEST_ROW, label / LARGEST])

    def cross_product(chosen: np.ndarray) -> np.ndarray:
        # The outcome as one more column of interest gives the whole cross-product.
        return absorbed(
            np.zeros(len(chosen)),
            scaled[chosen],
            [IndexBlock("clinicians", clinician[chosen], clinicians)],
            variances={"clinicians": 0.2},
            sigma2=SIGMA2,
            tau2=0.0,
            weights=np.ones(len(chosen)),
            group=np.full(len(chosen), -1, dtype=np.int64),
        ).precision

    everyone = np.arange(size)
    whole = cross_product(everyone)
    # Released are the upper triangle of the precision and the score, and not the sum of squares.
    released = np.triu(np.ones((5, 5)))
    released[4, 4] = 0.0
    moved = [
        np.linalg.norm(released * (whole - cross_product(np.delete(everyone, each))))
        for each in everyone
    ]

    assert max(moved) <= SENSITIVITY / SIGMA2
    # The bound is not idle: some client comes within a fifth of it.
    assert max(moved) > SENSITIVITY / SIGMA2 / 5


def test_noise_has_the_size_it_states() -> None:
    own = an_invented_contribution(1).equations
    rng = np.random.default_rng(2)
    drawn = [
        with_noise(
            own, epsilon=3.0, delta=1e-5, largest_residual=LARGEST, least_variance=SIGMA2, rng=rng
        )
        for _ in range(200)
    ]
    budget = drawn[0][1]
    scores = np.array([noisy.score - own.score for noisy, _ in drawn])

    assert scores.std() == pytest.approx(budget.score_sd, rel=0.1)
    assert all(np.linalg.eigvalsh(noisy.precision)[0] > -1e-6 for noisy, _ in drawn)
    assert all(np.array_equal(noisy.precision, noisy.precision.T) for noisy, _ in drawn)


def test_noise_lowers_what_a_contribution_tells() -> None:
    own = an_invented_contribution(1).equations
    honest = less_noise(own, 30.0)
    # The score has the mean A b and the variance A + N: the estimate A^-1 g has A^-1 (A + N) A^-1.
    inverse = np.linalg.inv(own.precision)
    covariance = inverse @ (own.precision + 900 * np.eye(6)) @ inverse

    assert honest.precision == pytest.approx(np.linalg.inv(covariance), rel=1e-9)
    assert less_noise(own, 0.0).score == pytest.approx(own.score)


def test_rows_are_shortened_and_short_ones_are_not_changed() -> None:
    rows = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    clipped = clipped_rows(rows)

    assert np.linalg.norm(clipped[0]) == pytest.approx(LONGEST_ROW)
    assert np.array_equal(clipped[1:], rows[1:])
