"""FHIR resources in files: JSON, NDJSON as servers export it in bulk, and folders of both."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from recommender.errors import Fault, TablesError
from recommender.importing.fhir.resources import Document
from recommender.importing.import_report import ImportLog

SUFFIXES = (".json", ".ndjson")
"""Endings of files that are read; files named on their own may end otherwise."""
SOURCE = "files"
"""What the report calls the files that were found."""


def documents_in(paths: Iterable[Path], log: ImportLog) -> Iterator[Document]:
    """The JSON documents of some files, and of folders with their sub-folders, in order of names.

    A file of a folder that cannot be read is recorded in the log.

    Raises
    ------
    TablesError
        With every path that does not exist, and every folder without a file of FHIR.
    """
    found: list[Path] = []
    faults: list[Fault] = []
    for path in paths:
        if path.is_dir():
            inside = [each for each in sorted(path.rglob("*")) if each.suffix.lower() in SUFFIXES]
            if not inside:
                remedy = "export resources as JSON or NDJSON; XML is not read"
                problem = f"has no file that ends with {' or '.join(SUFFIXES)}"
                faults.append(Fault(str(path), problem, remedy))
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            remedy = "name a file, a folder, or a server's address with https://"
            faults.append(Fault(str(path), "does not exist", remedy))
    if faults:
        raise TablesError(faults)
    return _read_files(found, log)


def _read_files(found: list[Path], log: ImportLog) -> Iterator[Document]:
    log.read(SOURCE, len(found))
    for number, path in enumerate(found, start=1):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            log.leave_out_rows(SOURCE, "cannot be read as UTF-8 text", [number])
            continue
        documents, problem = parsed(text, lines=path.suffix.lower() == ".ndjson")
        if problem is not None:
            log.leave_out_rows(SOURCE, problem, [number])
        for content in documents:
            yield Document(path.name, content)


def parsed(text: str, *, lines: bool) -> tuple[list[object], str | None]:
    """The JSON values of a file, and what is wrong with it; with `lines`, one value a line.

    Lines before a wrong one are used: an export that broke off has whole lines before it.
    """
    if text.lstrip().startswith("<"):
        return [], "is XML: export it as JSON"
    values: list[object] = []
    parts = [line for line in text.splitlines() if line.strip()] if lines else [text]
    for part in parts:
        try:
            values.append(json.loads(part, parse_constant=_refuse))
        except (ValueError, RecursionError):
            place = f"line {len(values) + 1} is not JSON" if lines else "is not JSON"
            return values, f"{place}: export it again"
    return values, None


def _refuse(_: str) -> object:
    # Python's reader takes NaN and Infinity, which JSON does not have.
    raise ValueError("is not JSON")
