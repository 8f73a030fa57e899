"""The size of each match: what the model uses, what the ratings say alone, what was expected."""

from functools import cache

import numpy as np
import pytest

from recommender.model.additive import SlopePrior
from recommender.training.fit import FitResult, fit
from recommender.training.match_estimates import expected_estimates
from tests.support.builders import a_practice
from tests.support.evaluations import QUICK, a_world


@cache
def a_fit() -> FitResult:
    return fit(a_world(), settings=QUICK)


def test_the_size_of_a_match_is_the_slope_that_orders_clinicians() -> None:
    fitted = a_fit()
    assert fitted.matches is not None
    sizes = [each.size.value for each in fitted.matches.by_match]
    assert sizes == pytest.approx(fitted.model.additive.match_slopes, abs=1e-4)


def test_its_interval_is_that_of_the_posterior_draws() -> None:
    fitted = a_fit()
    assert fitted.matches is not None
    additive = fitted.model.additive
    drawn = additive.draws["matches"] / additive.frame.match.interval[:, None]
    drawn = drawn + additive.frame.prior[:, None] * additive.draws.get("evidence", 0.0)
    halves = [(each.size.high or 0) - (each.size.value or 0) for each in fitted.matches.by_match]
    # A standard deviation from 200 draws has an error of 5 %.
    assert halves == pytest.approx(1.96 * drawn.std(axis=1), rel=0.2)
