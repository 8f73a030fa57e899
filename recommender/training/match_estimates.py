"""How much each declared match matters: expected, by the practice's own ratings, and by both.

With b the slopes of the matches, m and P the mean and covariance of their prior, and A and g what
the ratings say of them once everything else is absorbed (`model.mixed.absorbed`), all normal given
the variances (Gelman et al. 2013, Bayesian Data Analysis, section 14.8):

    size: covariance S = P (I + A P)^-1, mean m + S (g - A m)
    own:  the same with mean 0 and the covariance diag(P + m m'), so that nothing that was expected
          gives a sign to what the ratings say
"""

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.additive import SlopePrior
from recommender.model.evaluation_report import Estimate, MatchEstimate, MatchEstimates
from recommender.model.mixed.absorbed import NormalEquations, absorbed
from recommender.practice.definition import Practice
from recommender.training.fit_preparation import LearningRows, PreparedFit

WITHIN_95 = 1.959964
"""Standard deviations on each side of the mean that hold 95 % of a normal distribution."""
FEWEST_COUNTED = 10
"""People below whom their number is not reported."""


def match_estimates(prepared: PreparedFit) -> MatchEstimates:
    """The estimates of every declared match, from the rows a model was fitted to."""
    learned, fit, prior = prepared.learned, prepared.additive.fit, prepared.slope_prior
    blocks = prepared.additive.frame.blocks(learned.rows, learned.clinician_index)
    equations = absorbed(
        learned.residual,
        np.nan_to_num(learned.rows.match),
        [block for block in blocks if block.name not in ("matches", "evidence")],
        variances=fit.variances,
        sigma2=fit.sigma2,
        tau2=fit.tau2,
        weights=learned.weight,
        group=learned.pairs.client.astype(np.int64),
    )
    unsigned = np.diag(np.diagonal(prior.covariance) + prior.mean**2)
    expected = _estimates(prior.mean, prior.covariance)
    own = _estimates(*_posterior(SlopePrior(np.zeros_like(prior.mean), unsigned), equations))
    size = _estimates(*_posterior(prior, equations))
    return MatchEstimates(
        alliance_sd=float(prepared.labels.alliance[prepared.train].std()),
        rated=len(prepared.train),
        by_match=tuple(
            MatchEstimate(
                match=name,
                expected=expected[place],
                own=own[place],
                size=size[place],
                clients=_count(clients),
                clinicians=_count(clinicians),
            )
            for place, (name, (clients, clinicians)) in enumerate(
                zip(prepared.dataset.practice.matches, people_behind(learned), strict=True)
            )
        ),
    )


def expected_estimates(practice: Practice, prior: SlopePrior, alliance_sd: float) -> MatchEstimates:
    """The estimates of a model that learned from no rating: what is expected."""
    expected = _estimates(prior.mean, prior.covariance)
    return MatchEstimates(
        alliance_sd=alliance_sd,
        by_match=tuple(
            MatchEstimate(match=name, expected=each, own=Estimate(), size=each)
            for name, each in zip(practice.matches, expected, strict=True)
        ),
    )


def people_behind(learned: LearningRows) -> list[tuple[int, int]]:
    """Clients and clinicians of rated pairings whose value of each match is not the usual one."""
    raw, rated = learned.rows.raw[: learned.rated], slice(learned.rated)
    client, clinician = learned.pairs.client[rated], learned.pairs.clinician[rated]
    found = []
    for values in raw.T:
        known = np.flatnonzero(~np.isnan(values))
        levels, counts = np.unique(values[known], return_counts=True)
        usual = levels[counts.argmax()] if len(levels) else np.nan
        other = known[values[known] != usual]
        found.append((len(np.unique(client[other])), len(np.unique(clinician[other]))))
    return found


def _posterior(prior: SlopePrior, equations: NormalEquations) -> tuple[Array, Array]:
    """Mean and covariance of the slopes; a prior may be singular, so it is never inverted."""
    precision, score = equations.precision, equations.score
    after = prior.covariance @ np.linalg.inv(np.eye(len(score)) + precision @ prior.covariance)
    return prior.mean + after @ (score - precision @ prior.mean), after


def _estimates(mean: Array, covariance: NDArray[np.float64]) -> list[Estimate]:
    half = WITHIN_95 * np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    ends = zip(mean, mean - half, mean + half, strict=True)
    return [Estimate(value=float(v), low=float(low), high=float(high)) for v, low, high in ends]


def _count(people: int) -> int | None:
    return people if people >= FEWEST_COUNTED else None
