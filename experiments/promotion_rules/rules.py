"""Rules of promotion: each decides from what was measured of a challenger beside its incumbent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recommender.training.expected_gain import expected_gain
from recommender.training.gain_rules import LEAST_AGREEMENT
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
    agreement
        Correlation of their scores within clients.
    shown
        Whether the challenger's order is shown to be better than chance: the intervals of its
        composite and of its dyadic partial, cross-fitted on all ratings, lie above 0.
    """

    later: Measured
    crossed: Measured
    before: int
    now: int
    agreement: float
    shown: bool


def _is_expected(evidence: Evidence) -> bool:
    found = evidence.crossed
    counts = {"before": evidence.before, "now": evidence.now}
    return expected_gain(found.value, found.error, **counts).mean > 0


def _is_shown(evidence: Evidence, errors: float) -> bool:
    return evidence.crossed.value > errors * evidence.crossed.error


def _agrees(evidence: Evidence) -> bool:
    return evidence.agreement >= LEAST_AGREEMENT


Rule = Callable[[Evidence], bool]
THE_RULE = f"expected gain > 0, agreement >= {LEAST_AGREEMENT} or an order shown"
RULES: Mapping[str, Rule] = {
    f"{ENOUGH_RATED} in the later fifth, difference > 0": lambda e: (
        e.later.rated >= ENOUGH_RATED and e.later.value > 0
    ),
    f"{ENOUGH_RATED} cross-fitted, difference > 0": lambda e: (
        e.crossed.rated >= ENOUGH_RATED and e.crossed.value > 0
    ),
    "difference > 1.64 standard errors": lambda e: _is_shown(e, 1.64),
    "expected gain > 0": _is_expected,
    f"expected gain > 0, agreement >= {LEAST_AGREEMENT}": lambda e: _is_expected(e) and _agrees(e),
    THE_RULE: lambda e: _is_expected(e) and (_agrees(e) or e.shown),
}
"""By name, the rule of the gate last."""
