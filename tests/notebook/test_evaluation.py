"""Figures beside baselines in a notebook, and two runs on the same pairings."""

from functools import cache

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.notebook.evaluation import FIGURES, ModelEvaluation, evaluate
from recommender.training.dataset import dataset_of
from recommender.training.evaluate import evaluate as evaluate_dataset
from recommender.training.folds import forward
from tests.support.frames import loaded_tables


@cache
def measured() -> ModelEvaluation:
    return evaluate(loaded_tables(pairings=160), draws=20, progress=False)


@cache
def without_dropouts() -> ModelEvaluation:
    settings = {"left_quantile": None}
    return evaluate(loaded_tables(pairings=160), settings=settings, draws=20, progress=False)


def test_figures_are_those_of_the_command_line() -> None:
    tables = loaded_tables(pairings=160)
    dataset = dataset_of(tables.checked, tables.practice)
    expected = evaluate_dataset(dataset, forward(dataset), draws=20).table

    found = measured().figures
    assert found["value"].to_numpy() == pytest.approx(expected["value"].to_numpy(), nan_ok=True)
    assert found["learner"].tolist() == expected["learner"].tolist()


def test_ours_is_compared_with_every_baseline() -> None:
    baselines = set(measured().figures["learner"]) - {"ours"}

    assert set(measured().differences["baseline"]) == baselines
    assert measured().coverage["among"].iloc[0] == "all rated"
    assert measured().claims[0].startswith("Matching")


def test_a_composite_in_short_names_the_dropouts_that_it_counts() -> None:
    left = measured().report.left_unrated
    assert left
    assert f"held-out ratings, {left} dropouts, composite" in repr(measured())


def test_a_split_without_dropouts_has_no_composite_and_says_why() -> None:
    run = evaluate(loaded_tables(pairings=160), split="clinicians", draws=5, progress=False)
    for metrics in (run.figures, run.minus(run)):
        assert "composite" not in set(metrics["metric"])
    assert "composite" not in run.wide().columns
    assert "held-out ratings, client-adjusted partial" in repr(run)
    assert "No pairing held back here ended before a rating" in run._repr_html_()


def test_a_wide_table_has_a_row_a_learner_and_a_column_a_metric() -> None:
    wide = measured().wide("composite", "RMSE")

    assert wide.columns.tolist() == ["composite", "RMSE"]
    assert wide.index[0] == "ours"
    assert " to " in str(wide.loc["ours", "RMSE"])


def test_a_run_less_itself_is_nothing() -> None:
    difference = measured().minus(measured())

    assert difference["value"].abs().max() == 0
    assert set(difference["share_above"]) == {0.0}


def test_a_run_less_another_is_the_difference_of_their_figures() -> None:
    difference = measured().minus(without_dropouts()).set_index("metric")
    ours = [
        run.figures[run.figures["learner"] == "ours"].set_index("metric")["value"]
        for run in (measured(), without_dropouts())
    ]

    expected = (ours[0] - ours[1])[difference.index].to_numpy()
    assert difference["value"].to_numpy() == pytest.approx(expected, nan_ok=True)
    assert (difference["low"] <= difference["high"]).all()
    assert np.abs(difference["value"]).max() > 0


def test_runs_on_other_pairings_or_draws_are_not_compared() -> None:
    other = evaluate(loaded_tables(pairings=160), split="clients", draws=20, progress=False)
    fewer = evaluate(loaded_tables(pairings=160), draws=5, progress=False)
    for run in (other, fewer):
        with pytest.raises(RecommenderError, match="on other pairings or draws"):
            measured().minus(run)


def test_a_split_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecommenderError, match="choose from forward, rolling, clients, clinicians"):
        evaluate(loaded_tables(pairings=160), split="random")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_drawn_and_returned(name: str) -> None:
    assert measured().figure(name).axes


def test_a_figure_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecommenderError, match="name one of baselines"):
        measured().figure("lift")


def test_a_notebook_shows_learners_coverage_and_claims() -> None:
    shown = measured()._repr_html_()

    assert all(word in shown for word in ("ours", "random", "Interval coverage", "Matching"))
    assert repr(measured()).startswith("<ModelEvaluation corner, forward: ")
