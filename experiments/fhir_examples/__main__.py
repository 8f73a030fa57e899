"""The command: `python -m experiments.fhir_examples FOLDER …`.

Every resource in folders of published examples is read as `recommender import fhir` reads it: with
the shipped mapping, and with one that takes every practitioner for a clinician of the practice.
Then they are served by a server on this machine and read over HTTP. Prints resources by outcome.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from experiments.fhir_examples.local_server import running_fhir_server
from recommender.importing.fhir.files import SOURCE as FILES
from recommender.importing.fhir.files import documents_in
from recommender.importing.fhir.mapping import FhirMapping, RosterSettings
from recommender.importing.fhir.mapping_reader import load_mapping
from recommender.importing.fhir.resources import READ_KINDS, Document, collect
from recommender.importing.fhir.server import server_at
from recommender.importing.fhir.tables import ImportSettings, import_documents
from recommender.importing.import_report import ImportLog, ImportReport
from recommender.importing.pseudonyms import KEY_BYTES, Pseudonyms
from recommender.practice.definition import shipped_practice

Documents = Callable[[ImportLog], Iterable[Document]]


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of examples, as JSON or NDJSON.")],
) -> None:
    """Reads examples in three ways; exits 1 if one ends with a traceback."""
    practice = shipped_practice()
    shipped = load_mapping(None, practice)
    everyone = replace(shipped, roster=RosterSettings())
    tracebacks = 0

    def from_files(log: ImportLog) -> Iterable[Document]:
        return documents_in(folders, log)

    tracebacks += _try("the shipped mapping", from_files, shipped)
    tracebacks += _try("every practitioner taken", from_files, everyone)
    unread = ImportLog("resources to serve")
    usable = collect(documents_in(folders, unread), unread)
    bodies = [each.body for kind in READ_KINDS for each in usable.of(kind)]
    with running_fhir_server(bodies) as served:
        served.refusals = [429, 503]

        def from_server(log: ImportLog) -> Iterable[Document]:
            return server_at(served.base).documents(log, datetime(2000, 1, 1, tzinfo=UTC))

        tracebacks += _try("every practitioner taken, over HTTP", from_server, everyone)
        methods = Counter(each.method for each in served.asked)
        typer.echo(f"requests: {dict(methods)}")
    typer.echo(f"tracebacks: {tracebacks}")
    if tracebacks:
        raise typer.Exit(1)


def _try(title: str, documents: Documents, mapping: FhirMapping) -> int:
    """Imports some documents and prints what came of it; the number of tracebacks."""
    log = ImportLog(mapping.title)
    pseudonyms = Pseudonyms(bytes(KEY_BYTES))
    settings = ImportSettings(mapping, shipped_practice(), pseudonyms, datetime.now(UTC))
    try:
        import_documents(documents(log), settings, log)
    except Exception:
        typer.echo(f"{title}: {traceback.format_exc()}")
        return 1
    _print(title, log.report())
    return 0


def _print(title: str, report: ImportReport) -> None:
    resources = [each for each in report.sources if each.source != FILES]
    read = sum(each.read for each in resources)
    used = sum(each.used for each in resources)
    rows = ", ".join(f"{count} {name}" for name, count in report.written.items())
    typer.echo(f"{title}: {read:,} resources read, {used:,} used; {rows or 'no'} rows")
    reasons: Counter[str] = Counter()
    for each in report.left_out:
        place = "" if each.column is None else f" ({each.source}, {each.column})"
        reasons[f"{each.reason}{place}"] += each.count
    for reason, count in reasons.most_common():
        typer.echo(f"  {count:,} {reason}")
    for source in report.sources:
        if source.source == FILES:
            typer.echo(f"  files: {source.read:,}, unreadable {source.read - source.used:,}")


if __name__ == "__main__":
    typer.run(main)
