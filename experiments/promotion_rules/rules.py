"""Rules of promotion: each decides from what was measured of a challenger beside its incumbent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

from recommender.training.expected_gain import ExpectedGain, expected_gain
from recommender.training.gain_rules import LEAST_AGREEMENT, LEAST_RETAINED
from recommender.training.promotion_case import ENOUGH_RATED


@dataclass(frozen=True, slots=True)
class Measured:
    """A paired difference of the composite with its standard error.

    Attributes
    ----------
    value, error
        NaN on no ratings.
    rated
        New ratings it rests on.
    """

    value: float
    error: float
    rated: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a rule may read.

    Attributes
    ----------
    later
        On the last fifth of all ratings, as far as they are new to the incumbent; the challenger is
        learned from the first four fifths.
    crossed
        On every rating since the incumbent learned, by cross-fitting.
    before, now
        Ratings that the incumbent and the challenger learned from.
    agreement, retained
        Correlation of their scores within clients, and slope of the challenger's on the
        incumbent's.
    shown
        Whether the challenger's order is shown to be better than chance: the intervals of its
        composite and of its dyadic partial, cross-fitted on all ratings, lie above 0.
    """

    later: Measured
    crossed: Measured
    before: int
    now: int
    agreement: float
    retained: float
    shown: bool


LIKELY = 0.6
"""Posterior probability of a gain that one of the rules asks for."""


def _gain(evidence: Evidence) -> ExpectedGain:
    found = evidence.crossed
    return expected_gain(found.value, found.error, before=evidence.before, now=evidence.now)


def _is_expected(evidence: Evidence) -> bool:
    return _gain(evidence).mean > 0


def _is_likely(evidence: Evidence) -> bool:
    gain = _gain(evidence)
    return NormalDist().cdf(gain.mean / gain.sd) >= LIKELY


def _is_shown(evidence: Evidence, errors: float) -> bool:
    return evidence.crossed.value > errors * evidence.crossed.error


def _agrees(evidence: Evidence) -> bool:
    return evidence.agreement >= LEAST_AGREEMENT


def _retains(evidence: Evidence) -> bool:
    return _agrees(evidence) and evidence.retained >= LEAST_RETAINED


Rule = Callable[[Evidence], bool]
EXPECTED, AGREES = "expected gain > 0", f"agreement >= {LEAST_AGREEMENT}"
CORRELATION = f"{EXPECTED}, {AGREES} or an order shown"
PROBABLE = f"probability of a gain >= {LIKELY}, {AGREES} or an order shown"
THE_RULE = (
    f"{EXPECTED}, {AGREES} with {LEAST_RETAINED} retained, or an order shown that does not "
    "contradict"
)
RULES: Mapping[str, Rule] = {
    f"{ENOUGH_RATED} in the later fifth, difference > 0": lambda e: (
        e.later.rated >= ENOUGH_RATED and e.later.value > 0
    ),
    f"{ENOUGH_RATED} cross-fitted, difference > 0": lambda e: (
        e.crossed.rated >= ENOUGH_RATED and e.crossed.value > 0
    ),
    "difference > 1.64 standard errors": lambda e: _is_shown(e, 1.64),
    EXPECTED: _is_expected,
    f"{EXPECTED}, {AGREES}": lambda e: _is_expected(e) and _agrees(e),
    CORRELATION: lambda e: _is_expected(e) and (_agrees(e) or e.shown),
    PROBABLE: lambda e: _is_likely(e) and (_agrees(e) or e.shown),
    THE_RULE: lambda e: _is_expected(e) and (_retains(e) or (e.shown and e.agreement >= 0)),
}
"""By name, the rule of the gate last."""
