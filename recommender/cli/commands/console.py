"""What every command shares: the two consoles, options of the same name, how a refusal is told.

Imported by the commands only. Nothing here takes longer to import than `--help` may take.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from recommender.cli import render
from recommender.errors import FaultsError, RecommenderError
from recommender.practice.definition import Practice, practice_named
from recommender.registry.versions import tracking_reachable

out, err = Console(), Console(stderr=True)

Definition = Annotated[
    str, typer.Option("--practice", help="A definition: `psychology`, or the path of a TOML file.")
]
Data = Annotated[Path, typer.Argument(help="Folder with clients, clinicians, pairings, ratings.")]
Uri = Annotated[
    str, typer.Option("--registry", help="mlflow: a database such as sqlite:///…, or http(s)://…")
]
Seed = Annotated[int, typer.Option(help="Everything random follows from it.")]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        help="Scheduler of a Dask cluster to work on, such as tcp://10.0.0.5:8786; here without. "
        "Its workers need this package with the extra `cluster`.",
        show_default=False,
    ),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="RECOMMENDER_STORE",
        show_envvar=True,
        help="The journal's database: sqlite:///… or postgresql+psycopg://…",
    ),
]
REGISTRY = "sqlite:///var/mlflow.db"


@contextmanager
def exit_on_error() -> Iterator[None]:
    """What we refuse is said on standard error with its remedy, and ends the command with 1."""
    try:
        yield
    except FaultsError as error:
        err.print(render.faults_table(error.faults, "refused"))
        raise typer.Exit(1) from None
    except RecommenderError as error:
        err.print(render.faults_table([str(error)], "refused"))
        raise typer.Exit(1) from None


def definition(name: str) -> Practice:
    """The definition of this name that ships, or the one in a file."""
    return practice_named(name)


def must_exist(uri: str) -> None:
    """Refuses a database file that is not there: a mistyped path must not become a new registry."""
    if not tracking_reachable(uri):
        remedy = "run `recommender train` first, or mend --registry"
        raise RecommenderError("registry", "is not there", remedy)
