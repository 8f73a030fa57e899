"""The commands `sync`: one for each kind of system that a roster is kept current from."""

import typer

from recommender.cli.commands import sync_cliniko

sync_app = typer.Typer(
    no_args_is_help=True,
    help="Keep the roster current from the practice's own system, without writing there.",
)
sync_app.command()(sync_cliniko.cliniko)
