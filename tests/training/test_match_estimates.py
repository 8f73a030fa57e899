"""The size of each match: what the model uses, what the ratings say alone, what was expected."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from recommender.model.additive import SlopePrior
from recommender.model.evaluation_report import MatchEstimates
from recommender.training.fit import fit
from recommender.training.fit_preparation import PreparedFit, prepare
from recommender.training.match_estimates import expected_estimates, match_estimates
from tests.support.builders import a_practice
from tests.support.evaluations import QUICK, a_world


@cache
def a_preparation() -> PreparedFit:
    dataset = a_world()
    return prepare(dataset, np.arange(len(dataset)), QUICK)


def estimates(prior: SlopePrior | None = None) -> MatchEstimates:
    prepared = a_preparation()
    return match_estimates(prepared if prior is None else replace(prepared, slope_prior=prior))


def values(found: MatchEstimates, which: str) -> list[float]:
    return [getattr(each, which).value for each in found.by_match]


def test_the_size_of_a_match_is_the_slope_that_orders_clinicians() -> None:
    slopes = a_preparation().additive.match_slopes
    # Blocks at the lower bound of their variance are left out, and not fitted at it.
    assert values(estimates(), "size") == pytest.approx(slopes, abs=1e-6)


def test_its_interval_is_that_of_the_posterior_draws() -> None:
    additive = a_preparation().additive
    drawn = additive.draws["matches"] / additive.frame.match.interval[:, None]
    drawn = drawn + additive.frame.prior[:, None] * additive.draws.get("evidence", 0.0)
    halves = [each.size.high - each.size.value for each in estimates().by_match]  # type: ignore[operator]
    # A standard deviation from 200 draws has an error of 5 %.
    assert halves == pytest.approx(1.96 * drawn.std(axis=1), rel=0.2)


def test_what_was_expected_gives_no_sign_to_what_own_ratings_say() -> None:
    prior = a_preparation().slope_prior
    reversed_prior = SlopePrior(-prior.mean - 0.3, prior.covariance)
    same = SlopePrior(prior.mean + 0.3, prior.covariance)
    one, other = estimates(same), estimates(reversed_prior)
    assert values(one, "own") == pytest.approx(values(other, "own"))
    assert all(np.subtract(values(one, "size"), values(other, "size")) > 0)


def test_without_ratings_the_size_is_what_is_expected_and_nothing_is_known_of_ones_own() -> None:
    practice = a_practice()
    sizes = np.full(len(practice.matches), 0.2)
    found = expected_estimates(practice, SlopePrior(sizes, np.diag(sizes**2)), alliance_sd=0.8)
    assert found.rated == 0
    for each in found.by_match:
        assert each.size == each.expected
        assert each.own.value is None
        assert (each.size.low, each.size.high) == pytest.approx((-0.192, 0.592), abs=1e-3)


def test_a_fit_has_the_estimates_of_its_matches_where_they_are_asked_for() -> None:
    assert fit(a_world(), settings=QUICK, with_matches=True).matches == estimates()
