"""One training run: reads tables, evaluates, fits on all, publishes a challenger."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from recommender.compute.runner import Progress
from recommender.errors import Fault, TablesError
from recommender.model.alliance_model import EVIDENCE_PRIOR, AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.evidence_prior import evidence_model
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
"""Rated pairings below which the evidence prior is published: a held-out fifth would be fewer than
ten ratings."""
MIN_LATER = 200
"""Later ratings from which the published interval is estimated: the coverage of a 90 % interval is
then known to within 4 points (two standard errors)."""
LATER, OUT_OF_FOLD = "later ratings", "out of fold"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of one training run.

    Attributes
    ----------
    version, model
        As published.
    evaluation
        None where there were too few ratings to learn from.
    tuned
        None without tuning.
    warnings
        About the tables; see `Tables.warnings`.
    """

    version: Version
    model: AllianceModel
    evaluation: Evaluation | None = None
    tuned: TuningResult | None = None
    warnings: tuple[Fault, ...] = ()


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
    """Reads a practice's tables, evaluates forward in time, fits on all, publishes a challenger.

    The champion is evaluated beside it; where that is impossible, the report says why. With fewer
    than `MIN_RATED` rated pairings the evidence prior is published.

    Parameters
    ----------
    directory
        Holds clients, clinicians, pairings and ratings, each as CSV or Parquet.
    practice
        The definition the tables follow.
    registry
        Where the run, its bundle and its card are published.
    now
        Stored in the bundle; nothing learned depends on it.
    settings, search
        Hyperparameters, and how to tune them first; no tuning by default.
    progress
        Called with each step and the share that is done.

    Raises
    ------
    TablesError
        When the tables have faults; nothing is trained then.
    RegistryError
        When the registry cannot be reached; no alias is left half-registered.

    Examples
    --------
    With the tables of 120 pairings in `folder`, and a registry without a champion:

    >>> from datetime import UTC, datetime
    >>> quick = FitSettings(folds=2)
    >>> result = train(folder, practice, registry, now=datetime(2026, 1, 1, tzinfo=UTC),
    ...                settings=quick)
    >>> result.version.version, result.model.manifest.mode
    (1, 'model')
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
        version = _publish(registry, model, lambda run: None)
        return TrainingResult(version, model, warnings=tables.warnings(practice))
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

    def log(run: TrackedRun) -> None:
        log_training(run, model, dataset, evaluation, settings)
        if tuned is not None:
            log_trials(run, EXPERIMENT, tuned)

    version = _publish(registry, model, log)
    progress("done", 1.0)
    return TrainingResult(version, model, evaluation, tuned, tables.warnings(practice))


def with_interval(model: AllianceModel, evaluation: Evaluation) -> tuple[AllianceModel, str]:
    """The model with the interval of our errors on later ratings, and the interval's source.

    Later ratings include change over time, which out-of-fold ones do not. With fewer than
    `MIN_LATER` the out-of-fold interval stays. Reported coverage is of intervals that were stated
    before those ratings were seen.
    """
    tested, predicted = evaluation.held_out, evaluation.scores[OURS].alliance
    error = (tested.label - predicted)[tested.is_rated]
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
    """The progress of one step as a share of the whole run."""
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
    registry: Registry, model: AllianceModel, log: Callable[[TrackedRun], None]
) -> Version:
    """Stores the run, its bundle and its card, and sets the alias challenger."""
    practice, facts = model.practice, model.manifest
    tags = {"practice": practice.id, "data_digest": facts.data_digest, "mode": facts.mode}
    with (
        tempfile.TemporaryDirectory() as workspace,
        tracked_run(registry, EXPERIMENT, practice.id, tags) as run,
    ):
        bundle = Path(workspace) / "bundle"
        digest = save_bundle(model, bundle)
        log_model(run, model)
        log(run)
        version = registry.publish(run.run_id, bundle, practice, digest, tags)
    registry.set_alias(CHALLENGER, version.version)
    return version
