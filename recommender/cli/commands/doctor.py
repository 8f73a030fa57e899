"""The command `doctor`: checks of a deployment."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    REGISTRY,
    AsJson,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
    reads_tables,
)
from recommender.registry.versions import tracking_reachable
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.settings import Settings


@reads_tables
def doctor(
    roster: Annotated[
        Path,
        typer.Option(envvar="RECOMMENDER_ROSTER", help="The clinicians, .csv, .parquet or .xlsx."),
    ] = Path("var/practice/clinicians.csv"),
    bundle: Annotated[
        Path | None,
        typer.Option(envvar="RECOMMENDER_BUNDLE", help="The bundle to serve."),
    ] = None,
    practice: Annotated[
        str | None,
        typer.Option(
            envvar="RECOMMENDER_PRACTICE",
            help="The current definition, `psychology` or the path of a TOML file.",
        ),
    ] = None,
    registry: Annotated[
        str | None, typer.Option(help="mlflow: a database such as sqlite:///…, or http(s)://…")
    ] = None,
    host: Annotated[
        str, typer.Option(envvar="RECOMMENDER_HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="RECOMMENDER_PORT", help="Address to listen on.", min=1, max=65535)
    ] = 8000,
    as_json: AsJson = False,
    *,
    written: TableFormat,
) -> None:
    """Check a deployment and print each fault with its fix; exits 1 on any.

    Run it with the environment of the server. It changes nothing.
    """
    from recommender.cli.doctor.checks import CHECKS, run_checks
    from recommender.cli.doctor.deployment import Deployment

    with exit_on_error(as_json=as_json):
        settings = _settings(bundle or Path(), roster, host, port)
        deployment = Deployment(
            bundle=bundle,
            roster=roster,
            table_format=written,
            practice=definition(practice) if practice else None,
            store=settings.store.get_secret_value() if settings.store else None,
            pepper=settings.pepper.get_secret_value() if settings.pepper else None,
            registry=registry or _served_registry(bundle),
            host=host,
            port=port,
            allowed_hosts=settings.allowed_hosts,
            environment=os.environ,
            now=datetime.now(UTC),
            backups=settings.backups,
            settings=settings,
            matching_page=settings.matching_page,
            matching_frame_ancestors=settings.matching_frame_ancestors,
        )
        findings = run_checks(deployment)
    if as_json:
        print_json({"checks": len(CHECKS), "model_checked": bundle is not None}, findings)
        raise typer.Exit(1 if findings else 0)
    for finding in findings:
        err.print(str(finding), markup=False, soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    unchecked = "" if bundle else " No --bundle was named, so no model was checked."
    out.print(f"All {len(CHECKS)} checks passed.{unchecked}", soft_wrap=True)


def _served_registry(bundle: Path | None) -> str | None:
    """The registry that `serve` follows by default, where it exists and no bundle is named."""
    return REGISTRY if bundle is None and tracking_reachable(REGISTRY) else None


def _settings(bundle: Path, roster: Path, host: str, port: int) -> "Settings":
    """The settings as the server reads them."""
    from recommender.settings import read_settings

    return read_settings(bundle=bundle, roster=roster, host=host, port=port)
