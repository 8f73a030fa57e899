"""Which contributions differ from the others by more than chance and practices' usual differences.

For each contribution the others predict its score: with b and V the estimate of the others and its
variance, r = g - A b has the variance A + A (V + T) A, and Q = r' (A + A (V + T) A)^+ r follows a
chi-squared distribution with d degrees of freedom if the practice is like the others and T is known
(Cochran's Q for one study left out: Viechtbauer & Cheung 2010, Research Synthesis Methods 1:112).
T is estimated from the k others, so that Q / d is compared with F(d, (k - 1) d), as Knapp & Hartung
(2003, Statistics in Medicine 22:2693) do for one slope.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from recommender.model.mixed.absorbed import NormalEquations
from recommender.pooling.pool import (
    Pool,
    estimated_variance,
    marginal,
    summed,
    weak_precision,
)

LEAST_COMPARED = 3
"""Contributions from which it can be said which one differs; of two, either may."""
SIGNIFICANCE = 0.01
"""Chance that any contribution is named though all are alike, shared among them (Bonferroni)."""


@dataclass(frozen=True, slots=True)
class ContributionFinding:
    """How one contribution lies among the others.

    Attributes
    ----------
    contributor, key
        Whose.
    share
        Of what all say together, from 0 to 1.
    q, degrees, p
        The test of the module; NaN where there are too few to compare.
    influence
        Cook's distance: how far the common slopes move without it, squared, in their standard
        errors, averaged over the matches.
    deviates
        Whether it is named.
    """

    contributor: str
    key: str
    share: float
    q: float
    degrees: int
    p: float
    influence: float
    deviates: bool


def findings_of(pool: Pool) -> tuple[ContributionFinding, ...]:
    """A finding for each contribution, in the order of the pool.

    The most deviant is named first and left out of what the next are compared with: else one
    contribution that is far off would make its neighbours look strange.
    """
    named: dict[int, tuple[float, int, float]] = {}
    left = list(range(len(pool.contributions)))
    tests = _tests(pool, left)
    while tests:
        first = min(tests, key=lambda place: tests[place][2])
        if tests[first][2] >= SIGNIFICANCE / len(pool.contributions):
            break
        named[first] = tests[first]
        left.remove(first)
        tests = _tests(pool, left)
    nothing = (float("nan"), 0, float("nan"))
    shares = pool.shares()
    return tuple(
        ContributionFinding(
            each.contributor,
            each.key,
            float(shares[place]),
            *(named | tests).get(place, nothing),
            _influence(pool, place),
            place in named,
        )
        for place, each in enumerate(pool.contributions)
    )


def _tests(pool: Pool, among: Sequence[int]) -> dict[int, tuple[float, int, float]]:
    """Q, its degrees of freedom and its p of each contribution beside the others."""
    if len(among) < LEAST_COMPARED:
        return {}
    scaled = pool.scaled
    return {
        place: _test(scaled[place], [scaled[other] for other in among if other != place])
        for place in among
    }


def _test(own: NormalEquations, others: Sequence[NormalEquations]) -> tuple[float, int, float]:
    tau2, size = estimated_variance(others), len(own.score)
    together = summed([marginal(each, tau2) for each in others])
    variance = np.linalg.inv(together.precision + weak_precision(size))
    apart = own.score - own.precision @ (variance @ together.score)
    spread = own.precision + own.precision @ (variance + tau2 * np.eye(size)) @ own.precision
    values, directions = np.linalg.eigh((spread + spread.T) / 2)
    seen = values > 1e-9 * values[-1]
    q = float((((apart @ directions)[seen]) ** 2 / values[seen]).sum())
    degrees = int(seen.sum())
    p = fdtrc(degrees, (len(others) - 1) * degrees, q / degrees)
    return q, degrees, float(p)


def _influence(pool: Pool, place: int) -> float:
    size = len(pool.columns)
    parts = [marginal(each, pool.tau2) for each in pool.scaled]
    everyone = summed(parts)
    precision = everyone.precision + weak_precision(size)
    slopes = np.linalg.solve(precision, everyone.score)
    rest_precision = precision - parts[place].precision
    moved = slopes - np.linalg.solve(rest_precision, everyone.score - parts[place].score)
    return float(moved @ precision @ moved) / size
