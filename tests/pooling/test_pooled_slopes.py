"""What a practice expects of its matches: the literature, others' contributions, their variance."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.model.mixed.absorbed import NormalEquations
from recommender.pooling.pool import Pool
from recommender.pooling.pooled_slopes import (
    check_pool,
    contributors_of,
    shared_matches,
    slope_prior,
)
from recommender.pooling.practice_contribution import PracticeContribution
from recommender.practice.definition import read_practice
from tests.support.builders import a_practice
from tests.support.contributions import a_contribution, an_invented_contribution, re_signed

INTERVAL = 0.72


def sharp(contribution: PracticeContribution, factor: int) -> PracticeContribution:
    """The same estimate, as from `factor` times as many ratings."""
    own = contribution.equations
    more = replace(own, precision=factor * own.precision, score=factor * own.score)
    return replace(contribution, equations=more, ratings=factor * contribution.ratings)


def test_many_ratings_of_others_outweigh_the_literature() -> None:
    own = sharp(a_contribution(1), 1_000_000)
    prior = slope_prior(Pool((own,), between=0.0), a_practice(), INTERVAL)

    estimate = np.linalg.solve(own.equations.precision, own.equations.score)
    assert prior.mean == pytest.approx(estimate, rel=1e-3)
    assert np.sqrt(np.diagonal(prior.covariance)).max() < 1e-3


def test_three_tables_say_what_one_with_all_their_rows_says() -> None:
    several = [replace(a_contribution(number), residual_variance=0.2) for number in (1, 2, 3)]
    first, *others = (each.equations for each in several)
    whole = NormalEquations(
        first.precision + sum(each.precision for each in others),
        first.score + sum(each.score for each in others),
    )
    one = replace(several[0], equations=whole, ratings=sum(each.ratings for each in several))
    apart, joint = (
        slope_prior(Pool(each, between=0.0), a_practice(), INTERVAL)
        for each in (tuple(several), (one,))
    )

    # What the literature does not know is the highest point of a curve, which a search finds to
    # half of the digits of a number.
    assert apart.mean == pytest.approx(joint.mean, abs=1e-8)
    assert apart.covariance == pytest.approx(joint.covariance, abs=1e-9)


def test_practices_that_differ_leave_a_practice_its_own_slopes() -> None:
    own = sharp(a_contribution(1), 1_000_000)
    pool = Pool((own,), between=0.04)
    prior = slope_prior(pool, a_practice(), INTERVAL)

    # A pool has its matches by name, a practice in the order of its definition.
    unit = pool.unit[[pool.columns.index((c.name, c.digest)) for c in own.columns]]
    own_part = 0.04 * unit**2
    # The common slopes are known no better than one practice tells them, or the literature.
    assert (np.diagonal(prior.covariance) > own_part).all()
    assert (np.diagonal(prior.covariance) < 2.01 * own_part).all()


def test_a_match_that_nobody_shares_keeps_its_declared_size() -> None:
    own = a_contribution(1)
    foreign = re_signed(
        replace(own, columns=(own.columns[0], replace(own.columns[1], digest="a" * 64))), 1
    )
    pool = Pool((foreign,), between=0.0)

    assert shared_matches(pool, a_practice()) == (own.columns[0].name,)
    prior = slope_prior(pool, a_practice(), INTERVAL)
    # Both declared sizes share one factor, so that what is learned of one moves the other a little.
    assert prior.mean[1] == pytest.approx(-0.1 * INTERVAL, rel=0.5)


def test_a_pool_of_another_outcome_or_of_other_matches_is_refused() -> None:
    with pytest.raises(RecommenderError, match="rate something else"):
        check_pool(Pool((an_invented_contribution(1),)), a_practice())
    own = a_contribution(1)
    foreign = tuple(replace(column, digest="a" * 64) for column in own.columns)
    with pytest.raises(RecommenderError, match="has no match that this definition declares alike"):
        check_pool(Pool((replace(own, columns=foreign),)), a_practice())


def test_words_and_sizes_may_differ_and_compared_answers_may_not() -> None:
    pool = Pool((a_contribution(1),))
    text = a_practice().text
    other_size = read_practice(text.replace("prior = 0.2", "prior = 0.3"))
    other_name = read_practice(text.replace("[matches.guidance_apart]", "[matches.guidance_gap]"))

    assert shared_matches(pool, other_size) == ("offers_wanted", "guidance_apart")
    assert shared_matches(pool, other_name) == ("offers_wanted",)


def test_a_model_says_who_contributed_how_much() -> None:
    pool = Pool(tuple(a_contribution(number) for number in (1, 2)))
    listed = contributors_of(pool)

    assert [each.contributor for each in listed] == ["Corner 1", "Corner 2"]
    assert sum(each.share for each in listed) == pytest.approx(1)
    assert [each.digest for each in listed] == [each.digest for each in pool.contributions]
    assert contributors_of(None) == ()
