"""One retraining: tables in; measured, published as challenger.

The whole of `recommender train`, readable top to bottom. Imported by `commands` and the story test.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from recommender.compute.runner import Progress
from recommender.errors import TablesError
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.evidence_prior import evidence_model
from recommender.model.manifest import EVIDENCE_PRIOR
from recommender.practice.definition import Practice
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER, Version
from recommender.tables.loader import Tables, read_tables
from recommender.training.artifacts import log_model, log_training, log_trials
from recommender.training.baselines import OURS
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import Evaluation, evaluate
from recommender.training.fit import fit, prediction_interval
from recommender.training.folds import forward
from recommender.training.mlflow_run import TrackedRun, tracked_run
from recommender.training.promotion import ChampionModel, champion_model
from recommender.training.report import report_of
from recommender.training.tree_fitting import FitSettings
from recommender.training.tune import SearchSettings, tuned_settings
from recommender.training.tuning_trials import TuningResult

EXPERIMENT = "early alliance"
MIN_RATED = 50
"""Rated pairings below which nothing is learned and the declared sizes serve: a held-out fifth
would be fewer than ten ratings."""
MIN_LATER = 200
"""Later ratings from which the published range is taken: the share that a range of 90 % holds is
then known to within 4 points (two standard errors)."""
LATER, OUT_OF_FOLD = "later ratings", "out of fold"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What one retraining gave.

    Attributes
    ----------
    version, model
        As published.
    evaluation
        None where there were too few ratings to learn from.
    tuned
        None where nothing was sought.
    """

    version: Version
    model: AllianceModel
    evaluation: Evaluation | None = None
    tuned: TuningResult | None = None


def train(
    directory: Path,
    practice: Practice,
    registry: Registry,
    *,
    now: datetime,
    settings: FitSettings | None = None,
    search: SearchSettings | None = None,
    progress: Progress = lambda step, done: None,
) -> TrainingResult:
    """Reads a practice's tables, measures forward in time, learns from all, publishes.

    The champion is measured beside; where that cannot be, the report says why. With fewer than
    `FEWEST_RATED` rated pairings the evidence prior is published, labelled so.

    Raises
    ------
    TablesError
        When the tables would lose something; nothing is trained then.
    RegistryError
        When the registry cannot be reached; nothing half-registered is left as an alias.
    """
    settings, tuned = settings or FitSettings(), None
    # A registry that cannot be written is refused now, not after minutes of learning.
    registry.experiment(EXPERIMENT)
    progress("reading tables", 0.0)
    tables = read_tables(directory, practice)
    champion = champion_model(registry, practice)
    dataset = _learnable(tables, practice)
    if dataset is None:
        model = _unlearned(tables, practice, champion, now, settings.seed)
        return TrainingResult(_publish(registry, model, lambda run: None), model)
    if search is not None:
        step_progress = _part(progress, "tuning", 0.0, 0.5)
        tuned = tuned_settings(dataset, settings, search, step_progress)
        settings = tuned.settings
    started = 0.5 if tuned else 0.0
    step_progress = _part(progress, "measuring", started, (0.95 + started) / 2)
    evaluation = evaluate(
        dataset, forward(dataset), settings, step_progress, champion=champion.model
    )
    step_progress = _part(progress, "learning from all", (0.95 + started) / 2, 0.95)
    model, source = with_interval(
        fit(dataset, None, settings, step_progress, now=now).model, evaluation
    )
    report = report_of(evaluation, practice, champion=champion.facts, ranges_from=source)
    model = replace(model, report=report)
    progress("publishing", 0.95)

    def keep(run: TrackedRun) -> None:
        log_training(run, model, dataset, evaluation, settings)
        if tuned is not None:
            log_trials(run, EXPERIMENT, tuned)

    version = _publish(registry, model, keep)
    progress("done", 1.0)
    return TrainingResult(version, model, evaluation, tuned)


def with_interval(model: AllianceModel, evaluation: Evaluation) -> tuple[AllianceModel, str]:
    """The model with the range of our errors on later ratings, and where its range comes from.

    Later ratings carry what out-of-fold ones cannot: change over time. Of fewer than
    `FEWEST_LATER` the out-of-fold range stays. Reported coverage is of ranges that were stated
    before those ratings were seen.
    """
    tested, said = evaluation.held_out, evaluation.scores[OURS].alliance
    error = (tested.label - said)[tested.is_rated]
    if len(error) < MIN_LATER:
        return model, OUT_OF_FOLD
    level = model.practice.alliance.interval
    return replace(model, interval=prediction_interval(error, level)), LATER


def _learnable(tables: Tables, practice: Practice) -> Dataset | None:
    """The rated pairings, or None while they are too few to learn from."""
    try:
        dataset = dataset_of(tables, practice)
    except TablesError:
        # Checked tables lack only this: a rating that counts.
        return None
    return dataset if len(dataset) >= MIN_RATED else None


def _part(progress: Progress, what: str, start: float, end: float) -> Progress:
    """A step's own progress as a part of the whole."""
    return lambda step, done: progress(f"{what}: {step}", start + (end - start) * done)


def _unlearned(
    tables: Tables, practice: Practice, champion: ChampionModel, now: datetime, seed: int
) -> AllianceModel:
    model = evidence_model(
        practice,
        tables.clinicians,
        tables.clinician_ids,
        data_digest=tables.digest,
        created_at=now.isoformat(timespec="seconds"),
        seed=seed,
    )
    return replace(model, report=EvaluationReport(mode=EVIDENCE_PRIOR, champion=champion.facts))


def _publish(
    registry: Registry, model: AllianceModel, keep: Callable[[TrackedRun], None]
) -> Version:
    """Keeps the run, its bundle and its card, and names the version challenger."""
    practice, facts = model.practice, model.manifest
    tags = {"practice": practice.id, "data_digest": facts.data_digest, "mode": facts.mode}
    with (
        tempfile.TemporaryDirectory() as workspace,
        tracked_run(registry, EXPERIMENT, practice.id, tags) as run,
    ):
        bundle = Path(workspace) / "bundle"
        digest = save_bundle(model, bundle)
        log_model(run, model)
        keep(run)
        version = registry.publish(run.run_id, bundle, practice, digest, tags)
    registry.set_alias(CHALLENGER, version.version)
    return version
