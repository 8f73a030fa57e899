"""Writes what was measured into an mlflow run or a folder: settings, figures, tables, plots, card.

Counts and averages only, never a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

from recommender.model.alliance_model import AllianceModel, Contributions
from recommender.model.card import Card
from recommender.model.evaluation_report import Estimate, EvaluationReport
from recommender.practice.definition import Practice
from recommender.training import plots
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset
from recommender.training.drawing import placed
from recommender.training.evaluate import Evaluation
from recommender.training.mlflow_run import ChildRun, TrackedRun
from recommender.training.run_figures import figures_by_fold, figures_of
from recommender.training.tree_fitting import FitSettings, parameters_of
from recommender.training.tuning_trials import TrialResult, TuningResult

CARD, EVALUATION = "card.md", "evaluation"
NOT_MEASURED = "not_measured.txt"
TRAINING, FOLD, TRIAL = "training", "fold", "trial"
"""With `EVALUATION` the kinds of runs, in their tag `kind`."""
EXPLAINED = 500
"""Rated pairings over which contributions are averaged."""
MAX_FEATURES = 20


def log_model(run: TrackedRun, model: AllianceModel, card: Card) -> None:
    """Logs the provenance of a model, its definition and its card."""
    manifest = asdict(model.manifest)
    names = ("mode", "practice_version", "practice_digest", "data_digest", "ratings", "pairings")
    facts = {name: manifest[name] for name in (*names, "first_day", "last_day", "known_until")}
    run.log_params({**facts, "share_of_trees": round(model.tree_weight, 4)})
    counts = {name: float(manifest[name]) for name in ("ratings", "pairings")}
    run.log_metrics(counts)
    run.log_text("practice.toml", model.practice.text)
    run.log_text(CARD, card.markdown)


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
    missing = run.log_metrics(figures_of(report))
    if missing:
        run.log_text(NOT_MEASURED, "".join(f"{name}\n" for name in missing))
        run.tag("not_measured", f"{len(missing)} figures, named in {NOT_MEASURED}")
    run.log_children(
        [ChildRun(f"fold {fold}", FOLD, each) for fold, each in figures_by_fold(report).items()]
    )
    read = report.as_read
    tables: dict[str, Sequence[BaseModel]] = {
        "figures": read.figures,
        "by_fold": read.by_fold,
        "ours_minus": read.differences,
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
    """Writes the figures as `evaluation.csv`, all as `report.json`, each plot as SVG and CSV.

    Neither has a composite where no held-out pairing ended before a rating.
    """
    report = report.as_read
    _frame(report.figures).to_csv(folder / "evaluation.csv", index=False)
    (folder / "report.json").write_text(report.to_json() + "\n", encoding="utf-8")
    for name, picture in drawn.items():
        with placed(picture.figure):
            # Without a date the same numbers draw the same file.
            picture.figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        picture.numbers.to_csv(folder / f"{name}.csv", index=False)


def run_tags(practice: Practice, digest: str, kind: str) -> dict[str, str]:
    """Tags of a run that say what it is about."""
    facts = {"practice": practice.id, "practice_version": practice.version}
    return facts | {"practice_digest": practice.digest, "data_digest": digest, "kind": kind}


def log_trials(run: TrackedRun, tuned: TuningResult) -> None:
    """Logs every trial of the tuning as a run below this one, and all of them as a table."""
    run.log_metrics({"tuning/lead": tuned.lead, "tuning/margin": tuned.margin})
    run.log_text("tuning.md", tuned.verdict + "\n")
    run.log_children([_child_of(trial) for trial in tuned.trials])
    rows = [
        {"trial": trial.number, "state": trial.state, "composite": trial.value}
        for trial in tuned.trials
    ]
    run.log_table("trials", pd.DataFrame(rows))


def _child_of(trial: TrialResult) -> ChildRun:
    folds = {f"composite/fold {number}": value for number, value in enumerate(trial.by_fold, 1)}
    return ChildRun(
        f"trial {trial.number}",
        TRIAL,
        {"composite": trial.value} | folds,
        trial.params,
        {"state": trial.state},
        trial.seconds,
    )


def _frame(rows: Sequence[BaseModel]) -> pd.DataFrame:
    table = pd.DataFrame([row.model_dump() for row in rows])
    if not rows or not isinstance(rows[0], Estimate):
        return table
    # Names first, then the value with its interval, then the ratings it rests on.
    ends = list(Estimate.model_fields)
    return table[sorted(table, key=lambda name: (name in ends) + 2 * (name == "rated"))]


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
