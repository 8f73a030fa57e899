"""Several contributions as one: exact sums, the variance between practices, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.pooling.invented import SLOPES
from recommender.errors import RecommenderError
from recommender.model.mixed.absorbed import NormalEquations
from recommender.pooling.pool import Pool, estimated_variance, marginal, restricted_likelihood
from tests.support.contributions import an_invented_contribution, re_signed


def test_without_variance_between_practices_everything_adds_up() -> None:
    contributions = tuple(an_invented_contribution(number) for number in range(1, 4))
    pool = Pool(contributions, between=0.0)
    precision = sum(each.equations.precision for each in contributions)
    score = sum(each.equations.score for each in contributions)

    assert pool.common.precision == pytest.approx(precision, rel=1e-12)
    assert pool.common.score == pytest.approx(score, rel=1e-12)


def test_a_practice_s_own_slopes_are_integrated_out() -> None:
    own, tau2 = an_invented_contribution(1).equations, 0.02
    said = marginal(own, tau2)
    # An estimate b with the covariance A^-1 is one of the common slopes with A^-1 + T.
    covariance = np.linalg.inv(own.precision) + tau2 * np.eye(len(SLOPES))
    estimate = np.linalg.solve(own.precision, own.score)

    assert said.precision == pytest.approx(np.linalg.inv(covariance), rel=1e-9)
    assert said.score == pytest.approx(np.linalg.solve(covariance, estimate), rel=1e-9)


def test_the_restricted_likelihood_is_that_of_the_estimates() -> None:
    several = [an_invented_contribution(number).equations for number in range(1, 5)]

    def by_hand(tau2: float) -> float:
        size = len(SLOPES)
        inverse = [np.linalg.inv(each.precision) for each in several]
        estimates = np.concatenate(
            [v @ each.score for v, each in zip(inverse, several, strict=True)]
        )
        # Estimates of all practices: common slopes of variance 1, own deviations, errors.
        covariance = np.kron(np.ones((4, 4)), np.eye(size))
        for place, v in enumerate(inverse):
            span = slice(place * size, (place + 1) * size)
            covariance[span, span] += v + tau2 * np.eye(size)
        _, log_determinant = np.linalg.slogdet(covariance)
        fitted = estimates @ np.linalg.solve(covariance, estimates)
        return float(-log_determinant / 2 - fitted / 2)

    ours = [restricted_likelihood(several)(tau2) for tau2 in (1e-4, 1e-2)]

    assert ours[1] - ours[0] == pytest.approx(by_hand(1e-2) - by_hand(1e-4), abs=1e-8)


def test_a_large_variance_between_practices_is_found_and_a_small_one_is_not_invented() -> None:
    rng = np.random.default_rng(4)
    apart = [SLOPES + rng.normal(0, 0.15, len(SLOPES)) for _ in range(10)]
    different = Pool(
        tuple(
            an_invented_contribution(n, slopes=own, ratings=1500) for n, own in enumerate(apart, 1)
        )
    )
    alike = Pool(tuple(an_invented_contribution(n, ratings=1500) for n in range(1, 11)))

    assert np.sqrt(different.tau2) == pytest.approx(0.15, rel=0.3)
    assert np.sqrt(alike.tau2) < 0.02


def test_one_contribution_leaves_the_variance_at_its_prior() -> None:
    own = an_invented_contribution(1)
    assert 0.005 < np.sqrt(Pool((own,)).tau2) < 0.05


def test_practices_that_share_a_part_of_their_matches_are_combined_on_it() -> None:
    whole, part = an_invented_contribution(1), an_invented_contribution(2, slopes=SLOPES[:3])
    pool = Pool((whole, part), between=0.0)

    assert [name for name, _ in pool.columns] == [f"match_{n}" for n in range(6)]
    assert pool.common.precision[5, 5] == pytest.approx(whole.equations.precision[5, 5])
    assert pool.common.precision[0, 0] == pytest.approx(
        whole.equations.precision[0, 0] + part.equations.precision[0, 0]
    )


def test_a_match_of_the_same_name_declared_otherwise_is_another_one() -> None:
    one, two = an_invented_contribution(1), an_invented_contribution(2)
    changed = tuple(replace(column, digest="f" * 64) for column in two.columns[:1])
    other = re_signed(replace(two, columns=changed + two.columns[1:]), 2)

    assert len(Pool((one, other)).columns) == 7


def test_the_shares_of_contributions_add_up_and_follow_their_ratings() -> None:
    pool = Pool(tuple(an_invented_contribution(n, ratings=300 * n) for n in (1, 2, 4)))
    shares = pool.shares()

    assert shares.sum() == pytest.approx(1.0)
    assert list(np.argsort(shares)) == [0, 1, 2]


def test_what_cannot_be_combined_is_refused() -> None:
    one, two = an_invented_contribution(1), an_invented_contribution(2)
    elsewhere = replace(two, outcome_digest="1" * 64)
    cases = {
        "no contribution": (),
        "rate different things": (one, elsewhere),
        "two contributions of Practice 1": (one, re_signed(replace(one, ratings=700), 1)),
    }
    for problem, contributions in cases.items():
        with pytest.raises(RecommenderError, match=problem):
            Pool(contributions)


def test_a_pool_is_named_by_its_contributions_in_any_order() -> None:
    one, two = an_invented_contribution(1), an_invented_contribution(2)
    assert Pool((one, two)).digest == Pool((two, one)).digest
    assert Pool((one, two)).digest != Pool((one,)).digest


def test_a_practice_is_taken_out_by_its_key() -> None:
    one, two = an_invented_contribution(1), an_invented_contribution(2)
    assert Pool((one, two)).without(frozenset({one.key})).contributions == (two,)


def test_estimates_do_not_depend_on_the_order_of_contributions() -> None:
    several: list[NormalEquations] = [an_invented_contribution(n).equations for n in range(1, 5)]
    assert estimated_variance(several) == pytest.approx(estimated_variance(several[::-1]), rel=1e-6)
