"""One retraining: tables in; measured, published as challenger.

The whole of `recommender train`, readable top to bottom. Imported by `cli` and the story test.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from recommender.alliance.label import early_ratings
from recommender.bundle import save_bundle
from recommender.model import EVIDENCE_PRIOR, AllianceModel
from recommender.practice import Practice
from recommender.prior import evidence_model
from recommender.publishing.registry import Registry
from recommender.publishing.versions import CHALLENGER, Version
from recommender.tables.checked import Tables, read_tables
from recommender.training import plots
from recommender.training.baselines import OURS, standing_of
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import Evaluation, evaluate, measure_range, ours_minus
from recommender.training.fit import Progress, fit
from recommender.training.folds import forward
from recommender.training.growth import FitSettings, parameters_of
from recommender.training.track import TrackedRun, tracked_run

EXPERIMENT = "early alliance"
FEWEST_RATED = 50
"""Rated pairings below which nothing is learned and the declared sizes serve: a held-out fifth
would be fewer than ten ratings."""
SHOWN = ("client-adjusted partial", "dyad partial", "composite", "calibration slope", "RMSE")


@dataclass(frozen=True, slots=True)
class Trained:
    """What one retraining gave; no evaluation where there were too few ratings to learn."""

    version: Version
    model: AllianceModel
    evaluation: Evaluation | None


def train(
    directory: Path,
    practice: Practice,
    registry: Registry,
    *,
    now: datetime,
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
) -> Trained:
    """Reads a practice's tables, measures forward in time, learns from all, publishes.

    With fewer than `FEWEST_RATED` rated pairings the evidence prior is published, labelled so.

    Raises
    ------
    TablesError
        When the tables would lose something; nothing is trained then.
    RegistryError
        When the registry cannot be reached; nothing half-registered is left as an alias.
    """
    settings = settings or FitSettings()
    # A registry that cannot be written is refused now, not after minutes of learning.
    registry.experiment(EXPERIMENT)
    progress("reading tables", 0.0)
    tables = read_tables(directory, practice)
    if rated_pairings(tables, practice) < FEWEST_RATED:
        model = _unlearned(tables, practice, now, settings.seed)
        return Trained(_publish(registry, model, tables.digest, _nothing_more), model, None)
    dataset = dataset_of(tables, practice)
    evaluation = evaluate(dataset, forward(dataset), settings, _within(progress, "measuring", 0.0))
    fitted = fit(dataset, None, settings, _within(progress, "learning from all", 0.5), now=now)
    model = replace(fitted.model, report=report_of(evaluation, practice))
    progress("publishing", 0.95)

    def log(run: TrackedRun) -> None:
        run.log_params(parameters_of(settings))
        _log_measured(run, model, dataset, evaluation)

    version = _publish(registry, model, tables.digest, log)
    progress("done", 1.0)
    return Trained(version, model, evaluation)


def rated_pairings(tables: Tables, practice: Practice) -> int:
    """How many pairings have a rating that counts."""
    early = early_ratings(tables.ratings, tables.pairings, practice.alliance, practice.instruments)
    return int(early.rows["pairing_id"].nunique())


def _within(progress: Progress, what: str, start: float) -> Progress:
    """A step's own progress as half of the whole, from `start` on."""
    return lambda step, done: progress(f"{what}: {step}", start + 0.45 * done)


def _unlearned(tables: Tables, practice: Practice, now: datetime, seed: int) -> AllianceModel:
    model = evidence_model(
        practice,
        tables.clinicians,
        tables.clinician_ids,
        data_digest=tables.digest,
        created_at=now.isoformat(timespec="seconds"),
        seed=seed,
    )
    return replace(model, report={"mode": EVIDENCE_PRIOR})


def report_of(evaluation: Evaluation, practice: Practice) -> dict[str, Any]:
    """What was measured on held-out pairings, as plain values for the bundle and the gate."""
    differences = ours_minus(evaluation, "composite").set_index("baseline")
    rated = evaluation.tested.rated
    return {
        "folds": list(evaluation.folds),
        "rated": int(rated.sum()),
        "left_unrated": int((rated == 0).sum()),
        "range": measure_range(evaluation.tested, practice.alliance.interval),
        "figures": evaluation.table.to_dict("records"),
        "composite_ours_minus": differences.to_dict("index"),
    }


def _publish(
    registry: Registry, model: AllianceModel, data_digest: str, log: Callable[[TrackedRun], None]
) -> Version:
    """Keeps the run and its bundle, and names the version challenger."""
    practice = model.practice
    tags = {"practice": practice.id, "data_digest": data_digest, "mode": model.manifest.mode}
    with (
        tempfile.TemporaryDirectory() as workspace,
        tracked_run(registry, EXPERIMENT, practice.id, tags) as run,
    ):
        bundle = Path(workspace) / "bundle"
        digest = save_bundle(model, bundle)
        run.log_params(_facts(model))
        run.log_text("practice.toml", practice.text)
        log(run)
        version = registry.publish(run.run_id, bundle, practice, digest, tags)
    registry.set_alias(CHALLENGER, version.version)
    return version


def _nothing_more(_: TrackedRun) -> None:
    """Where nothing was learned there is nothing measured to keep."""


def _facts(model: AllianceModel) -> dict[str, object]:
    manifest = asdict(model.manifest)
    kept = ("practice_version", "practice_digest", "data_digest", "ratings", "pairings")
    facts = {name: manifest[name] for name in (*kept, "first_day", "last_day", "known_until")}
    return {**facts, "share_of_trees": round(model.share, 4)}


def _figures(report: Mapping[str, Any]) -> dict[str, float]:
    figures = {f"{row['metric']}/{row['learner']}": row["value"] for row in report["figures"]}
    return figures | {f"range/{name}": value for name, value in report["range"].items()}


def _log_measured(
    run: TrackedRun, model: AllianceModel, dataset: Dataset, evaluation: Evaluation
) -> None:
    run.log_metrics(_figures(model.report))
    run.log_table("evaluation", evaluation.table)
    tested, ours = evaluation.tested, evaluation.guesses[OURS]
    rated = tested.rated > 0
    table = evaluation.table[evaluation.table["metric"].isin(SHOWN)]
    unit = f"points of {model.practice.reference.name}"
    drawn = {
        "calibration": plots.calibration(ours.alliance[rated], tested.label[rated], unit),
        "baselines": plots.baselines(
            table["learner"].tolist(), table["metric"].tolist(),
            table["value"], table["low"], table["high"], highlight=OURS,
        ),
        "importance": _importance(model, dataset, unit),
    }  # fmt: skip
    for name, picture in drawn.items():
        run.log_figure(name, picture.figure)
        run.log_table(name, picture.numbers)


def _importance(model: AllianceModel, dataset: Dataset, unit: str) -> plots.Drawn:
    """Mean size of each group's contribution over at most 500 rated pairings."""
    some = np.linspace(0, len(dataset) - 1, min(500, len(dataset))).astype(np.intp)
    parts = model.contributions(dataset.clients, standing_of(dataset), dataset.pairs.take(some))
    groups = model.practice.groups
    sums = [
        parts.values[:, [f.group == group for f in parts.features]].sum(axis=1) for group in groups
    ]
    return plots.importance(list(groups.values()), np.stack(sums, axis=1), unit)
