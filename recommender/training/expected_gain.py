"""The gain expected of a challenger: a prior from the learning curve, and what was measured.

After a year of a small practice the standard error of a measured difference is several times an
honest gain, so that no test can decide. A prior says what more ratings usually bring.
"""

from dataclasses import dataclass
from math import log

from recommender.model.alliance_model import Manifest

GAIN_PER_LOG = 0.017
"""Gain of the order for each e-fold of ratings, as a client-adjusted partial correlation: on five
simulated practices it was .181, .195, .222, .242 and .259 with 300, 1,000, 3,000, 8,000 and 30,000
ratings ("partial" in `experiments/bake_off/results/cells.csv`); (.259 - .181) / log(100) = .017."""
PRIOR_SD = 0.02
"""Standard deviation of a gain around the curve. Between two neighbouring sizes of the same
simulated practices the gain had a mean of .020 and a standard deviation of .018."""
DECLARED_WORTH = 130
"""Ratings that the declared sizes are worth: they reached .159, and 300 ratings .022 more."""
MOST_FROM_OTHERS = 3_000
"""Ratings of other practices that count like own ones. On simulated practices what three practices
of 300 to 2,000 ratings contributed reached a `cap_share` of .739 without own ratings; 3,000 own
ratings alone reached .735. Of ten practices it was .772, of 8,000 own ratings .784."""


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """A gain in units of a correlation: what the curve expects, and what it is after measuring.

    Attributes
    ----------
    prior, mean
        Expectation before and after the measurement.
    sd
        Standard deviation after it.
    """

    prior: float
    mean: float
    sd: float


def ratings_behind(manifest: Manifest) -> int:
    """Ratings that a model learned from, with those of the practices it started from."""
    others = sum(each.ratings for each in manifest.learned_from)
    return manifest.pairings + min(others, MOST_FROM_OTHERS)


def learning_curve_gain(before: float, now: float) -> float:
    """What learning from more ratings usually brings: `GAIN_PER_LOG` times the log of their ratio.

    >>> round(learning_curve_gain(0, 300), 3), round(learning_curve_gain(2_000, 2_200), 3)
    (0.02, 0.002)
    """
    return GAIN_PER_LOG * log((now + DECLARED_WORTH) / (before + DECLARED_WORTH))


def expected_gain(
    value: float, standard_error: float, *, before: float, now: float
) -> ExpectedGain:
    """The gain after a measurement, both normal: precisions add, means are weighted by them.

    The conjugate posterior of a normal mean (Gelman et al. 2013, Bayesian Data Analysis, sec. 2.5).

    Parameters
    ----------
    value, standard_error
        The measured difference; a standard error of 0 counts as it is.
    before, now
        Ratings that the incumbent and the challenger learned from.

    >>> gain = expected_gain(-0.03, 0.06, before=200, now=300)
    >>> round(gain.prior, 4), round(gain.mean, 4)
    (0.0045, 0.001)
    """
    prior = learning_curve_gain(before, now)
    measured = PRIOR_SD**2 / (PRIOR_SD**2 + standard_error**2)
    mean = measured * value + (1 - measured) * prior
    return ExpectedGain(prior, mean, PRIOR_SD * (1 - measured) ** 0.5)
