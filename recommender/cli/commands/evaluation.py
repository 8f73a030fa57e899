"""The command `evaluate`. Training and mlflow are imported when it runs: `--help` stays fast."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    REGISTRY,
    AsJson,
    Data,
    Definition,
    Seed,
    definition,
    err,
    exit_on_error,
    must_exist,
    out,
    print_json,
    reads_tables,
    uses_extras,
)
from recommender.cli.commands.share import STATE, OwnState, PoolFile, pool_for_training
from recommender.errors import RecommenderError
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.model.evaluation_report import EvaluationReport
    from recommender.registry.registry import Registry
    from recommender.tables.loader import Tables
    from recommender.tables.raw_table import TableFault, Warn
    from recommender.training.dataset import Dataset
    from recommender.training.folds import Fold
    from recommender.training.plots import Drawn
    from recommender.training.tree_fitting import FitSettings


class Split(StrEnum):
    """How pairings are held out."""

    forward = "forward"
    rolling = "rolling"
    clients = "clients"
    clinicians = "clinicians"


SPLITS = (
    "What is held out: forward, the last fifth of pairings to begin; rolling, the last four tenths,"
    " a tenth at a time; clients or clinicians, people without a training row."
)


@uses_extras("train")
@reads_tables
def evaluate(
    data: Data,
    practice: Definition = "psychology",
    split: Annotated[Split, typer.Option(help=SPLITS)] = Split.forward,
    folds: Annotated[
        Path | None, typer.Option(help="A table of pairing_id and fold, instead of --split.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder for evaluation.csv, report.json, and each plot as SVG and CSV.",
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(help="mlflow, as in `train`: evaluates its champion too, and logs the run."),
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help=f"Log the run in --registry, or in {REGISTRY}.")
    ] = False,
    pool_file: PoolFile = None,
    share_state: OwnState = STATE,
    seed: Seed = 0,
    as_json: AsJson = False,
    *,
    written: TableFormat,
) -> None:
    """Compare our learner with every baseline on held-out pairings; publishes nothing.

    Every learner is fitted anew on the other pairings, so this shows how well a practice's data
    can be learned from. The report that `promote` decides on comes from `train`, which evaluates
    as --split forward does and beside it scores every rating without its client.
    """
    from recommender.cli.evaluation_tables import evaluation_view
    from recommender.tables.loader import read_tables
    from recommender.training import plots
    from recommender.training.dataset import dataset_of
    from recommender.training.evaluate import evaluate as measure
    from recommender.training.promotion import ChampionModel, champion_model
    from recommender.training.report import report_of
    from recommender.training.tree_fitting import FitSettings

    with exit_on_error(as_json=as_json), render.progress_bar(err) as progress:
        folder, tracker = _folder(save), _registry(registry, log)
        declared = definition(practice)
        pool = pool_for_training(pool_file, share_state, declared)
        found: list[TableFault] = []
        today = declared.day_at(datetime.now(UTC))
        tables = read_tables(data, declared, today, written, warn=found.append)
        dataset = dataset_of(tables, declared)
        held_back = _held_back(dataset, tables, split, folds, found.append)
        champion = champion_model(tracker, declared) if tracker else ChampionModel()
        settings = FitSettings(seed=seed, pool=pool)
        evaluation = measure(dataset, held_back, settings, progress, champion=champion.model)
        report = report_of(evaluation, declared, champion=champion.facts)
        drawn = plots.draw(evaluation, declared) if folder or tracker else {}
        if folder:
            _write(folder, report, drawn)
        if tracker:
            way = "file" if folds else split.value
            run_id = _log(tracker, tables, dataset, report, settings, drawn, way)
    warnings = (*(each.to_fault() for each in found), *tables.warnings(declared))
    if as_json:
        written_to, run = (str(folder) if folder else None), (run_id if tracker else None)
        measured = {"report": report.as_read.to_dict(), "written_to": written_to, "run_id": run}
        print_json(measured | {"warnings": [str(each) for each in warnings]})
        return
    render.print_warnings(err, warnings)
    out.print(evaluation_view(report))
    if folder:
        out.print(f"Written to {folder}", soft_wrap=True, markup=False)
    if tracker:
        out.print(f"Logged as run {run_id}", markup=False)


def _folder(save: Path | None) -> Path | None:
    """The folder, created now rather than after minutes of computing."""
    if save is None:
        return None
    try:
        save.mkdir(parents=True, exist_ok=True)
    except OSError:
        problem, remedy = "cannot be created", "name a folder that may be written"
        raise RecommenderError("save", problem, remedy) from None
    return save


def _registry(uri: str | None, log: bool) -> "Registry | None":
    from recommender.registry.registry import Registry
    from recommender.training.run import EXPERIMENT

    if uri is None and not log:
        return None
    if not log:
        must_exist(uri or REGISTRY)
    tracker = Registry(uri or REGISTRY)
    tracker.experiment(EXPERIMENT)
    return tracker


def _held_back(
    dataset: "Dataset", tables: "Tables", split: Split, file: Path | None, warn: "Warn"
) -> "tuple[Fold, ...]":
    from recommender.training import folds
    from recommender.training.dataset import Dataset

    if file is not None:
        # A file may name its folds after people; what is stored may not.
        ids = tables.pairings["pairing_id"].tolist()
        named = folds.folds_from_file(dataset, file, ids, warn)
        return tuple(replace(f, name=f"fold {n}") for n, f in enumerate(named, start=1))
    ways: Mapping[Split, Callable[[Dataset], tuple[Fold, ...]]] = {
        Split.forward: folds.forward,
        Split.rolling: folds.rolling,
        Split.clients: folds.clients_left_out,
        Split.clinicians: folds.clinicians_left_out,
    }
    return ways[split](dataset)


def _write(folder: Path, report: "EvaluationReport", drawn: "Mapping[str, Drawn]") -> None:
    from recommender.training.artifacts import write_evaluation

    try:
        write_evaluation(folder, report, drawn)
    except OSError:
        problem, remedy = "cannot be written", "name a folder that may be written"
        raise RecommenderError("save", problem, remedy) from None


def _log(
    registry: "Registry",
    tables: "Tables",
    dataset: "Dataset",
    report: "EvaluationReport",
    settings: "FitSettings",
    drawn: "Mapping[str, Drawn]",
    way: str,
) -> str:
    from recommender.training.artifacts import EVALUATION, log_evaluation, run_tags
    from recommender.training.mlflow_run import tracked_run
    from recommender.training.run import EXPERIMENT
    from recommender.training.run_description import evaluation_description
    from recommender.training.run_figures import headline
    from recommender.training.table_datasets import datasets_of

    practice = dataset.practice
    tags = run_tags(practice, dataset.digest, EVALUATION) | {"split": way}
    name = f"{practice.id} {way} {practice.day_at(datetime.now(UTC))}"
    with tracked_run(registry, EXPERIMENT, name, tags) as run:
        run.describe(evaluation_description(report, practice, way))
        run.log_datasets(datasets_of(tables, practice, dataset, EVALUATION))
        run.log_metrics(headline(report))
        log_evaluation(run, report, settings, drawn)
    return run.run_id
