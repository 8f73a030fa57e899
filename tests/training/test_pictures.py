"""Pictures of an evaluation: the numbers beside them are right."""

import io

import numpy as np
import pytest

from recommender.training.plots import coverage, draw, gain
from tests.support.builders import a_practice
from tests.support.evaluations import an_evaluation

UNIT = "WAI-SR mean, 1 to 5"


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
    drawn = coverage(["all", "new"], [9, 0], [0.9, np.nan], [0.8, np.nan], [1, np.nan], level=0.9)

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
