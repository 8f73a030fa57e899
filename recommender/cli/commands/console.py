"""What the commands share: two consoles, common options, and errors as exit codes.

Imports nothing slow, so that `--help` is fast.
"""

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from typer.core import TyperGroup

from recommender.cli import render
from recommender.cli.record_table import output_width
from recommender.errors import Fault, FaultsError, RecommenderError, SystemLibraryError
from recommender.practice.definition import Practice, practice_named
from recommender.registry.versions import USUAL_REGISTRY, tracking_reachable
from recommender.system_libraries import named_libraries
from recommender.values.table_format import DateOrder, DecimalMark, TableFormat, ThousandsMark

if TYPE_CHECKING:
    from recommender.store.database import Store
    from recommender.tables.raw_table import TableFault

out = Console(width=output_width(sys.stdout))
err = Console(width=output_width(sys.stderr), stderr=True)

Definition = Annotated[
    str, typer.Option("--practice", help="A definition: `psychology`, or the path of a TOML file.")
]
Data = Annotated[
    Path,
    typer.Argument(
        help="Folder with clients, clinicians, pairings, ratings (.csv, .parquet, .xlsx, or sheets "
        "of practice.xlsx), or a workbook with these sheets."
    ),
]
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
RequiredStoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="RECOMMENDER_STORE",
        show_envvar=True,
        show_default=False,
        help="The journal's database: sqlite:///… or postgresql+psycopg://…",
    ),
]
FORMAT_OPTIONS: dict[str, Any] = {
    "dates": Annotated[
        DateOrder,
        typer.Option(
            envvar="RECOMMENDER_DATES",
            help="How tables write dates: iso is 2026-11-28, dmy 28/11/2026, mdy 11/28/2026.",
        ),
    ],
    "decimal": Annotated[
        DecimalMark,
        typer.Option(envvar="RECOMMENDER_DECIMAL", help="Mark before decimals in tables."),
    ],
    "thousands": Annotated[
        ThousandsMark,
        typer.Option(envvar="RECOMMENDER_THOUSANDS", help="Mark between thousands in tables."),
    ],
    "currency": Annotated[
        str,
        typer.Option(
            envvar="RECOMMENDER_CURRENCY",
            help="Sign before or after amounts in tables, such as '$'.",
        ),
    ],
}
"""The options of `TableFormat`, by attribute."""
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on standard output, and nothing else."),
]
REGISTRY = USUAL_REGISTRY
OPTIONAL_MODULES = frozenset(
    {"fhir", "matplotlib", "mlflow", "optuna", "pyarrow", "requests", "sklearn", "skops"}
)
"""Modules that the extras of `pyproject.toml` install and a server works without."""

P = ParamSpec("P")
R = TypeVar("R")


class CommandGroup(TyperGroup):
    """The commands, each of which names a shared library that is missing instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; exits with 1 and the library's name where one is missing."""
        as_json = "--json" in ctx.args
        try:
            with named_libraries():
                return super().invoke(ctx)
        except SystemLibraryError as error:
            _print_refusal(error, as_json=as_json)
            raise typer.Exit(1) from None


@contextmanager
def exit_on_error(*, as_json: bool = False) -> Iterator[None]:
    """Prints a `RecommenderError` with its remedy and exits with 1.

    On standard error, or as `faults` of a JSON object on standard output.
    """
    try:
        yield
    except RecommenderError as error:
        _print_refusal(error, as_json=as_json)
        raise typer.Exit(1) from None


def print_json(values: Mapping[str, Any], faults: Sequence[Fault] = ()) -> None:
    """Prints one JSON object whose last key is `faults`: where, problem and remedy of each."""
    listed = {"faults": [asdict(fault) for fault in faults]}
    typer.echo(json.dumps({**values, **listed}, indent=1, ensure_ascii=False, allow_nan=False))


def _print_refusal(error: RecommenderError, *, as_json: bool) -> None:
    one = (Fault(error.field, error.problem, error.remedy),)
    faults = error.faults if isinstance(error, FaultsError) else one
    if as_json:
        print_json({}, faults)
    else:
        err.print(render.faults_table(faults, "refused"))


def uses_extras(extras: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a command that needs extras of the project; without them it exits with 1 and says so.

    Parameters
    ----------
    extras
        As `pip install` takes them, such as `registry,parquet`.
    """

    def mark(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def run(*args: P.args, **options: P.kwargs) -> R:
            try:
                return command(*args, **options)
            except ModuleNotFoundError as error:
                module = (error.name or "").partition(".")[0]
                if module not in OPTIONAL_MODULES:
                    raise
                missing = missing_extras(command.__name__, module, extras)
                _print_refusal(missing, as_json=bool(options.get("as_json")))
                raise typer.Exit(1) from None

        return run

    return mark


def reads_tables(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the options of `TableFormat`, which it receives as `written`."""
    signature = inspect.signature(command, eval_str=True)
    standard = TableFormat()
    own = [each for name, each in signature.parameters.items() if name != "written"]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(standard, name),
            annotation=annotation,
        )
        for name, annotation in FORMAT_OPTIONS.items()
    ]

    @wraps(command)
    def run(*args: Any, **given: Any) -> R:
        with exit_on_error():
            written = TableFormat(**{name: given.pop(name) for name in FORMAT_OPTIONS})
        return command(*args, written=written, **given)

    parameters = [*own, *options]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def print_warning(warning: "TableFault") -> None:
    """Prints a warning about a file on standard error; it may be above a progress bar."""
    render.print_warnings(err, [warning.to_fault()])


def missing_extras(what: str, module: str, extras: str) -> RecommenderError:
    """The error for a module that is not installed, with the command that installs it."""
    remedy = f"run `pip install -e '.[{extras}]'` in a clone of the project"
    return RecommenderError(what, f"needs {module}, which is not installed", remedy)


@contextmanager
def opened_store(url: str | None) -> "Iterator[Store]":
    """The journal's database for one command; errors as in `exit_on_error`."""
    from recommender.store.database import open_store

    with exit_on_error():
        if url is None:
            remedy = "name it with --store or RECOMMENDER_STORE"
            raise RecommenderError("store", "is not named", remedy)
        store = open_store(url)
        try:
            yield store
        finally:
            store.close()


def utc_now() -> datetime:
    """The present time, for what a command records."""
    return datetime.now(UTC)


def shell_actor() -> str:
    """Who runs a command, as the audit log names them."""
    return f"shell:{os.getuid()}"


def print_secret(secret: str) -> None:
    """A secret alone on standard output, so that it can go straight into a file or a vault."""
    typer.echo(secret)


def definition(name: str) -> Practice:
    """The shipped definition of this name, or the one in a file."""
    return practice_named(name)


def must_exist(uri: str) -> None:
    """Refuses a missing database file: a mistyped path must not become a new registry."""
    if not tracking_reachable(uri):
        remedy = "run `recommender train FOLDER` first, or fix --registry"
        raise RecommenderError("registry", "does not exist", remedy)
