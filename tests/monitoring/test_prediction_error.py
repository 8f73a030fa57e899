from datetime import timedelta

import pytest

from recommender.monitoring.prediction_error import (
    MAX_BINS,
    MIN_IN_BIN,
    WINDOW,
    calibration_bins,
    error_windows,
)
from tests.support.rated_pairings import FIRST, a_match_rated, in_order


def test_bins_hold_about_as_many_matches_each_from_the_lowest_prediction_on() -> None:
    found = [a_match_rated(3.0 + n % 2, predicted=3.0 + n / 25) for n in range(25)]
    low, high = calibration_bins(found[::-1])
    assert (low.count, high.count) == (12, 13)
    assert (low.lowest, high.highest) == (3.0, 3.96)
    assert low.predicted == pytest.approx(3.0 + 5.5 / 25)
    assert [low.rated, high.rated] == pytest.approx([3.5, 3 + 6 / 13])


def test_there_are_at_most_five_bins_and_none_that_cannot_be_filled() -> None:
    assert len(calibration_bins([a_match_rated(4.0)] * 500)) == MAX_BINS
    assert calibration_bins([a_match_rated(4.0)] * (2 * MIN_IN_BIN - 1)) == ()


def test_the_error_of_a_window_is_the_mean_of_its_distances_whatever_their_sign() -> None:
    found = in_order([0.5, -1.5] * WINDOW)
    first, second = error_windows(found[::-1])
    assert (first.first, first.last, second.first, second.last) == (1, 25, 26, 50)
    assert first.error == pytest.approx((13 * 0.5 + 12 * 1.5) / 25)
    assert second.error == pytest.approx((12 * 0.5 + 13 * 1.5) / 25)
    assert (first.since, first.until) == (FIRST, FIRST + timedelta(days=24))


def test_what_does_not_fill_a_window_is_left_out() -> None:
    assert error_windows(in_order([1.0] * (WINDOW - 1))) == ()
    assert len(error_windows(in_order([1.0] * (2 * WINDOW - 1)))) == 1
