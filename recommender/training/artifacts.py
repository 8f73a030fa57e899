"""What is kept of a training or an evaluation: settings, figures, tables, pictures, the card.

In an mlflow run or in a folder; counts and averages only, never a person. Imported by `run` and the
command line.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recommender.model.alliance_model import AllianceModel, Contributions
from recommender.model.card import card_of
from recommender.practice.definition import Practice
from recommender.training import plots
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset
from recommender.training.evaluate import Evaluation
from recommender.training.mlflow_run import TrackedRun, tracked_run
from recommender.training.report import ALL_RATED, FIRST_RANKED, NEW_CLINICIANS
from recommender.training.tree_fitting import FitSettings, parameters_of
from recommender.training.trials import TuningResult

CARD, EVALUATION = "card.md", "evaluation"
TABLES = (
    "figures",
    "by_fold",
    "ours_minus",
    "ranges",
    "groups",
    "exposure",
    "dropout_sensitivity",
)
"""Tables of the report that a run keeps under the same names."""
FIXED = (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS)
"""Ranges with a metric of their own; those of groups stand in their table, since two levels of a
practice's own wording can be one name to mlflow."""
EXPLAINED = 500
"""Rated pairings over which contributions are averaged."""
MOST_FEATURES = 20


def keep_facts(run: TrackedRun, model: AllianceModel) -> None:
    """Where a model comes from, its definition and its card."""
    manifest = asdict(model.manifest)
    names = ("mode", "practice_version", "practice_digest", "data_digest", "ratings", "pairings")
    facts = {name: manifest[name] for name in (*names, "first_day", "last_day", "known_until")}
    run.log_params({**facts, "share_of_trees": round(model.tree_weight, 4)})
    run.log_text("practice.toml", model.practice.text)
    run.log_text(CARD, card_of(model).markdown)


def keep_measured(
    run: TrackedRun,
    model: AllianceModel,
    dataset: Dataset,
    evaluation: Evaluation,
    settings: FitSettings,
) -> None:
    """Settings, figures, tables and pictures of a learned model."""
    drawn = plots.draw(evaluation, model.practice) | _explained(model, dataset)
    keep_evaluation(run, model.report, settings, drawn)


def keep_evaluation(
    run: TrackedRun,
    report: Mapping[str, Any],
    settings: FitSettings,
    drawn: Mapping[str, plots.Drawn],
) -> None:
    """Settings, figures, tables and pictures of what was measured."""
    run.log_params(parameters_of(settings))
    figures = _metrics(report)
    run.log_metrics({name: nan if value is None else value for name, value in figures})
    for name in TABLES:
        if report.get(name):
            run.log_table(name, pd.DataFrame(report[name]))
    for name, picture in drawn.items():
        run.log_figure(name, picture.figure)
        run.log_table(f"pictures/{name}", picture.numbers)


def write_evaluation(
    folder: Path, report: Mapping[str, Any], drawn: Mapping[str, plots.Drawn]
) -> None:
    """The figures as `evaluation.csv`, all as `report.json`, and each picture as SVG and CSV."""
    pd.DataFrame(report["figures"]).to_csv(folder / "evaluation.csv", index=False)
    told = json.dumps(report, indent=1, allow_nan=False) + "\n"
    (folder / "report.json").write_text(told, encoding="utf-8")
    for name, picture in drawn.items():
        # Without a date the same numbers draw the same file.
        picture.figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        picture.numbers.to_csv(folder / f"{name}.csv", index=False)


def evaluation_facts(practice: Practice, digest: str) -> dict[str, str]:
    """What an evaluation was of, as the run's tags."""
    facts = {"practice": practice.id, "practice_version": practice.version}
    return facts | {"practice_digest": practice.digest, "data_digest": digest, "kind": EVALUATION}


def keep_trials(run: TrackedRun, experiment: str, tuned: TuningResult) -> None:
    """Every trial of the search as a run below this one, and all of them as a table."""
    run.log_metrics({"tuning/lead": tuned.lead, "tuning/margin": tuned.margin})
    run.log_text("tuning.md", tuned.verdict + "\n")
    rows = []
    for tried in tuned.trials:
        name = f"trial {tried.number}"
        with tracked_run(run.registry, experiment, name, {"state": tried.state}, run.run_id) as one:
            one.log_params(tried.params)
            folds = {f"fold/{n}/composite": value for n, value in enumerate(tried.by_fold)}
            one.log_metrics({"composite": tried.value, "seconds": tried.seconds} | folds)
        rows.append({"trial": tried.number, "state": tried.state, "composite": tried.value})
    run.log_table("trials", pd.DataFrame(rows))


def _metrics(report: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Names and values, `composite/ours` over all folds and `fold/forward/composite/ours` of one.

    A figure that could not be measured is None; the run names it in a tag.
    """
    for row in report["figures"]:
        yield f"{row['metric']}/{row['learner']}", row["value"]
    for row in report["by_fold"]:
        yield f"fold/{row['fold']}/{row['metric']}/{row['learner']}", row["value"]
    for row in report["ours_minus"]:
        yield f"ours minus {row['baseline']}/{row['metric']}", row["value"]
    for row in report["ranges"]:
        if row["among"] in FIXED:
            for name in ("rated", "coverage", "width", "bias"):
                yield f"range/{row['among']}/{name}", row[name]
    for row in report["exposure"]:
        yield f"exposure/{row['learner']}/top_share", row["top_share"]
    for name, value in report["optimism"].items():
        yield f"optimism/{name}", value


def _explained(model: AllianceModel, dataset: Dataset) -> dict[str, plots.Drawn]:
    unit = f"points of {model.practice.reference.name}"
    parts = _contributions(model, dataset)
    return {"importance": _by_group(model, parts, unit), "features": _by_feature(parts, unit)}


def _contributions(model: AllianceModel, dataset: Dataset) -> Contributions:
    """Of rated pairings spread evenly over time."""
    few = min(EXPLAINED, len(dataset))
    some = np.linspace(0, len(dataset) - 1, few).astype(np.intp)
    return model.contributions(
        dataset.clients, encode_clinicians(dataset), dataset.pairs.take(some)
    )


def _by_group(model: AllianceModel, parts: Contributions, unit: str) -> plots.Drawn:
    groups = model.practice.groups
    sums = [
        parts.values[:, [f.group == group for f in parts.features]].sum(axis=1) for group in groups
    ]
    return plots.importance(list(groups.values()), np.stack(sums, axis=1), unit)


def _by_feature(parts: Contributions, unit: str) -> plots.Drawn:
    """The features that move predictions most, by name: a phrase can be said of several."""
    size = np.abs(parts.values).mean(axis=0)
    most = np.argsort(-size, kind="stable")[:MOST_FEATURES]
    names = [parts.features[place].name for place in most]
    title = f"What moves the prediction: the first {len(most)} of {len(size)} columns"
    return plots.importance(names, parts.values[:, most], unit, title=title)
