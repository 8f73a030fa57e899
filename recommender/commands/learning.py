"""Learning and measuring: `train` and `evaluate`. Imported by `cli`.

The training rooms and mlflow are imported by the commands that need them, when they run.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recommender import terminal
from recommender.commands.console import (
    REGISTRY,
    Data,
    Definition,
    Seed,
    Uri,
    definition,
    err,
    out,
    told,
)

if TYPE_CHECKING:
    from pandas import DataFrame


class Split(StrEnum):
    """How pairings are held back."""

    forward = "forward"
    clients = "clients"
    clinicians = "clinicians"


def train(
    data: Data,
    practice: Definition = "psychology",
    registry: Uri = REGISTRY,
    seed: Seed = 0,
    tune: Annotated[
        int, typer.Option(min=0, help="Seek settings in so many trials; 0 keeps the defaults.")
    ] = 0,
    study: Annotated[
        Path | None, typer.Option(help="File that keeps the trials, to go on after a stop.")
    ] = None,
) -> None:
    """Measure on later pairings, beside the champion; learn from all; publish a challenger."""
    from recommender.publishing.registry import Registry
    from recommender.training.growth import FitSettings
    from recommender.training.run import Search
    from recommender.training.run import train as retrain

    if study is not None and not tune:
        raise typer.BadParameter("--study keeps the trials of --tune")
    with told(), terminal.progress_bar(err) as progress:
        trained = retrain(
            data,
            definition(practice),
            Registry(registry),
            now=datetime.now(UTC),
            settings=FitSettings(seed=seed),
            search=Search(tune, study) if tune else None,
            progress=progress,
        )
    if trained.tuned is not None:
        out.print(f"Tuning: {trained.tuned.verdict}.", markup=False)
    if trained.evaluation is None:
        out.print("Too few ratings to learn from: the definition's declared sizes will serve.")
    else:
        _print_measured(trained.evaluation.table, trained.model.report)
    out.print(f"Published as challenger, version {trained.version.version}. "
              "Next: recommender promote")  # fmt: skip


def _print_measured(table: "DataFrame", report: Mapping[str, Any]) -> None:
    title = f"Measured on {report['rated']:,} later rated pairings"
    out.print(terminal.figures_table(table, title))
    out.print(terminal.ranges_table(report["ranges"]))
    not_compared = report.get("champion", {}).get("not_compared")
    if not_compared:
        out.print(f"The champion was not measured beside: {not_compared}.", markup=False)


def evaluate(
    data: Data,
    practice: Definition = "psychology",
    split: Annotated[Split, typer.Option(help="How pairings are held back.")] = Split.forward,
    folds: Annotated[
        Path | None, typer.Option(help="CSV of pairing_id,fold, instead of --split.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the figures to this CSV.")] = None,
    seed: Seed = 0,
) -> None:
    """Compare our learner with every baseline on held-out pairings; publishes nothing."""
    from recommender.tables.checked import read_tables
    from recommender.training import folds as ways
    from recommender.training.dataset import Dataset, dataset_of
    from recommender.training.evaluate import evaluate as measure
    from recommender.training.growth import FitSettings

    made: dict[Split, Callable[[Dataset], tuple[ways.Fold, ...]]] = {
        Split.forward: ways.forward,
        Split.clients: ways.clients_left_out,
        Split.clinicians: ways.clinicians_left_out,
    }
    if save is not None and not save.parent.is_dir():
        raise typer.BadParameter("the folder of --save is not there")
    with told(), terminal.progress_bar(err) as progress:
        declared = definition(practice)
        dataset = dataset_of(read_tables(data, declared), declared)
        chosen = ways.folds_from_file(dataset, folds) if folds else made[split](dataset)
        evaluation = measure(dataset, chosen, FitSettings(seed=seed), progress)
    rated = int(evaluation.tested.rated.sum())
    out.print(terminal.figures_table(evaluation.table, f"{rated:,} held-out rated pairings"))
    if save is not None:
        evaluation.table.to_csv(save, index=False)
        out.print(f"Written to {save}")
