"""Names and values of the figures of a run: the headline first, then all, then those of a fold."""

from collections.abc import Iterator
from itertools import groupby
from math import nan
from operator import attrgetter

from recommender.model.evaluation_report import (
    ALL_RATED,
    COMPOSITE,
    DYAD,
    FIRST_RANKED,
    NEW_CLINICIANS,
    PARTIAL,
    RANDOM_ORDER,
    RMSE,
    SLOPE,
    EvaluationReport,
)
from recommender.training.baselines import OURS

WITH_OWN_METRICS = (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS)
"""Populations whose coverage is a metric; that of groups is in their table, since two levels of a
practice's own wording can be one name to mlflow."""
PLAIN_NAMES = {
    COMPOSITE: "composite",
    DYAD: "dyad_partial",
    PARTIAL: "client_adjusted_partial",
    SLOPE: "calibration_slope",
    RMSE: "rmse",
}
"""Figures by which runs are compared, under names that need no quotes in a search of runs."""


def headline(report: EvaluationReport) -> dict[str, float]:
    """The figures of a run that a list of runs compares; only those that were measured.

    `composite`, `dyad_partial`, `client_adjusted_partial`, `calibration_slope` and `rmse` of our
    learner on held-out pairings, `coverage` of the interval, `tested` held-out ratings, and
    `composite_all_ratings`, which is cross-fitted on every rating.
    """
    found = {
        PLAIN_NAMES[figure.metric]: figure.value
        for figure in report.figures
        if figure.learner == OURS and figure.metric in PLAIN_NAMES
    }
    whole = () if report.cross_fitted is None else report.cross_fitted.figures
    found |= {
        "coverage": next((e.coverage for e in report.ranges if e.among == ALL_RATED), None),
        "tested": None if report.rated is None else float(report.rated),
        "composite_all_ratings": next((e.value for e in whole if e.metric == COMPOSITE), None),
    }
    return {name: value for name, value in found.items() if value is not None}


def figures_of(report: EvaluationReport) -> dict[str, float]:
    """Every figure over all folds, such as `composite/ours`; NaN where it was not measured."""
    return {name: nan if value is None else value for name, value in _figures(report)}


def figures_by_fold(report: EvaluationReport) -> dict[str, dict[str, float]]:
    """The figures of each fold, as a run of its own shows them.

    Those of our learner have the names of the headline, those of others end in the learner's name;
    what was not measured is NaN.
    """
    by_fold: dict[str, dict[str, float]] = {}
    for fold, rows in groupby(report.by_fold, key=attrgetter("fold")):
        figures = by_fold.setdefault(fold, {})
        for row in rows:
            is_headline = row.learner == OURS and row.metric in PLAIN_NAMES
            name = PLAIN_NAMES[row.metric] if is_headline else f"{row.metric}/{row.learner}"
            figures[name] = nan if row.value is None else row.value
    return by_fold


def _figures(report: EvaluationReport) -> Iterator[tuple[str, float | None]]:
    for figure in report.figures:
        yield f"{figure.metric}/{figure.learner}", figure.value
    for row in report.differences:
        yield f"ours minus {row.baseline}/{row.metric}", row.value
    for covered in report.ranges:
        if covered.among in WITH_OWN_METRICS:
            for name in ("rated", "coverage", "width", "bias"):
                yield f"range/{covered.among}/{name}", getattr(covered, name)
    for shares in report.exposure:
        yield f"exposure/{shares.learner}/top_share", shares.top_share
    for name, value in report.optimism or ():
        yield f"optimism/{name}", value
    yield from _of_all_ratings(report)


def _of_all_ratings(report: EvaluationReport) -> Iterator[tuple[str, float | None]]:
    if report.cross_fitted is not None:
        for figure in report.cross_fitted.figures:
            yield f"cross-fitted/{figure.metric}", figure.value
    beside = report.incumbent
    if beside is not None:
        yield "incumbent/rated", float(beside.rated)
        if beside.name != RANDOM_ORDER:
            yield "incumbent/agreement", beside.agreement
            yield "incumbent/retained", beside.retained
        for row in beside.differences:
            yield f"ours minus incumbent/{row.metric}", row.value
    if report.concentration is not None:
        yield "concentration/ours", report.concentration.ours
        yield "concentration/by kind", report.concentration.by_kind
