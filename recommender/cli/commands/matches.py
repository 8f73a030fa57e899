"""The command `matches`; mlflow is imported when it runs."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from recommender.cli.commands.console import (
    REGISTRY,
    AsJson,
    Uri,
    err,
    exit_on_error,
    must_exist,
    out,
    print_json,
    uses_extras,
)


@uses_extras("train")
def matches(
    version: Annotated[
        int | None, typer.Argument(help="Instead of the champion, or the challenger before one.")
    ] = None,
    registry: Uri = REGISTRY,
    as_json: AsJson = False,
) -> None:
    """Show which declared matches matter, by size, and what a gain comes from.

    A match is "not shown yet" where the interval of this practice's own ratings covers 0. For
    example: recommender matches 3 --json
    """
    from recommender.cli.size_tables import gains_table, matches_view
    from recommender.model.bundle.io import load_bundle
    from recommender.model.match_sizes import match_sizes, without_sizes
    from recommender.registry.registry import Registry

    with (
        exit_on_error(as_json=as_json),
        err.status("reading the model"),
        tempfile.TemporaryDirectory() as folder,
    ):
        must_exist(registry)
        tracker = Registry(registry)
        chosen = tracker.version_or_champion(version)
        model = load_bundle(tracker.fetch(chosen.version, Path(folder)))
    report = model.report
    sizes = match_sizes(report, model.practice, model.manifest.contributors)
    if as_json:
        print_json(
            {
                "version": chosen.version,
                "digest": chosen.digest,
                "mode": model.manifest.mode,
                "rated": None if report.matches is None else report.matches.rated,
                "alliance_sd": None if report.matches is None else report.matches.alliance_sd,
                "matches": [each.to_dict() for each in sizes],
                "gains_by_part": [each.model_dump(mode="json") for each in report.gains_by_part],
                "note": "" if sizes else without_sizes(report),
            }
        )
        return
    if sizes:
        rated = 0 if report.matches is None else report.matches.rated
        title = f"Matches of version {chosen.version}, from {rated:,} rated pairings"
        out.print(matches_view(sizes, title))
    else:
        out.print(without_sizes(report))
    out.print(gains_table(report.gains_by_part))
