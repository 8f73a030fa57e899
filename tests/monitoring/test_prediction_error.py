import pytest

from recommender.serving.staff.views.calibration import (
    EDGE,
    FEWEST_IN_BIN,
    MARGIN,
    MOST_BINS,
    SIZE,
    bin_of,
    calibration_bins,
    calibration_chart,
)
from tests.support.rated_pairings import a_held


def test_bins_hold_about_as_many_matches_each_from_the_lowest_estimate_on() -> None:
    found = [a_held(3.0 + n % 2, predicted=3.0 + n / 25) for n in range(25)]
    low, high = calibration_bins(found[::-1])
    assert (low.rated, high.rated) == (12, 13)
    assert (low.lowest, high.highest) == (3.0, 3.96)
    assert low.predicted == pytest.approx(3.0 + 5.5 / 25)
    assert [low.points, high.points] == pytest.approx([3.5, 3 + 6 / 13])


def test_there_are_never_more_bins_than_can_be_told_apart() -> None:
    assert len(calibration_bins([a_held(4.0)] * 500)) == MOST_BINS
    assert calibration_bins([a_held(4.0)] * (2 * FEWEST_IN_BIN - 1)) == ()


def test_what_came_out_as_predicted_stands_on_the_diagonal() -> None:
    bins = [bin_of([a_held(3.0, predicted=3.0)]), bin_of([a_held(4.0, predicted=3.5)])]
    picture = calibration_chart(bins, 1, 5)
    assert (picture.low, picture.high) == (3.0, 4.0)
    on, above = picture.dots
    assert (on.x, on.y) == (EDGE, SIZE - EDGE)
    assert (above.x, above.y) == ((EDGE + SIZE - MARGIN) / 2, MARGIN)


def test_a_picture_of_one_value_has_room_around_it() -> None:
    picture = calibration_chart([bin_of([a_held(4.0)])], 1, 5)
    assert picture.low < picture.high
