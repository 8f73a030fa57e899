"""Figures: the numbers beside them are right, and what is drawn is what they say."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from recommender.model.evaluation_report import RangeCoverage
from recommender.training.plots import (
    Drawn,
    NotebookFigure,
    baselines,
    calibration,
    coverage,
    draw,
    gain,
    importance,
    signed_bars,
)
from tests.support.builders import a_practice
from tests.support.evaluations import an_evaluation

UNIT = "WAI-SR mean, 1 to 5"


def a_baseline_figure() -> Drawn:
    learners = ["clinician average", "challenger"] * 2
    metrics = ["share", "share", "dyad partial", "dyad partial"]
    values = np.array([0.1, 0.7, np.nan, 0.2])
    ends = {"value": values, "low": values - 0.1, "high": values + 0.1}
    return baselines(pd.DataFrame({"learner": learners, "metric": metrics, **ends}), "challenger")


def texts(drawn: Drawn) -> list[str]:
    return [
        label.get_text()
        for axes in drawn.figure.axes
        for label in (axes.xaxis.label, axes.yaxis.label, *axes.get_yticklabels())
    ]


def test_calibration_bins_hold_means_of_equal_counts() -> None:
    drawn = calibration([4.0, 2.0, 3.0, 1.0], [5.0, 2.0, 3.0, 2.0], UNIT, bins=2)
    low, high = drawn.numbers.to_dict("records")

    # Predictions 1 and 2 make the first bin, 3 and 4 the second.
    assert (low["count"], low["predicted"], low["observed"]) == (2, 3 / 2, 4 / 2)
    assert (high["count"], high["predicted"], high["observed"]) == (2, 7 / 2, 8 / 2)
    # Ratings 3 and 5: standard deviation sqrt(2), of the mean sqrt(2) / sqrt(2) = 1.
    assert high["high"] == pytest.approx(4 + 1.959963984540054)
    assert high["low"] == pytest.approx(4 - 1.959963984540054)


def test_calibration_counts_the_rows_it_leaves_out() -> None:
    drawn = calibration([1.0, 2.0, np.nan], [1.0, np.nan, 3.0], UNIT)

    assert drawn.numbers["count"].tolist() == [1]
    assert np.isnan(drawn.numbers["low"][0])
    assert any("2 without a value left out" in text for text in texts(drawn))


def test_calibration_of_nothing_is_an_empty_figure() -> None:
    assert calibration([], [], UNIT).numbers.empty


def test_calibration_of_one_prediction_for_all_is_drawn() -> None:
    assert calibration([3.0] * 20, np.linspace(1, 5, 20), UNIT).numbers["count"].sum() == 20


def test_baselines_have_one_panel_a_metric_and_one_line_a_learner() -> None:
    drawn = a_baseline_figure()

    assert [axes.get_xlabel() for axes in drawn.figure.axes] == ["share", "dyad partial"]
    ticks = [tick.get_text() for tick in drawn.figure.axes[0].get_yticklabels()]
    assert ticks == ["clinician average", "challenger"]
    assert drawn.numbers["value"].tolist()[:2] == [0.1, 0.7]
    assert np.isnan(drawn.numbers["value"][2])


def test_the_group_that_moves_most_comes_first() -> None:
    contributions = [[0.1, -0.3], [-0.1, 0.5]]
    drawn = importance(["practical fit", "style"], contributions, "WAI-SR points")

    assert drawn.numbers["group"].tolist() == ["style", "practical fit"]
    assert drawn.numbers["mean_absolute"].tolist() == pytest.approx([0.8 / 2, 0.2 / 2])
    assert "WAI-SR points" in drawn.figure.axes[0].get_xlabel()


def test_importance_of_no_prediction_is_unknown_and_not_zero() -> None:
    numbers = importance(["style"], np.empty((0, 1)), "WAI-SR points").numbers

    assert np.isnan(numbers["mean_absolute"][0])


@pytest.mark.parametrize(
    "drawn",
    [
        calibration(np.linspace(1, 5, 50), np.linspace(1, 5, 50), UNIT),
        a_baseline_figure(),
        importance(["style"], [[0.2]], "WAI-SR points"),
    ],
    ids=["calibration", "baselines", "importance"],
)
def test_every_figure_is_labelled_and_can_be_kept_as_svg(drawn: Drawn) -> None:
    kept = io.StringIO()
    drawn.figure.savefig(kept, format="svg", metadata={"Date": None})

    assert kept.getvalue().count("<svg") == 1
    assert all(axes.get_xlabel() or axes.get_ylabel() for axes in drawn.figure.axes)


def test_no_figure_is_left_open_globally() -> None:
    a_baseline_figure()

    assert plt.get_fignums() == []


def test_a_gain_curve_by_hand() -> None:
    # First 3, then 1 and 2 tied (their mean 3/2 each), then 0.
    drawn = gain({"one": [4.0, 3.0, 3.0, 1.0]}, [3.0, 1.0, 2.0, 0.0], UNIT)

    assert drawn.numbers["share"].tolist() == [1 / 4, 2 / 4, 3 / 4, 1.0]
    assert drawn.numbers["one"].tolist() == pytest.approx([3, (3 + 1.5) / 2, 6 / 3, 6 / 4])


def test_a_gain_curve_of_a_constant_score_runs_along_the_mean() -> None:
    left = np.random.default_rng(0).normal(size=60)
    drawn = gain({"constant": np.ones(60), "oracle": left}, left, UNIT, highlight="oracle")

    assert drawn.numbers["constant"].to_numpy() == pytest.approx(left.mean())
    assert drawn.numbers["oracle"].is_monotonic_decreasing
    assert drawn.numbers["oracle"].iloc[-1] == pytest.approx(left.mean())


def test_no_ratings_are_an_empty_gain_curve() -> None:
    assert gain({"one": []}, [], UNIT).numbers.empty


def test_coverage_is_drawn_as_it_was_measured_and_keeps_a_line_for_what_cannot_be_said() -> None:
    measured = RangeCoverage(among="all", rated=9, level=0.9, coverage=0.9, low=0.8, high=1.0)
    drawn = coverage([measured, RangeCoverage(among="new", rated=0, level=0.9)], 0.9)

    assert drawn.numbers["coverage"].iloc[0] == 0.9
    labels = [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()]
    assert labels == ["all (9)", "new (0)"]


def test_every_picture_of_an_evaluation_is_drawn_from_it() -> None:
    drawn = draw(an_evaluation(), a_practice())

    assert list(drawn) == ["baselines", "calibration", "gain", "coverage"]
    assert drawn["calibration"].numbers["count"].sum() == an_evaluation().held_out.is_rated.sum()
    assert set(drawn["gain"].numbers) == {"share", "ours"}
    for picture in drawn.values():
        assert not picture.numbers.empty
        picture.figure.savefig(io.BytesIO(), format="png")


def test_signed_bars_have_one_bar_a_part_in_the_order_given() -> None:
    drawn = signed_bars(["style", "approach"], [0.2, -0.1], "points")
    bars = drawn.figure.axes[0].patches

    assert drawn.numbers["part"].tolist() == ["style", "approach"]
    assert [bar.get_extents().width > 0 for bar in bars] == [True, True]
    assert bars[0].get_facecolor() != bars[1].get_facecolor()


def test_a_notebook_shows_a_figure_as_a_picture() -> None:
    figure = signed_bars(["style"], [0.2], "points").figure

    assert isinstance(figure, NotebookFigure)
    assert figure._repr_png_().startswith(b"\x89PNG")
