from dataclasses import replace
from datetime import date, timedelta

import pytest

from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.ratings import Rating
from recommender.monitoring.early_ratings import (
    MAX_BINS,
    MIN_IN_BIN,
    MIN_IN_GROUP,
    WINDOW,
    Coverage,
    ShownPrediction,
    calibration_bins,
    coverage_by_group,
    error_windows,
    rated_predictions,
)
from tests.support.builders import a_model, a_practice
from tests.support.rated_pairings import FIRST, a_match_rated, in_order

STARTED = date(2024, 10, 1)


def a_match(number: int, score: float) -> RatedMatch:
    """A match with one early rating on the practice's own scale."""
    rating = Rating(f"p{number}", 3, "wai_sr", "mean", score, date(2024, 10, 20))
    return RatedMatch(f"p{number}", "k01", STARTED, b"", (rating,))


def coverage(matches: list[RatedMatch], *, with_range: bool = True) -> Coverage:
    shown = ShownPrediction(3.6, 3.0, 4.0) if with_range else None
    return Coverage.of(rated_predictions(matches, lambda _: shown, a_model()))


@pytest.mark.parametrize(("score", "inside"), [(2.9, 0), (3.0, 1), (3.5, 1), (4.0, 1), (4.1, 0)])
def test_a_rating_counts_as_inside_the_range_that_was_shown(score: float, inside: int) -> None:
    assert coverage([a_match(1, score)]) == Coverage(1, inside)


def test_a_match_without_a_range_or_an_early_rating_is_not_counted() -> None:
    late = a_match(2, 3.5)
    late = replace(late, ratings=(replace(late.ratings[0], session=9),))
    assert coverage([a_match(1, 3.5)], with_range=False).rated == 0
    assert coverage([late]).rated == 0
    assert coverage([]).rated == 0


def test_coverage_is_counted_for_each_group_and_small_groups_are_marked() -> None:
    anxious = [a_match_rated(4.0, concern="anxiety") for _ in range(MIN_IN_GROUP - 1)]
    anxious.append(a_match_rated(2.0, concern="anxiety"))
    grieving = [a_match_rated(4.0, concern="grief")]
    found = coverage_by_group([*anxious, *grieving], a_practice())
    said = {each.level: (each.coverage, each.enough) for each in found}
    check, enough = said["anxiety"]
    assert (check.rated, check.inside, enough) == (MIN_IN_GROUP, MIN_IN_GROUP - 1, True)
    assert not said["grief"][1]


def test_who_named_several_counts_in_each_and_who_named_none_nowhere() -> None:
    found = coverage_by_group(
        [a_match_rated(4.0, wanted=["cbt", "act"]), a_match_rated(4.0)], a_practice()
    )
    assert [each.coverage.rated for each in found] == [1, 1]


def test_an_answer_the_definition_no_longer_knows_is_no_group() -> None:
    assert (
        coverage_by_group([a_match_rated(4.0, concern="<script>", unknown="x")], a_practice()) == ()
    )


def test_audited_answers_are_the_groups_where_any_is_known() -> None:
    found = coverage_by_group([a_match_rated(4.0, concern="grief", gender="woman")], a_practice())
    assert [each.level for each in found] == ["woman"]


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
