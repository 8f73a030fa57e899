"""Writes what was measured into an mlflow run or a folder: settings, figures, tables, plots, card.

Counts and averages only, never a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from recommender.model.alliance_model import AllianceModel, Contributions
from recommender.model.card import card_of
from recommender.model.evaluation_report import (
    ALL_RATED,
    FIRST_RANKED,
    NEW_CLINICIANS,
    Estimate,
    EvaluationReport,
)
from recommender.practice.definition import Practice
from recommender.training import plots
from recommender.training.baselines import encode_clinicians
from recommender.training.cross_fit import RANDOM_ORDER
from recommender.training.dataset import Dataset
from recommender.training.evaluate import Evaluation
from recommender.training.mlflow_run import TrackedRun, tracked_run
from recommender.training.tree_fitting import FitSettings, parameters_of
from recommender.training.tuning_trials import TuningResult

CARD, EVALUATION = "card.md", "evaluation"
WITH_OWN_METRICS = (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS)
"""Populations whose coverage is a metric; that of groups is in their table, since two levels of a
practice's own wording can be one name to mlflow."""
EXPLAINED = 500
"""Rated pairings over which contributions are averaged."""
MAX_FEATURES = 20


def log_model(run: TrackedRun, model: AllianceModel) -> None:
    """Logs the provenance of a model, its definition and its card."""
    manifest = asdict(model.manifest)
    names = ("mode", "practice_version", "practice_digest", "data_digest", "ratings", "pairings")
    facts = {name: manifest[name] for name in (*names, "first_day", "last_day", "known_until")}
    run.log_params({**facts, "share_of_trees": round(model.tree_weight, 4)})
    run.log_text("practice.toml", model.practice.text)
    run.log_text(CARD, card_of(model).markdown)


def log_training(
    run: TrackedRun,
    model: AllianceModel,
    dataset: Dataset,
    evaluation: Evaluation,
    settings: FitSettings,
) -> None:
    """Logs settings, figures, tables and plots of a learned model."""
    drawn = plots.draw(evaluation, model.practice) | _explained(model, dataset)
    log_evaluation(run, model.report, settings, drawn)


def log_evaluation(
    run: TrackedRun,
    report: EvaluationReport,
    settings: FitSettings,
    drawn: Mapping[str, plots.Drawn],
) -> None:
    """Logs settings, figures, tables and plots of an evaluation."""
    run.log_params(parameters_of(settings))
    if settings.pool is not None:
        run.log_params({"pool": settings.pool.digest})
    run.log_metrics({name: nan if value is None else value for name, value in _metrics(report)})
    tables: dict[str, Sequence[BaseModel]] = {
        "figures": report.figures,
        "by_fold": report.by_fold,
        "ours_minus": report.differences,
        "ranges": report.ranges,
        "groups": report.groups or (),
        "exposure": report.exposure,
        "dropout_sensitivity": report.dropout_sensitivity,
    }
    for name, rows in tables.items():
        if rows:
            run.log_table(name, _frame(rows))
    for name, picture in drawn.items():
        run.log_figure(name, picture.figure)
        run.log_table(f"pictures/{name}", picture.numbers)


def write_evaluation(
    folder: Path, report: EvaluationReport, drawn: Mapping[str, plots.Drawn]
) -> None:
    """Writes the figures as `evaluation.csv`, all as `report.json`, each plot as SVG and CSV."""
    _frame(report.figures).to_csv(folder / "evaluation.csv", index=False)
    (folder / "report.json").write_text(report.to_json() + "\n", encoding="utf-8")
    for name, picture in drawn.items():
        # Without a date the same numbers draw the same file.
        picture.figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        picture.numbers.to_csv(folder / f"{name}.csv", index=False)


def evaluation_tags(practice: Practice, digest: str) -> dict[str, str]:
    """Tags of a run that say what was evaluated."""
    facts = {"practice": practice.id, "practice_version": practice.version}
    return facts | {"practice_digest": practice.digest, "data_digest": digest, "kind": EVALUATION}


def log_trials(run: TrackedRun, experiment: str, tuned: TuningResult) -> None:
    """Logs every trial of the tuning as a run below this one, and all of them as a table."""
    run.log_metrics({"tuning/lead": tuned.lead, "tuning/margin": tuned.margin})
    run.log_text("tuning.md", tuned.verdict + "\n")
    rows = []
    for trial in tuned.trials:
        name = f"trial {trial.number}"
        with tracked_run(run.registry, experiment, name, {"state": trial.state}, run.run_id) as one:
            one.log_params(trial.params)
            folds = {f"fold/{n}/composite": value for n, value in enumerate(trial.by_fold)}
            one.log_metrics({"composite": trial.value, "seconds": trial.seconds} | folds)
        rows.append({"trial": trial.number, "state": trial.state, "composite": trial.value})
    run.log_table("trials", pd.DataFrame(rows))


def _frame(rows: Sequence[BaseModel]) -> pd.DataFrame:
    table = pd.DataFrame([row.model_dump() for row in rows])
    if not rows or not isinstance(rows[0], Estimate):
        return table
    # Names first, then the value with its interval, then the ratings it rests on.
    ends = list(Estimate.model_fields)
    return table[sorted(table, key=lambda name: (name in ends) + 2 * (name == "rated"))]


def _metrics(report: EvaluationReport) -> Iterator[tuple[str, float | None]]:
    """Names and values, `composite/ours` over all folds and `fold/forward/composite/ours` of one.

    A figure that could not be measured is None; the run names it in a tag.
    """
    for figure in report.figures:
        yield f"{figure.metric}/{figure.learner}", figure.value
    for in_fold in report.by_fold:
        yield f"fold/{in_fold.fold}/{in_fold.metric}/{in_fold.learner}", in_fold.value
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
        for row in beside.differences:
            yield f"ours minus incumbent/{row.metric}", row.value
    if report.concentration is not None:
        yield "concentration/ours", report.concentration.ours
        yield "concentration/by kind", report.concentration.by_kind


def _explained(model: AllianceModel, dataset: Dataset) -> dict[str, plots.Drawn]:
    unit = f"points of {model.practice.reference.name}"
    parts = _contributions(model, dataset)
    return {"importance": _by_group(model, parts, unit), "features": _by_feature(parts, unit)}


def _contributions(model: AllianceModel, dataset: Dataset) -> Contributions:
    """Of rated pairings spread evenly over time."""
    size = min(EXPLAINED, len(dataset))
    sample = np.linspace(0, len(dataset) - 1, size).astype(np.intp)
    return model.contributions(
        dataset.clients, encode_clinicians(dataset), dataset.pairs.take(sample)
    )


def _by_group(model: AllianceModel, parts: Contributions, unit: str) -> plots.Drawn:
    groups = model.practice.groups
    sums = [
        parts.values[:, [f.group == group for f in parts.features]].sum(axis=1) for group in groups
    ]
    return plots.importance(list(groups.values()), np.stack(sums, axis=1), unit)


def _by_feature(parts: Contributions, unit: str) -> plots.Drawn:
    """The features that move predictions most, by name: several may share a phrase."""
    size = np.abs(parts.values).mean(axis=0)
    most = np.argsort(-size, kind="stable")[:MAX_FEATURES]
    names = [parts.features[place].name for place in most]
    title = f"What moves the prediction: the first {len(most)} of {len(size)} columns"
    return plots.importance(names, parts.values[:, most], unit, title=title)
