"""Which figures of a report are metrics of a run, and under which names."""

import math

from recommender.model.evaluation_report import EvaluationReport, FoldFigure, LearnerFigure
from recommender.training.run_figures import figures_by_fold, figures_of, headline
from tests.support.reports import a_report


def test_the_headline_has_names_that_need_no_quotes_and_only_what_was_measured() -> None:
    found = headline(a_report())

    assert {"composite", "dyad_partial", "coverage", "tested"} <= found.keys()
    assert all(name.isidentifier() for name in found)
    assert all(map(math.isfinite, found.values()))
    assert headline(EvaluationReport()) == {}


def test_a_figure_that_was_not_measured_is_not_a_number() -> None:
    report = EvaluationReport(figures=(LearnerFigure(learner="random", metric="RMSE"),))

    assert list(figures_of(report)) == ["RMSE/random"]
    assert math.isnan(figures_of(report)["RMSE/random"])


def test_figures_of_a_fold_are_ours_by_the_names_of_the_headline() -> None:
    figures = [("a", "ours", 0.2), ("a", "random", 0.0), ("b", "ours", 0.4)]
    report = EvaluationReport(
        by_fold=tuple(
            FoldFigure(fold=fold, learner=learner, metric="composite", value=value)
            for fold, learner, value in figures
        )
    )

    assert figures_by_fold(report) == {
        "a": {"composite": 0.2, "composite/random": 0.0},
        "b": {"composite": 0.4},
    }
