"""One training run: reads tables, evaluates, fits on all, publishes a challenger."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recommender.alliance.plausibility import PlausibilityWarning
from recommender.compute.runner import Progress
from recommender.errors import BundleError, Fault, TablesError
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.model.card import card_of
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.evidence_prior import evidence_model, usual_level
from recommender.pooling.pooled_slopes import check_pool, contributors_of, slope_prior
from recommender.practice.definition import Practice
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER, CHAMPION, Version
from recommender.tables.loader import Tables, read_tables
from recommender.tables.plausibility import (
    ConsentCounts,
    consent_counts,
    counts_by_kind,
    implausible_tables,
)
from recommender.tables.raw_table import Warn, ignore_warning
from recommender.training.artifacts import (
    TRAINING,
    log_model,
    log_training,
    log_trials,
    run_tags,
)
from recommender.training.cross_fit import Incumbent, with_cross_fit
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.enough_ratings import MIN_RATED, refuse_unlearnable, with_interval
from recommender.training.evaluate import Evaluation, evaluate
from recommender.training.fit import fit
from recommender.training.folds import forward
from recommender.training.match_estimates import expected_estimates
from recommender.training.mlflow_run import TrackedRun, tracked_run
from recommender.training.promotion import ChampionModel, champion_model
from recommender.training.report import report_of
from recommender.training.run_description import model_description
from recommender.training.run_figures import headline
from recommender.training.table_datasets import datasets_of
from recommender.training.tree_fitting import FitSettings
from recommender.training.tune import SearchSettings, tuned_settings
from recommender.training.tuning_trials import TuningResult
from recommender.values.table_format import STANDARD, TableFormat

EXPERIMENT = "early alliance"
COMPARED_CLIENTS = 50
"""Clients whose scores by the stored bundle are compared: enough to use every column, and
milliseconds beside a training."""


@dataclass(frozen=True, slots=True)
class TableFindings:
    """What is to be said of sound tables.

    Attributes
    ----------
    unresolved
        Ids that name nobody; see `Tables.warnings`.
    implausible
        What is legal cell by cell and implausible as a whole.
    consent
        Answers to the question of consent, where some client with a pairing did not say yes.
    """

    unresolved: tuple[Fault, ...] = ()
    implausible: tuple[PlausibilityWarning, ...] = ()
    consent: ConsentCounts | None = None


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
    findings
        What was said of the tables before anything was learned.
    """

    version: Version
    model: AllianceModel
    evaluation: Evaluation | None = None
    tuned: TuningResult | None = None
    findings: TableFindings = TableFindings()


def train(
    directory: Path,
    practice: Practice,
    registry: Registry,
    *,
    now: datetime,
    settings: FitSettings | None = None,
    search: SearchSettings | None = None,
    progress: Progress = lambda step, done: None,
    found: Callable[[TableFindings], None] = lambda findings: None,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> TrainingResult:
    """Reads a practice's tables, evaluates forward in time, fits on all, publishes a challenger.

    The champion is evaluated beside it; where that is impossible, the report says why. With fewer
    than `MIN_RATED` rated pairings the evidence prior is published, or with a pool among the
    settings what other practices contributed.

    Parameters
    ----------
    directory
        Holds clients, clinicians, pairings and ratings, each as CSV or Parquet.
    practice
        The definition the tables follow.
    registry
        Where the run, its bundle and its card are published.
    now
        Stored in the bundle; ratings dated after its day, in the practice's time zone, are faults.
    settings, search
        Hyperparameters, and how to tune them first; no tuning by default.
    progress
        Called with each step and the share that is done.
    found
        Called with what is to be said of the tables, before anything is learned or refused.
    written, warn
        How tables write dates and amounts; called with each warning about them.

    Raises
    ------
    TablesError
        When the tables have faults; nothing is trained then.
    RecommenderError
        When there are ratings enough, and nothing to learn from them (`refuse_unlearnable`); when
        the pool says nothing of this definition.
    BundleError
        When the bundle, read back, does not give the scores of the trained model. As with the
        other errors, nothing is published.
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
    if settings.pool is not None:
        check_pool(settings.pool, practice)
    # A registry that cannot be written is refused now, not after minutes of learning.
    registry.experiment(EXPERIMENT)
    progress("reading tables", 0.0)
    tables = read_tables(directory, practice, practice.day_at(now), written, warn)
    findings = findings_of(tables, practice)
    found(findings)
    champion = champion_model(registry, practice)
    dataset = _learnable(tables, practice)
    if dataset is None:
        model = _unlearned(tables, practice, champion, now, settings)
        version = _publish(registry, model, tables, None, lambda run: log_findings(run, findings))
        return TrainingResult(version, model, findings=findings)
    refuse_unlearnable(dataset)
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
    fitted = fit(dataset, None, settings, step_progress, now=now, with_matches=True)
    model, source = with_interval(fitted.model, evaluation)
    report = report_of(evaluation, practice, champion=champion.facts, ranges_from=source)
    report = with_cross_fit(report, fitted, dataset, _incumbent(champion, dataset))
    model = replace(model, report=report.model_copy(update={"matches": fitted.matches}))
    progress("publishing", 0.95)

    def log(run: TrackedRun) -> None:
        log_training(run, model, dataset, evaluation, settings)
        log_findings(run, findings)
        if tuned is not None:
            log_trials(run, tuned)

    version = _publish(registry, model, tables, dataset, log)
    progress("done", 1.0)
    return TrainingResult(version, model, evaluation, tuned, findings)


def findings_of(tables: Tables, practice: Practice) -> TableFindings:
    """What is to be said of checked tables before they are learned from."""
    people = tables.clients, tables.clinicians
    return TableFindings(
        tables.warnings(practice),
        implausible_tables(practice, *people, tables.pairings, tables.ratings),
        consent_counts(practice, tables.clients, tables.pairings),
    )


def log_findings(run: TrackedRun, findings: TableFindings) -> None:
    """Logs the number of warnings, in all and by kind: counts alone, never a text or an id."""
    counts = counts_by_kind(findings.implausible)
    by_kind = {f"plausibility/{kind}": count for kind, count in counts.items()}
    run.log_metrics({"plausibility/warnings": len(findings.implausible)} | by_kind)


def _incumbent(champion: ChampionModel, dataset: Dataset) -> Incumbent | None:
    """What serves now; None for a champion that cannot be measured."""
    if champion.model is not None:
        return Incumbent(CHAMPION, champion.model)
    if champion.facts is not None:
        return None
    declared = evidence_model(
        dataset.practice, dataset.clinicians, dataset.clinician_ids, data_digest="", created_at=""
    )
    return Incumbent.without_champion(declared)


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
    tables: Tables,
    practice: Practice,
    champion: ChampionModel,
    now: datetime,
    settings: FitSettings,
) -> AllianceModel:
    pool, informed = settings.pool, None
    _, interval = usual_level(practice)
    if pool is not None:
        informed = slope_prior(pool, practice, interval)
    model = evidence_model(
        practice,
        tables.clinicians,
        tables.clinician_ids,
        data_digest=tables.digest,
        created_at=now.isoformat(timespec="seconds"),
        seed=settings.seed,
        informed=informed,
        learned_from=contributors_of(pool),
    )
    additive = model.additive
    expected = additive.frame.slope_prior(additive.fit) if informed is None else informed
    matches = expected_estimates(practice, expected, interval)
    report = EvaluationReport(mode=model.manifest.mode, champion=champion.facts, matches=matches)
    return replace(model, report=report)


def _publish(
    registry: Registry,
    model: AllianceModel,
    tables: Tables,
    dataset: Dataset | None,
    log: Callable[[TrackedRun], None],
) -> Version:
    """Stores the run, its bundle and its card, and sets the alias challenger.

    The bundle is read back and compared first, so that no run is left of a model that cannot be
    served. The run has the number of its version in its name as soon as there is one.
    """
    practice, facts = model.practice, model.manifest
    tags = {"practice": practice.id, "data_digest": facts.data_digest, "mode": facts.mode}
    day = practice.day_at(datetime.fromisoformat(facts.created_at))
    card = card_of(model)
    described = model_description(card)
    with tempfile.TemporaryDirectory() as workspace:
        bundle = Path(workspace) / "bundle"
        digest = save_bundle(model, bundle)
        check_bundle(bundle, model, tables)
        run_facts = run_tags(practice, facts.data_digest, TRAINING) | tags
        name = f"{practice.id} training {day}"
        with tracked_run(registry, EXPERIMENT, name, run_facts) as run:
            run.describe(described)
            run.log_datasets(datasets_of(tables, practice, dataset, TRAINING))
            log_model(run, model, card)
            log(run)
            version = registry.publish(
                run.run_id,
                bundle,
                practice,
                digest,
                tags,
                description=described,
                figures=headline(model.report),
            )
            run.rename(f"{practice.id} v{version.version} {day}")
    registry.set_alias(CHALLENGER, version.version)
    return version


def check_bundle(bundle: Path, model: AllianceModel, tables: Tables) -> None:
    """Reads a written bundle as a server does, and compares its scores with the model's.

    The first `COMPARED_CLIENTS` clients are scored with every clinician of the tables.

    Raises
    ------
    BundleError
        When the bundle cannot be read, or any score differs in any bit.
    """
    remedy = "nothing is published; keep the tables and report this with the version of the program"
    try:
        stored = load_bundle(bundle, model.practice)
    except BundleError as error:
        problem = f"cannot be read back ({error.field} {error.problem})"
        raise BundleError("the trained model", problem, remedy) from error
    clients = tables.clients.take(np.arange(min(tables.clients.size, COMPARED_CLIENTS)))
    roster = tables.roster(datetime.min.replace(tzinfo=UTC))
    ways = np.indices((clients.size, len(roster))).reshape(2, -1)
    written, trained = (
        each.score(clients, each.encode_roster(roster), Pairs(*ways)) for each in (stored, model)
    )
    if not np.array_equal(written.alliance, trained.alliance):
        problem = "gives other scores once it is stored"
        raise BundleError("the trained model", problem, remedy)
    if not np.isfinite(trained.alliance).all():
        raise BundleError("the trained model", "gives scores that are not numbers", remedy)
