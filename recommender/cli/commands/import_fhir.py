"""The command `import fhir`; the library of FHIR is imported when it runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    AsJson,
    Definition,
    definition,
    err,
    exit_on_error,
    uses_extras,
    utc_now,
)
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recommender.importing.fhir.resources import Document
    from recommender.importing.import_report import ImportLog


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
    key_file: Annotated[
        Path, typer.Option("--key", help="Key of the pseudonyms; it stays with the practice.")
    ] = Path("var/import/pseudonyms.key"),
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
    from recommender.importing.fhir.mapping_reader import load_mapping
    from recommender.importing.fhir.tables import ImportSettings, import_documents
    from recommender.importing.import_report import ImportLog
    from recommender.importing.output_tables import write_import
    from recommender.importing.pseudonyms import preview_pseudonyms, read_pseudonyms

    now = utc_now()
    with exit_on_error(as_json=as_json), err.status("reading FHIR"):
        declared = definition(practice)
        chosen = load_mapping(mapping, declared)
        read_key = preview_pseudonyms if out_ is None else read_pseudonyms
        settings = ImportSettings(chosen, declared, read_key(key_file), now)
        log = ImportLog(chosen.title)
        documents = _documents(sources, log, now, _since(since, now))
        tables = import_documents(documents, settings, log)
        if since is not None:
            log.note(SINCE_NOTE)
        report = log.report()
        if out_ is not None and tables:
            write_import(out_, tables, report, replace=replace)
    _print(report, tables, out_, practice, as_json=as_json)
