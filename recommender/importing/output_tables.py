"""Writes tables into a folder in the form that `recommender.tables` reads, all or none of them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import Fault, TablesError
from recommender.importing.import_report import ImportReport
from recommender.tables.csv_text import csv_text
from recommender.tables.table_files import SUFFIXES, TABLES, WORKBOOK
from recommender.values.kinds import RawValue

REPORT_FILES = ("import-report.json", "import-report.md")


@dataclass(frozen=True, slots=True)
class OutputTable:
    """The rows of a table: pseudonyms and declared fields, as plain values or text."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[RawValue]]


def write_import(
    folder: Path,
    tables: Mapping[str, OutputTable],
    report: ImportReport,
    *,
    replace: bool = False,
) -> tuple[Path, ...]:
    """Writes tables and the report of an import into a folder, and gives the paths of the tables.

    Everything is on disk under other names before the first file gets its own: a fault, a full
    disk or a loss of power before that leaves the folder as it was. Files are readable by their
    owner alone.

    Parameters
    ----------
    folder
        Created if missing.
    tables
        By name: clients, clinicians, pairings, ratings; some of them or all.
    replace
        Whether tables of these names that are in the folder are replaced. Other files stay.

    Raises
    ------
    TablesError
        When the folder has such tables and `replace` is false, or has them in other files, with
        every one of them, or was written with another key; nothing is written then.
    """
    texts = {f"{name}.csv": csv_text(each.header, each.rows) for name, each in tables.items()}
    faults = _in_the_way(folder, tables, replace=replace)
    faults += other_key_faults(folder, report.key_fingerprint)
    if faults:
        raise TablesError(faults)
    json_name, markdown_name = REPORT_FILES
    texts |= {json_name: report.json_text(), markdown_name: report.markdown()}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = {name: folder / f".{name}.{os.getpid()}" for name in texts}
    try:
        for name, path in unfinished.items():
            _write_private(path, texts[name])
        for name, path in unfinished.items():
            path.replace(folder / name)
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
    return tuple(folder / f"{name}.csv" for name in tables)


def other_key_faults(folder: Path, fingerprint: str) -> list[Fault]:
    """A fault where the tables of a folder were written with another key of pseudonyms.

    `fingerprint` is that of the key to be used; "" for one that is not there yet, or is not known.
    """
    path = folder / REPORT_FILES[0]
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    earlier = report.get("key_fingerprint") if isinstance(report, dict) else None
    if not earlier or earlier == fingerprint:
        return []
    problem = "has tables that were made with another key of pseudonyms: the same people would get "
    problem += "other pseudonyms"
    remedy = "name the key of those tables with --key, or another folder with --out"
    return [Fault(str(folder), problem, remedy)]


def _in_the_way(folder: Path, tables: Mapping[str, OutputTable], *, replace: bool) -> list[Fault]:
    unknown = sorted(set(tables) - set(TABLES))
    if unknown:
        raise ValueError(f"no tables of a practice: {unknown}")
    if folder.exists() and not folder.is_dir():
        return [Fault(str(folder), "is a file", "name a folder with --out")]
    if not folder.exists():
        return []
    faults = []
    wanted = {f"{name}{suffix}" for name in tables for suffix in SUFFIXES} | {WORKBOOK}
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.lower() not in wanted or (replace and name in {f"{each}.csv" for each in tables}):
            continue
        remedy = "add --replace, or name another folder with --out"
        if name.lower() == WORKBOOK or not name.endswith(".csv") or replace:
            remedy = "move it out of the folder, or name another folder with --out"
        faults.append(Fault(str(path), "is there already", remedy))
    return faults


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
