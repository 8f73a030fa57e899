"""Learning: `train`. Imported by `cli`.

The training rooms and mlflow are imported by the commands that need them, when they run.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    REGISTRY,
    ClusterAddress,
    Data,
    Definition,
    Seed,
    StoreUrl,
    Uri,
    definition,
    err,
    exit_on_error,
    out,
    uses_extras,
)

if TYPE_CHECKING:
    from recommender.training.tree_fitting import FitSettings


@uses_extras("train")
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
    store: StoreUrl = None,
    cluster: ClusterAddress = None,
) -> None:
    """Measure on later pairings, beside the champion; learn from all; publish a challenger.

    On a cluster its workers make the table of features and grow the trees; files are read and the
    mixed model is fitted here. Where a worker is lost, the part of the table or the ensemble it was
    at is begun again on the others.
    """
    from recommender.cli.commands.export import learned_from, record_learned
    from recommender.cli.evaluation_tables import training_view
    from recommender.registry.registry import Registry
    from recommender.training.run import train as retrain
    from recommender.training.tune import SearchSettings

    if study is not None and not tune:
        raise typer.BadParameter("--study keeps the trials of --tune")
    with exit_on_error():
        learned = learned_from(data, store)
    with exit_on_error(), render.progress_bar(err) as progress:
        trained = retrain(
            data,
            definition(practice),
            Registry(registry),
            now=datetime.now(UTC),
            settings=_settings(seed, cluster),
            search=SearchSettings(tune, study) if tune else None,
            progress=progress,
        )
        if trained.evaluation is not None:
            record_learned(learned, trained.version.digest)
    if trained.tuned is not None:
        out.print(f"Tuning: {trained.tuned.verdict}.", markup=False)
    if trained.evaluation is None:
        out.print("Too few ratings to learn from: the definition's declared sizes will serve.")
    else:
        out.print(training_view(trained.model.report))
    out.print(f"Published as challenger, version {trained.version.version}. "
              "Next: recommender promote")  # fmt: skip


def _settings(seed: int, cluster: str | None) -> "FitSettings":
    """Settings of a fit, with those who do the work: this process, or the workers of a cluster."""
    from recommender.training.tree_fitting import FitSettings

    if cluster is None:
        return FitSettings(seed=seed)
    from recommender.training.dask_lightgbm import settings_on

    return settings_on(cluster, FitSettings(seed=seed))
