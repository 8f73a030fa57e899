"""A table of clinicians that is filled in by hand with what no FHIR resource has.

Its ids are the pseudonyms of an import. It fills cells that the import leaves empty.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from recommender.errors import TablesError
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.import_report import ImportLog
from recommender.importing.output_tables import OutputTable
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.tables.cells import read_fields, read_ids
from recommender.tables.csv_text import csv_text
from recommender.tables.raw_table import RawTable, TableFault, ignore_warning, unwarned
from recommender.tables.table_files import read_raw_table
from recommender.values.kinds import RawValue

SOURCE = "the table by hand"
ID, NAME = "clinician_id", "name"

ByHand = Mapping[str, Mapping[str, RawValue]]
"""Filled cells by field, by pseudonym of the clinician."""


def read_by_hand(path: Path, practice: Practice) -> ByHand:
    """The cells of such a table, which may have some of the columns of the clinicians table.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    table, faults = read_raw_table(path)
    if table is None:
        raise TablesError([each.to_fault() for each in faults])
    known = {name: each for name, each in practice.clinician.items() if name in table.columns}
    remedy = f"use {ID} and fields of clinicians"
    if ID not in table.columns:
        faults.append(TableFault(table.file, ID, "is missing", "add the column"))
    for name in table.columns:
        if name not in (ID, NAME, *known):
            faults.append(TableFault(table.file, name, "is not a field of clinicians", remedy))
    ids, more = read_ids(table, ID)
    faults += more + read_fields(table, known).faults
    refused = unwarned(faults, ignore_warning)
    if refused:
        raise TablesError([each.to_fault() for each in refused])
    rows = [_filled(table, row, known) for row in range(table.size)]
    return dict(zip(map(str, ids), rows, strict=True))


def _filled(table: RawTable, row: int, known: Mapping[str, Field]) -> dict[str, RawValue]:
    columns = {name: table.columns[name] for name in known}
    cells = {name: each.distinct[each.places[row]] for name, each in columns.items()}
    return {name: cell for name, cell in cells.items() if not known[name].is_missing(cell)}


def with_cells_by_hand(clinicians: ImportedRows, by_hand: ByHand, log: ImportLog) -> ImportedRows:
    """The clinicians with cells by hand where the import has none; the rest is recorded."""
    places = {row[ID]: place for place, row in enumerate(clinicians.rows)}
    filled: list[Mapping[str, RawValue]] = list(clinicians.rows)
    log.read(SOURCE, len(by_hand))
    for number, (name, cells) in enumerate(by_hand.items(), start=1):
        place = places.get(name)
        if place is None:
            log.leave_out_rows(SOURCE, "is of no clinician of the import", [number])
            continue
        row = clinicians.rows[place]
        for field in cells:
            if row.get(field) is not None:
                log.leave_out_cells(SOURCE, field, "was read from FHIR", [number])
        filled[place] = {**cells, **{key: cell for key, cell in row.items() if cell is not None}}
    unnamed = [name for name in places if name not in by_hand]
    if unnamed:
        log.note(f"In no row of {SOURCE}: {', '.join(map(str, unnamed))}.")
    return ImportedRows(clinicians.header, filled, clinicians.origins)


def table_to_fill_in(clinicians: OutputTable, needed: Collection[str] = ()) -> str:
    """The text of a CSV file of the clinicians with what the import leaves empty.

    It has the columns that are empty, and those of `needed`: without them some clinician is not
    offered. Cells that FHIR filled are blank in it, as the table by hand changes none.
    """
    header = clinicians.header
    named = [header.index(column) for column in (ID, NAME) if column in header]
    empty = [
        place
        for place, column in enumerate(header)
        if place not in named
        and (column in needed or all(row[place] is None for row in clinicians.rows))
    ]
    rows = [[*(row[place] for place in named), *(None for _ in empty)] for row in clinicians.rows]
    return csv_text([header[place] for place in (*named, *empty)], rows)
