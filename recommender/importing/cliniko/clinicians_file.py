"""Brings facts of Cliniko into a clinicians table; other columns and rows stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recommender.errors import RecommenderError
from recommender.files import atomic_write
from recommender.importing.cliniko.roster_changes import FactChange, FactChanges, changed_facts
from recommender.importing.cliniko.roster_facts import ClinikoFacts
from recommender.practice.definition import Practice
from recommender.tables.cells import NAME_COLUMN
from recommender.tables.csv_text import cell_text, csv_text
from recommender.tables.loader import raise_faults, roster_of_csv
from recommender.tables.raw_table import RawTable
from recommender.tables.table_files import read_raw_table
from recommender.values.ids import canonical_id
from recommender.values.kinds import RawValue
from recommender.values.table_format import TableFormat

ID_COLUMN = "clinician_id"


@dataclass(frozen=True, slots=True)
class MergedTable:
    """A clinicians table with the facts of Cliniko: its text, and what changed."""

    text: str
    changes: FactChanges


def merge_into_file(
    path: Path,
    facts: Mapping[str, ClinikoFacts],
    practice: Practice,
    now: datetime,
    written: TableFormat,
) -> MergedTable:
    """The table in a file with the facts; a file that is missing is begun.

    Raises
    ------
    RecommenderError
        When the file is not CSV; `TablesError` with every fault of the merged table.
    """
    if path.suffix.lower() != ".csv":
        remedy = "save it as .csv: a synchronisation writes it"
        raise RecommenderError(str(path), "is not CSV", remedy)
    header, rows = _read(path, practice)
    merged = _merge(header, rows, facts, practice, written)
    # Checked as a whole before anything is written: a server would refuse the file.
    roster_of_csv(merged.text.encode(), practice, now, written)
    return merged


def write_table(path: Path, text: str) -> None:
    """Replaces a table at once: readers find the old or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(text.encode())
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise RecommenderError(str(path), problem, "check the path and rights") from None


def _read(path: Path, practice: Practice) -> tuple[list[str], list[dict[str, RawValue]]]:
    if not path.exists():
        return [ID_COLUMN, NAME_COLUMN, *practice.clinician], []
    table, faults = read_raw_table(path)
    raise_faults(fault for fault in faults if not fault.warning)
    if table is None or ID_COLUMN not in table.columns:
        remedy = "give one row for each clinician, with this column"
        raise RecommenderError(str(path), f"has no column {ID_COLUMN}", remedy)
    return list(table.columns), _rows_of(table)


def _rows_of(table: RawTable) -> list[dict[str, RawValue]]:
    rows: list[dict[str, RawValue]] = [{} for _ in range(table.size)]
    for name, column in table.columns.items():
        for row, place in zip(rows, column.places.tolist(), strict=True):
            row[name] = column.distinct[place]
    return rows


def _merge(
    header: list[str],
    rows: list[dict[str, RawValue]],
    facts: Mapping[str, ClinikoFacts],
    practice: Practice,
    written: TableFormat,
) -> MergedTable:
    by_id = {canonical_id(str(row[ID_COLUMN] or "")): row for row in rows}
    changes: list[FactChange] = []
    added = []
    for clinician, given in facts.items():
        row = by_id.get(clinician)
        if row is None:
            row = {ID_COLUMN: clinician}
            rows.append(row)
            added.append(clinician)
        changed = changed_facts(practice.clinician, row, given.facts, written)
        texts = {name: _text(practice, name, cell, written) for name, cell in changed.items()}
        if given.name is not None and given.name != row.get(NAME_COLUMN):
            texts[NAME_COLUMN] = given.name
        if clinician not in added:
            changes += [
                FactChange(clinician, name, cell_text(row.get(name)), text)
                for name, text in texts.items()
            ]
        row.update(texts)
        header += [name for name in texts if name not in header]
    text = csv_text(header, ([row.get(name) for name in header] for row in rows))
    return MergedTable(text, FactChanges(tuple(changes), tuple(added)))


def _text(practice: Practice, name: str, cell: RawValue, written: TableFormat) -> str:
    """A fact as the table writes it."""
    if isinstance(cell, Sequence) and not isinstance(cell, str):
        return cell_text(list(cell))
    text = cell_text(cell)
    return written.example(practice.clinician[name].kind, text) if text else text
