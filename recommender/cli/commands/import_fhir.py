"""The command `import fhir`; the library of FHIR is imported when it runs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from recommender.cli.commands.console import (
    AsJson,
    Definition,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
    uses_extras,
    utc_now,
)
from recommender.cli.commands.imports import KEY, Key, check_written, pseudonyms_of
from recommender.errors import RecommenderError
from recommender.practice.definition import Practice

if TYPE_CHECKING:
    from recommender.importing.fhir.resources import Document
    from recommender.importing.import_report import ImportLog, ImportReport
    from recommender.importing.output_tables import OutputTable

PREVIEW_ROWS = 2
"""Rows of each table in a preview."""
SINCE_NOTE = (
    "Of questionnaires only those changed since --since were read from servers; patients without "
    "one are clients only where they have a session."
)


@uses_extras("fhir")
def fhir(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL...",
            help="Files and folders of FHIR R4 (.json, .ndjson), and base addresses of servers.",
        ),
    ],
    out_: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for the tables; created if missing. Without it, only a preview.",
            show_default=False,
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="Which code is which level, and which questionnaire is a rating (TOML); the one "
            "for AU Base without.",
            show_default=False,
        ),
    ] = None,
    practice: Definition = "psychology",
    key: Key = KEY,
    extra: Annotated[
        Path | None,
        typer.Option(
            help="Table of the clinicians with what FHIR does not have (.csv): written to be "
            "filled in where there is none, and else added.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="From servers, only questionnaires answered or changed since then, such as "
            "2026-11-01 or 2026-11-01T00:00:00+11:00.",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace tables that are in the folder.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read clinicians, clients and ratings from FHIR R4 with AU Base profiles.

    Prints what would be written and what is left out, and why; with `--out` it writes the tables.
    Nothing is ever written to a server, whose token is in RECOMMENDER_FHIR_TOKEN.

    Example: `recommender import fhir export/ --out tables`
    """
    from recommender.importing.fhir.by_hand import read_by_hand
    from recommender.importing.fhir.mapping_reader import load_mapping
    from recommender.importing.fhir.tables import ImportSettings, import_documents
    from recommender.importing.import_report import ImportLog
    from recommender.importing.output_tables import write_import

    now = utc_now()
    with exit_on_error(as_json=as_json), err.status("reading FHIR"):
        declared = definition(practice)
        chosen = load_mapping(mapping, declared)
        by_hand = read_by_hand(extra, declared) if extra is not None and extra.exists() else {}
        # A table to fill in has pseudonyms, which the next import must give again.
        writes = out_ is not None or (extra is not None and not extra.exists())
        pseudonyms, sentence = pseudonyms_of(key, out_, writes=writes)
        settings = ImportSettings(chosen, declared, pseudonyms, now, by_hand)
        log = ImportLog(chosen.title)
        changed = None if since is None else _since(since, declared)
        tables = import_documents(_documents(sources, log, now, changed), settings, log)
        if changed is not None:
            log.note(SINCE_NOTE)
        report = log.report().with_key(pseudonyms.fingerprint, sentence)
        wrote_extra = extra is not None and not extra.exists() and "clinicians" in tables
        if wrote_extra and extra is not None:
            _write_extra(extra, tables["clinicians"], report)
        if out_ is not None and tables:
            write_import(out_, tables, report, replace=replace)
    if as_json:
        print_json(report.to_json() | {"out": None if out_ is None else str(out_)})
    else:
        _print(report, tables, out_)
        if wrote_extra:
            out.print(f"Wrote {extra}: fill it in and run this again.", soft_wrap=True)
    if not tables:
        raise typer.Exit(1)
    if out_ is not None and "clients" in tables:
        check_written(out_, declared, practice, as_json=as_json)


def _documents(
    sources: Sequence[str], log: "ImportLog", now: datetime, since: datetime | None
) -> "Iterator[Document]":
    """The documents of files first, and then those of servers."""
    from recommender.importing.fhir.files import documents_in
    from recommender.importing.fhir.server import is_address, server_at

    servers = [server_at(each) for each in sources if is_address(each)]
    paths = [Path(each) for each in sources if not is_address(each)]
    if paths:
        yield from documents_in(paths, log)
    for server in servers:
        yield from server.documents(log, now, since)


def _since(text: str, practice: Practice) -> datetime:
    """A time, or the beginning of a day of the practice."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            moment = datetime.combine(day, time.min, ZoneInfo(practice.timezone))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        remedy = "write a day such as 2026-11-01, or a time with its zone"
        raise RecommenderError("--since", "is neither a day nor a time with a zone", remedy)
    return moment.astimezone(UTC)


def _write_extra(path: Path, clinicians: "OutputTable", report: "ImportReport") -> None:
    from recommender.files import atomic_write
    from recommender.importing.fhir.by_hand import table_to_fill_in

    needed = () if report.offered is None else report.offered.incomplete
    with atomic_write(path) as file:
        file.write(table_to_fill_in(clinicians, needed).encode())


def _print(report: "ImportReport", tables: "Mapping[str, OutputTable]", out_: Path | None) -> None:
    from recommender.cli.import_tables import import_view, preview_view
    from recommender.values.counts import counted_tables

    out.print(import_view(report))
    if not tables:
        err.print("Nothing to write: no clinician and no client could be used.", soft_wrap=True)
        return
    if out_ is None:
        out.print(preview_view(tables, PREVIEW_ROWS))
    counts = counted_tables(report.written)
    out.print(f"{'Would write' if out_ is None else 'Wrote'} {counts}.", soft_wrap=True)
    if out_ is None:
        out.print("No table was written. To write them, add --out FOLDER.", style="bold")
