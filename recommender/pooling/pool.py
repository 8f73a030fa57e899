"""Several practices' contributions as one: variance between practices, and the slopes of a new one.

A practice j has slopes b_j ~ N(b, T), T = tau2 diag(unit^2), where the unit of a match is one over
the standard deviation of its column. Its contribution says -b_j' A_j b_j / 2 + g_j' b_j. With b_j
integrated out it says of b, with B_j = (I + A_j T)^-1,

    precision B_j A_j, score B_j g_j, and of T  g_j' T B_j g_j / 2 - log|I + A_j T| / 2,

which is the random-effects model of meta-analysis in the form of information (multivariate
REML: Jackson, Riley & White 2011, Statistics in Medicine 30:2481). At T = 0 both add up as they
are, and the fit to the sums is the fit to all rows together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize_scalar

from recommender.errors import RecommenderError
from recommender.model.mixed.absorbed import NormalEquations
from recommender.model.mixed.blocks import Floats
from recommender.pooling.practice_contribution import PracticeContribution
from recommender.pooling.signature import digest_of

EXPECTED_DIFFERENCE = 0.3
"""Prior median of the standard deviation between practices, as a share of the size of the slopes;
this project's choice. Few contributions cannot tell it."""
UNSURE = 0.7
"""Scale of the log of a prior variance, with Cauchy tails, as in the mixed model."""
WEAK = 1.0
"""Prior standard deviation of a slope where nothing else is known: one point for one standard
deviation of a match, far more than any match adds."""
LEAST_SIZE = 0.01
"""Least root mean square of slopes on which `EXPECTED_DIFFERENCE` is taken, in points for one
standard deviation of a match: below it nothing would matter for an order."""
SEARCH = (-14.0, 6.0)
"""Ends of the search for log tau2, from its prior median."""


@dataclass(frozen=True)
class Pool:
    """Contributions that agree on what is rated, and what they say together.

    Attributes
    ----------
    contributions
        At least one, in a fixed order, none twice.
    between
        The variance tau2 where it is given and not estimated.
    """

    contributions: tuple[PracticeContribution, ...]
    between: float | None = None

    def __post_init__(self) -> None:
        if not self.contributions:
            remedy = "give at least one contribution that is not left out"
            raise RecommenderError("pool", "has no contribution", remedy)
        if len({each.outcome_digest for each in self.contributions}) > 1:
            remedy = "combine practices with one reference instrument and one declaration of it"
            raise RecommenderError("pool", "has contributions that rate different things", remedy)
        keys = [each.key for each in self.contributions]
        twice = [each.contributor for each in self.contributions if keys.count(each.key) > 1]
        if twice:
            remedy = "leave one of the files out: a practice counts once"
            raise RecommenderError("pool", f"has two contributions of {twice[0]}", remedy)

    @cached_property
    def digest(self) -> str:
        """Names the pool by its contributions."""
        return digest_of({"contributions": sorted(each.digest for each in self.contributions)})

    @cached_property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Name and digest of every match that somebody shares, by name."""
        named = {(c.name, c.digest) for each in self.contributions for c in each.columns}
        return tuple(sorted(named))

    @cached_property
    def unit(self) -> Floats:
        """The value of each match that is one standard deviation net of the clinician, (p,)^-1."""
        squares, ratings = np.zeros(len(self.columns)), np.zeros(len(self.columns))
        for each in self.contributions:
            places = self._places(each)
            own = np.diagonal(each.usable.precision) * each.residual_variance
            squares[places] += own
            ratings[places] += each.ratings
        spread = np.sqrt(squares / ratings)
        return np.where(spread > 0, 1 / np.maximum(spread, 1e-12), 1.0)

    @cached_property
    def residual_variance(self) -> float:
        """Of one rating, averaged over all ratings, in points squared."""
        weights = [each.ratings for each in self.contributions]
        values = [each.residual_variance for each in self.contributions]
        return float(np.average(values, weights=weights))

    @cached_property
    def scaled(self) -> tuple[NormalEquations, ...]:
        """The equations of each contribution for slopes of one standard deviation, (p, p)."""
        return tuple(self._scaled(each) for each in self.contributions)

    @cached_property
    def tau2(self) -> float:
        """Variance between practices of a slope of one standard deviation, in points squared."""
        return estimated_variance(self.scaled) if self.between is None else self.between

    @cached_property
    def common(self) -> NormalEquations:
        """What all say of the slopes that practices have in common, in units of the matches."""
        total = summed([marginal(each, self.tau2) for each in self.scaled])
        return NormalEquations(
            total.precision / np.outer(self.unit, self.unit), np.asarray(total.score / self.unit)
        )

    def without(self, keys: frozenset[str]) -> "Pool":
        """The pool without the contributions signed with these keys."""
        left = tuple(each for each in self.contributions if each.key not in keys)
        return Pool(left, self.between)

    def shares(self) -> Floats:
        """The share of each contribution in what all say, adding up to 1, (contributions,).

        tr(L^-1 L_j) / p with L_j the precision of the one and L that of all and the weak prior;
        what is left is that prior's, and divided by their sum.
        """
        parts = [marginal(each, self.tau2).precision for each in self.scaled]
        inverse = np.linalg.inv(sum(parts) + weak_precision(len(self.columns)))
        traces = np.array([float((inverse * part).sum()) for part in parts])
        return np.asarray(traces / traces.sum())

    def _places(self, contribution: PracticeContribution) -> list[int]:
        return [self.columns.index((c.name, c.digest)) for c in contribution.columns]

    def _scaled(self, contribution: PracticeContribution) -> NormalEquations:
        places, usable = self._places(contribution), contribution.usable
        unit, size = self.unit[places], len(self.columns)
        precision, score = np.zeros((size, size)), np.zeros(size)
        precision[np.ix_(places, places)] = usable.precision * np.outer(unit, unit)
        score[places] = usable.score * unit
        return NormalEquations(precision, score)


def weak_precision(size: int) -> Floats:
    """The precision of the weak prior of scaled slopes, (size, size)."""
    return np.eye(size) / WEAK**2


def summed(equations: Sequence[NormalEquations]) -> NormalEquations:
    """What several say together."""
    first, *others = equations
    precision, score = first.precision.copy(), first.score.copy()
    for each in others:
        precision += each.precision
        score += each.score
    return NormalEquations(precision, score)


def marginal(own: NormalEquations, tau2: float) -> NormalEquations:
    """What scaled equations say of the common slopes, the practice's own integrated out."""
    if tau2 == 0:
        return own
    inner = np.eye(len(own.score)) + tau2 * own.precision
    both = np.column_stack([own.precision, own.score])
    reduced = np.asarray(np.linalg.solve(inner, both), dtype=np.float64)
    precision = (reduced[:, :-1] + reduced[:, :-1].T) / 2
    return NormalEquations(precision, reduced[:, -1])


def estimated_variance(scaled: Sequence[NormalEquations]) -> float:
    """The variance between practices with the highest restricted likelihood times its prior.

    The prior of its logarithm is a Cauchy distribution around `EXPECTED_DIFFERENCE` of the size
    that the slopes have where practices do not differ: two or three contributions hardly tell the
    variance, and ten with 20 matches do.
    """
    size = len(scaled[0].score)
    together = summed(scaled)
    inverse = np.linalg.inv(together.precision + weak_precision(size))
    slopes = inverse @ together.score
    # The error of the estimate would pass for size.
    own = float(slopes @ slopes - np.trace(inverse)) / size
    centre = np.log(EXPECTED_DIFFERENCE**2 * max(own, LEAST_SIZE**2))

    likelihood = restricted_likelihood(scaled)

    def height(log_tau2: float) -> float:
        prior = -np.log1p(((log_tau2 - centre) / UNSURE) ** 2)
        return likelihood(float(np.exp(log_tau2))) + float(prior)

    grid = centre + np.linspace(*SEARCH, 25)
    best = int(np.argmax([height(each) for each in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda each: -height(each), bounds=ends, method="bounded", options={"xatol": 1e-8}
    )
    return float(np.exp(found.x))


def restricted_likelihood(scaled: Sequence[NormalEquations]) -> Callable[[float], float]:
    """Log restricted likelihood by the variance between practices, up to a constant."""
    values, directions, scores = [], [], []
    for each in scaled:
        # In its own directions every practice is diagonal, whatever the variance.
        own, axes = np.linalg.eigh(each.precision)
        values.append(np.maximum(own, 0.0))
        directions.append(axes)
        scores.append(axes.T @ each.score)
    value, score, axis = np.concatenate(values), np.concatenate(scores), np.hstack(directions)
    weak = weak_precision(len(axis))

    def log_likelihood(tau2: float) -> float:
        left = 1 / (1 + tau2 * value)
        precision = (axis * (value * left)) @ axis.T + weak
        together = axis @ (left * score)
        own = tau2 * float(left @ score**2) + float(np.log(left).sum())
        fitted = float(together @ np.linalg.solve(precision, together))
        return (own + fitted - float(np.linalg.slogdet(precision)[1])) / 2

    return log_likelihood
