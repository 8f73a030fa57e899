"""Noise on what a practice shares, for a stated privacy budget (differential privacy).

Gaussian noise on the cross-product of rows that are clipped to a fixed length ("Analyze Gauss",
Dwork, Talwar, Thakurta & Zhang 2014, STOC), its size by the exact condition of the Gaussian
mechanism (Balle & Wang 2018, ICML, theorem 8).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr

from recommender.model.mixed.absorbed import NormalEquations
from recommender.model.mixed.blocks import Floats

LONGEST_ROW = 1.25
"""Length to which a row of centred matches is clipped, in units of the matches: on simulated
practices nine rows of ten are shorter."""
LARGEST_RESIDUAL = 0.25
"""Residual to which a rating is clipped, as a share of the width of the scale: one point of 4. Nine
residuals of ten are smaller on simulated practices."""
SENSITIVITY = 32**0.5
"""Most by which one client moves the released numbers, in the root of their summed squares, for
rows and residuals of length 1 and a residual variance of 1."""


@dataclass(frozen=True, slots=True)
class NoiseBudget:
    """What was added, and what it promises.

    Attributes
    ----------
    epsilon, delta
        The budget: with or without any one client, no outcome is more than exp(epsilon) times as
        probable, but for cases of probability delta. It covers the numbers of one contribution,
        given the client part and the variances, which all clients' ratings determine together.
    precision_sd, score_sd
        Standard deviation of the noise on an entry of the precision and of the score.
    """

    epsilon: float
    delta: float
    precision_sd: float
    score_sd: float


def gaussian_multiplier(epsilon: float, delta: float) -> float:
    """Standard deviation of the noise for a sensitivity of 1.

    The least s with Phi(1 / 2s - epsilon s) - exp(epsilon) Phi(-1 / 2s - epsilon s) <= delta.

    >>> round(gaussian_multiplier(1.0, 1e-5), 2)
    3.73
    """

    def excess(log_s: float) -> float:
        s = np.exp(log_s)
        upper = np.exp(log_ndtr(0.5 / s - epsilon * s))
        return float(upper - np.exp(epsilon + log_ndtr(-0.5 / s - epsilon * s)) - delta)

    return float(np.exp(brentq(excess, np.log(1e-3), np.log(1e4), xtol=1e-12)))


def clipped_rows(rows: Floats) -> Floats:
    """Rows shortened to `LONGEST_ROW` where they are longer, (n, p)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows * np.minimum(1.0, LONGEST_ROW / np.maximum(length, 1e-300)))


def with_noise(
    equations: NormalEquations,
    *,
    epsilon: float,
    delta: float,
    largest_residual: float,
    least_variance: float,
    rng: np.random.Generator,
) -> tuple[NormalEquations, NoiseBudget]:
    """Normal equations of clipped rows with noise, and the budget that the noise keeps to.

    With one row a client, and clinicians absorbed as random intercepts, a further row x with the
    residual e adds r r' / s to the precision and r d / s to the score, where r and d are x and e
    less a weighted mean of the others', and s is at least `least_variance`. Scaled to length 1
    each, r is at most 2 long and d at most 2 large: the upper triangle of r r' moves by at most 4
    and r d by at most 4, together by `SENSITIVITY`.

    Parameters
    ----------
    largest_residual
        Largest absolute residual, in points; rows are at most `LONGEST_ROW` long.
    least_variance
        Residual variance of the heaviest row, in points squared.
    """
    size = len(equations.score)
    sd = gaussian_multiplier(epsilon, delta) * SENSITIVITY / least_variance
    draws = np.triu(rng.normal(0.0, sd, (size + 1, size + 1)))
    symmetric = draws + np.triu(draws, 1).T
    noisy = NormalEquations(
        equations.precision + LONGEST_ROW**2 * symmetric[:size, :size],
        equations.score + LONGEST_ROW * largest_residual * symmetric[:size, size],
    )
    budget = NoiseBudget(epsilon, delta, LONGEST_ROW**2 * sd, LONGEST_ROW * largest_residual * sd)
    return replace(noisy, precision=_not_negative(noisy.precision)), budget


def _not_negative(matrix: Floats) -> Floats:
    """The nearest symmetric matrix without negative eigenvalues (Higham 1988)."""
    values, directions = np.linalg.eigh(matrix)
    nearest = (directions * np.maximum(values, 0.0)) @ directions.T
    # Symmetric to the last digit, as a reader of the file demands.
    return np.asarray((nearest + nearest.T) / 2)


def less_noise(equations: NormalEquations, score_sd: float) -> NormalEquations:
    """Normal equations as informative as a score with this noise on top of its own variance.

    The score has the mean A b and the variance A + N, N = score_sd^2 I, so that its information
    is A (A + N)^-1 A.
    """
    total = equations.precision + score_sd**2 * np.eye(len(equations.score))
    share = np.linalg.solve(total, np.column_stack([equations.precision, equations.score]))
    reduced = equations.precision @ share
    precision = (reduced[:, :-1] + reduced[:, :-1].T) / 2
    return NormalEquations(precision, reduced[:, -1])
