from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.model.alliance_model import LearnedFrom
from recommender.training.expected_gain import (
    PRIOR_SD,
    expected_gain,
    learning_curve_gain,
    ratings_behind,
)
from tests.support.builders import a_model

RATINGS = st.integers(0, 100_000)


def test_more_ratings_promise_more_and_as_many_promise_nothing() -> None:
    assert learning_curve_gain(500, 500) == 0
    assert learning_curve_gain(0, 300) > learning_curve_gain(300, 600) > 0
    assert learning_curve_gain(300, 1000) == pytest.approx(0.017, abs=0.001)


def test_a_measurement_as_uncertain_as_the_prior_counts_half() -> None:
    gain = expected_gain(0.1, PRIOR_SD, before=500, now=500)
    assert gain.mean == pytest.approx(0.05)
    assert gain.sd == pytest.approx(PRIOR_SD / 2**0.5)


def test_ratings_of_other_practices_count_up_to_what_three_of_them_were_worth() -> None:
    alone = replace(a_model().manifest, pairings=200)
    few, many = (
        replace(alone, learned_from=(LearnedFrom("A", "a" * 64, ratings, 100, 1.0),))
        for ratings in (500, 50_000)
    )
    assert [ratings_behind(each) for each in (alone, few, many)] == [200, 700, 3_200]


@given(st.floats(-1, 1), st.floats(0, 1), RATINGS, RATINGS)
def test_what_is_expected_lies_between_the_curve_and_the_measurement(
    value: float, error: float, before: int, now: int
) -> None:
    gain = expected_gain(value, error, before=before, now=now)
    low, high = sorted((value, gain.prior))
    assert low - 1e-12 <= gain.mean <= high + 1e-12
    assert 0 <= gain.sd <= min(error, PRIOR_SD) + 1e-12
