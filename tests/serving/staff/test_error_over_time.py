from datetime import timedelta

import pytest

from recommender.serving.staff.views.error_over_time import (
    EDGE,
    HEIGHT,
    MARGIN,
    WINDOW,
    error_curve,
    error_windows,
)
from tests.support.rated_pairings import FIRST, in_order


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


def test_a_lower_error_stands_lower_and_none_stands_on_the_axis() -> None:
    windows = error_windows(in_order([1.0] * WINDOW + [0.5] * WINDOW + [0.0] * WINDOW))
    picture = error_curve(windows)
    assert picture.highest == 1.0
    assert [spot.y for spot in picture.spots] == [MARGIN, (MARGIN + HEIGHT - EDGE) / 2, 180.0]
    assert picture.line.startswith("52.0,12.0 ")
