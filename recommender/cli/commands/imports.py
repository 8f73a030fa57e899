"""The commands `import`: tables out of the files of a practice's own systems."""

import os
import subprocess
import sys
from dataclasses import replace as replaced
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    AsJson,
    Definition,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
)
from recommender.errors import RecommenderError, TablesError
from recommender.practice.definition import Practice

if TYPE_CHECKING:
    from recommender.importing.pseudonyms import Pseudonyms
    from recommender.importing.table_import import ImportedTables

import_app = typer.Typer(
    no_args_is_help=True,
    help="Make the four tables out of what a practice's own systems export.",
)
KEY = Path("var/import/pseudonyms.key")
Key = Annotated[
    Path,
    typer.Option(
        help="File with the key of pseudonyms; created if missing. It stays with the practice: "
        "back it up, apart from the tables."
    ),
]


@import_app.command("files")
def import_files(
    mapping: Annotated[
        str, typer.Argument(help="A shipped mapping (see `import list`), or a TOML file.")
    ],
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of files (.csv, .xlsx).")],
    out_: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write to; without it nothing is written."),
    ] = None,
    practice: Definition = "psychology",
    key: Key = KEY,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace tables that are in the folder.")
    ] = False,
    extra: Annotated[
        Path | None,
        typer.Option(help="Also write a table of the clinicians to fill in what no file has."),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows of each table in the preview.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Show what an import would write and leave out; write it with --out.

    Example: `recommender import files cliniko exports --out practice`
    """
    from recommender.importing.output_tables import write_import
    from recommender.importing.shipped_mappings import mapping_named
    from recommender.importing.table_import import import_files as imported_from

    with exit_on_error(as_json=as_json), err.status("reading files"):
        declared = definition(practice)
        today = declared.day_at(datetime.now(UTC))
        read = mapping_named(mapping)
        name = Path(mapping).name
        # A table to fill in has ids that a later import must know again.
        writes = out_ is not None or extra is not None
        pseudonyms, sentence = pseudonyms_of(key, out_, writes=writes)
        imported = imported_from(read, name, files, declared, pseudonyms, today)
        imported = replaced(
            imported, report=imported.report.with_key(pseudonyms.fingerprint, sentence)
        )
        if extra is not None:
            _write_extra(extra, imported)
        if out_ is not None:
            write_import(out_, imported.tables, imported.report, replace=replace)
    if as_json:
        print_json(imported.report.to_json() | {"out": None if out_ is None else str(out_)})
        return
    _print_import(imported, out_, rows)
    if extra is not None:
        out.print(f"Wrote {extra}: fill it in and add it to the files.", soft_wrap=True)
    if out_ is None:
        out.print("No tables were written. To write them, add --out FOLDER.", style="bold")
        return
    check_written(out_, declared, practice)


def _print_import(imported: "ImportedTables", out_: Path | None, rows: int) -> None:
    from recommender.cli.import_tables import import_view, preview_view
    from recommender.values.counts import counted_tables

    out.print(import_view(imported.report))
    if out_ is None and rows:
        out.print(preview_view(imported.tables, rows))
    counts = counted_tables(imported.report.written)
    out.print(f"{'Would write' if out_ is None else 'Wrote'} {counts}.", soft_wrap=True)


def check_written(
    folder: Path, declared: Practice, practice: str, *, as_json: bool = False
) -> None:
    """Checks what was written, as `recommender check` does; with `as_json` prints faults alone."""
    from recommender.importing.output_tables import REPORT_FILES
    from recommender.tables.report import check_tables

    report = check_tables(folder, declared, declared.day_at(datetime.now(UTC)))
    if not report.sound:
        err.print(render.faults_table(report.grouped(), "what is wrong"))
        raise typer.Exit(1)
    if as_json:
        return
    rated = _early_ratings(report.summary.pairings_rated)
    check = f"recommender check {folder} --practice {practice}"
    verdict = f"sound, but see `{check}`" if report.implausible else "sound"
    out.print(f"Checked: {verdict}; {rated}. The report is {folder / REPORT_FILES[1]}.",
              soft_wrap=True)  # fmt: skip
    out.print(f"Next: recommender train {folder} --practice {practice}", soft_wrap=True)


def pseudonyms_of(key: Path, folder: Path | None, *, writes: bool) -> "tuple[Pseudonyms, str]":
    """Pseudonyms for an import, and a sentence that says where their key is.

    Raises
    ------
    RecommenderError
        When the key is in the folder of the tables.
    TablesError
        When the key is not there, and the tables of the folder were made with one.
    """
    from recommender.importing.output_tables import other_key_faults
    from recommender.importing.pseudonyms import preview_pseudonyms, read_pseudonyms

    place = key.resolve()
    if folder is not None and place.is_relative_to(folder.resolve()):
        remedy = "name a file elsewhere: who gets the tables would get the key too"
        raise RecommenderError("--key", "is in the folder of the tables", remedy)
    if key.exists():
        pseudonyms = read_pseudonyms(key) if writes else preview_pseudonyms(key)
        return pseudonyms, f"Key of pseudonyms: {place}"
    if not writes:
        sentence = f"The key of pseudonyms would be created: {place}"
        return preview_pseudonyms(key), sentence
    faults = [] if folder is None else other_key_faults(folder, "")
    if faults:
        raise TablesError(faults)
    sentence = f"Created the key of pseudonyms {place}: back it up, apart from the tables."
    return read_pseudonyms(key), sentence


def _early_ratings(rated: int) -> str:
    """How many pairings have an early rating."""
    from recommender.values.counts import counted

    return f"{counted(rated, 'pairing')} {'has' if rated == 1 else 'have'} an early rating"


def _write_extra(path: Path, imported: "ImportedTables") -> None:
    """Writes a table of the clinicians with the columns that are empty in the import."""
    from recommender.files import atomic_write
    from recommender.tables.csv_text import csv_text

    if path.exists():
        raise RecommenderError(str(path), "is there already", "name another file with --extra")
    table = imported.tables["clinicians"]
    offered = imported.report.offered
    # A fact that only some clinicians have must be filled in for the others too.
    needed = () if offered is None else offered.incomplete
    empty = [
        place
        for place, column in enumerate(table.header)
        if column in needed
        or (
            column not in ("clinician_id", "name") and all(row[place] is None for row in table.rows)
        )
    ]
    places = [table.header.index(column) for column in ("clinician_id", "name")] + empty
    rows = [[row[place] for place in places] for row in table.rows]
    with atomic_write(path) as file:
        file.write(csv_text([table.header[place] for place in places], rows).encode())


@import_app.command("list")
def list_mappings(as_json: AsJson = False) -> None:
    """List the shipped mappings and the files that each reads."""
    from recommender.cli.import_tables import mappings_view
    from recommender.importing.shipped_mappings import mapping_named, shipped_names

    mappings = {name: mapping_named(name) for name in shipped_names()}
    if as_json:
        print_json({"mappings": {name: each.mapping.title for name, each in mappings.items()}})
        return
    out.print(mappings_view(mappings))
    out.print("To change one: recommender import show NAME > my-mapping.toml")


@import_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A shipped mapping; see `import list`.")],
) -> None:
    """Print a shipped mapping, to be copied and edited.

    Example: `recommender import show cliniko > my-mapping.toml`
    """
    from recommender.importing.shipped_mappings import shipped_mapping_text

    with exit_on_error():
        typer.echo(shipped_mapping_text(name), nl=False)


def example(context: typer.Context) -> None:
    """Write made-up exports of a system, to try an import (see `example --help`)."""
    # experiments imports recommender, never the reverse: a process of its own keeps that true.
    clone = Path(__file__).parents[3]
    with exit_on_error():
        if not (clone / "experiments" / "practice_exports").is_dir():
            remedy = "run `python -m experiments.practice_exports` in a clone of the project"
            raise RecommenderError("example", "is not part of the installed package", remedy)
    command = [sys.executable, "-m", "experiments.practice_exports", *context.args]
    paths = os.pathsep.join(filter(None, [str(clone), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths}
    raise typer.Exit(subprocess.run(command, check=False, env=environment).returncode)


import_app.command(
    "example",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(example)
