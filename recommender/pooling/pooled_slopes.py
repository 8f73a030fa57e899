"""What a practice expects of its matches before its own ratings: the literature and a pool.

The common slopes b have the prior N(p, U^2 p p' + v unit^2): the declared sizes p times a factor
that is 1 give or take U, and what the literature does not know. What the pool says of b is added,
and the practice's own slopes differ from b by T.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from recommender.errors import RecommenderError
from recommender.model.additive import EXPECTED, UNSURE_EVIDENCE, SlopePrior
from recommender.model.alliance_model import LearnedFrom
from recommender.model.mixed.absorbed import NormalEquations
from recommender.model.mixed.blocks import Floats
from recommender.pooling.pool import UNSURE, Pool
from recommender.pooling.shared_columns import match_digests, outcome_digest
from recommender.practice.definition import Practice

SEARCH = 7.0
"""Half-width of the search for log v around its prior median: a factor of a thousand."""


def shared_matches(pool: Pool, practice: Practice) -> tuple[str, ...]:
    """The matches of a practice that the pool says something of, in the definition's order."""
    known = set(pool.columns)
    return tuple(
        name for name, digest in match_digests(practice).items() if (name, digest) in known
    )


def check_pool(pool: Pool, practice: Practice) -> None:
    """Refuses a pool that says nothing of a practice.

    Raises
    ------
    RecommenderError
        When what is rated differs, or no match is declared alike.
    """
    if pool.contributions[0].outcome_digest != outcome_digest(practice):
        problem = "is of practices that rate something else"
        remedy = (
            "use one instrument, metric and window of sessions for reference in all definitions"
        )
        raise RecommenderError("pool", problem, remedy)
    if not shared_matches(pool, practice):
        problem = "has no match that this definition declares alike"
        remedy = "compare `recommender share inspect FILE` with [matches] of the definition"
        raise RecommenderError("pool", problem, remedy)


def contributors_of(pool: Pool | None) -> tuple[LearnedFrom, ...]:
    """Who contributed how much to a pool, for the manifest of a model."""
    if pool is None:
        return ()
    return tuple(
        LearnedFrom(each.contributor, each.digest, each.ratings, each.clients, float(share))
        for each, share in zip(pool.contributions, pool.shares(), strict=True)
    )


def slope_prior(
    pool: Pool, practice: Practice, interval: float, spread: Floats | None = None
) -> SlopePrior:
    """The prior of a practice's slopes given a pool.

    Parameters
    ----------
    pool
        Without the practice's own contribution.
    interval
        Standard deviation of alliance in points, the unit of declared sizes.
    spread : (matches,), optional
        Standard deviation of each match in the practice's own rows, for matches that the pool
        does not have; without rows their declared size stays as it is.
    """
    own = tuple(match_digests(practice).items())
    everything = own + tuple(column for column in pool.columns if column not in own)
    pooled = [everything.index(column) for column in pool.columns]
    size = len(everything)
    declared = np.zeros(size)
    declared[: len(own)] = [interval * match.prior for match in practice.matches.values()]
    unit = np.zeros(size)
    if spread is not None:
        unit[: len(own)] = 1 / spread
    unit[pooled] = pool.unit
    pooled_equations = NormalEquations(np.zeros((size, size)), np.zeros(size))
    pooled_equations.precision[np.ix_(pooled, pooled)] = pool.common.precision
    pooled_equations.score[pooled] = pool.common.score
    evidence = UNSURE_EVIDENCE**2 * np.outer(declared, declared)
    unknown = np.diag(unit**2)
    # The pool has a match at least, so that some unit is known.
    expected = EXPECTED["matches"] * pool.residual_variance / int(np.count_nonzero(unit))
    variance = _unknown_variance(pooled_equations, declared, evidence, unknown, expected)
    before = evidence + variance * unknown
    # Without the inverse of the prior, which may be singular.
    after = before @ np.linalg.inv(np.eye(size) + pooled_equations.precision @ before)
    mean = declared + after @ (pooled_equations.score - pooled_equations.precision @ declared)
    apart = np.zeros(size)
    apart[pooled] = pool.tau2 * pool.unit**2
    covariance = (after + after.T) / 2 + np.diag(apart)
    wanted = np.arange(len(own))
    return SlopePrior(mean[wanted], covariance[np.ix_(wanted, wanted)])


def _unknown_variance(
    pooled_equations: NormalEquations,
    declared: Floats,
    evidence: Floats,
    unknown: Floats,
    expected: float,
) -> float:
    """The variance v of what the literature does not know, most probable given the pool.

    Its logarithm has a Cauchy prior around the share that the mixed model expects of matches.
    """
    apart = pooled_equations.score - pooled_equations.precision @ declared

    def height(log_factor: float) -> float:
        before = evidence + expected * np.exp(log_factor) * unknown
        inner = np.eye(len(declared)) + pooled_equations.precision @ before
        fitted = float(apart @ before @ np.linalg.solve(inner, apart))
        prior = float(np.log1p((log_factor / UNSURE) ** 2))
        return float(fitted / 2 - np.linalg.slogdet(inner)[1] / 2 - prior)

    grid = np.linspace(-SEARCH, SEARCH, 29)
    best = int(np.argmax([height(each) for each in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda each: -height(each), bounds=ends, method="bounded", options={"xatol": 1e-8}
    )
    return expected * float(np.exp(found.x))
