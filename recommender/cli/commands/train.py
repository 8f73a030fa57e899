"""The command `train`. Training and mlflow are imported when it runs: `--help` stays fast."""

from dataclasses import replace
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
    print_warning,
    reads_tables,
    uses_extras,
)
from recommender.cli.commands.share import STATE, OwnState, PoolFile, pool_for_training
from recommender.registry.versions import registry_option
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.training.run import TableFindings
    from recommender.training.tree_fitting import FitSettings


@uses_extras("train")
@reads_tables
def train(
    data: Data,
    practice: Definition = "psychology",
    registry: Uri = REGISTRY,
    seed: Seed = 0,
    tune: Annotated[
        int, typer.Option(min=0, help="Number of hyperparameter trials; 0 uses the defaults.")
    ] = 0,
    study: Annotated[
        Path | None,
        typer.Option(help="File that stores the trials, so that a stopped run continues."),
    ] = None,
    pool_file: PoolFile = None,
    share_state: OwnState = STATE,
    store: StoreUrl = None,
    cluster: ClusterAddress = None,
    *,
    written: TableFormat,
) -> None:
    """Evaluate on later pairings beside the champion, fit on all, publish a challenger.

    On a cluster its workers build the feature table and fit the trees; files are read and the
    mixed model is fitted here. Where a worker is lost, its chunk of the table or the ensemble is
    computed again on the others.

    With `--learned-from pool.json` it starts from what other practices contributed, and with too
    few ratings of its own serves that.
    """
    from recommender.cli.commands.export import learned_from, record_learned
    from recommender.cli.evaluation_tables import training_view
    from recommender.registry.registry import Registry
    from recommender.training.run import train as retrain
    from recommender.training.tune import SearchSettings

    if study is not None and not tune:
        raise typer.BadParameter("--study stores the trials of --tune")
    with exit_on_error():
        learned = learned_from(data, store)
        pool = pool_for_training(pool_file, share_state, definition(practice))
    with exit_on_error(), render.progress_bar(err) as progress:
        trained = retrain(
            data,
            definition(practice),
            Registry(registry),
            now=datetime.now(UTC),
            settings=replace(_settings(seed, cluster), pool=pool),
            search=SearchSettings(tune, study) if tune else None,
            progress=progress,
            written=written,
            found=_print_findings,
            warn=print_warning,
        )
        if trained.evaluation is not None:
            record_learned(learned, trained.version.digest)
    if trained.tuned is not None:
        out.print(f"Tuning: {trained.tuned.verdict}.", markup=False)
    if trained.evaluation is None:
        others = "" if pool is None else " and what other practices contributed"
        served = f"the definition's declared sizes{others}"
        out.print(f"Too few ratings to learn from: {served} will be served.", soft_wrap=True)
    else:
        out.print(training_view(trained.model.report))
    out.print(
        f"Published as challenger, version {trained.version.version}. "
        f"Next: recommender promote{registry_option(registry)}",
        markup=False,
        soft_wrap=True,
    )


def _print_findings(findings: "TableFindings") -> None:
    """Prints what is to be said of the tables; above a progress bar, which is on standard error."""
    if findings.consent is not None:
        err.print(str(findings.consent), markup=False)
    render.print_warnings(err, findings.unresolved)
    if findings.implausible:
        err.print(render.plausibility_table(findings.implausible))


def _settings(seed: int, cluster: str | None) -> "FitSettings":
    """Settings of a fit that runs in this process, or on a cluster."""
    from recommender.training.tree_fitting import FitSettings

    if cluster is None:
        return FitSettings(seed=seed)
    from recommender.training.dask_lightgbm import settings_on

    return settings_on(cluster, FitSettings(seed=seed))
