"""Checks rows before they are written, with the readers that will read them.

What `recommender check` would refuse is left out, with its problem as the reason.
"""

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from recommender.importing.output_tables import OutputTable
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.tables.cells import read_people
from recommender.tables.pairings import read_pairings, read_ratings
from recommender.tables.raw_table import ColumnBuilder, RawTable, TableFault
from recommender.values.kinds import RawValue

LeaveOut = Callable[[str, int, str | None, str], bool]
"""Called with table, row (from 0), column and problem of what is wrong; true where the whole row
is left out, false where only the cell is emptied."""


def sound_tables(
    tables: Mapping[str, OutputTable], practice: Practice, today: date, leave_out: LeaveOut
) -> dict[str, OutputTable]:
    """The tables without what their readers refuse.

    Tables are checked in their order: a client who is left out takes the pairings and ratings
    along.
    """
    clients = _sound_people("clients", tables["clients"], practice.client, "client", leave_out)
    clinicians = _sound_people(
        "clinicians", tables["clinicians"], practice.clinician, "clinician", leave_out
    )
    client_ids, clinician_ids = (
        tuple(str(row[0]) for row in table.rows) for table in (clients, clinicians)
    )

    def pairing_faults(raw: RawTable) -> list[TableFault]:
        return read_pairings(raw, client_ids, clinician_ids, today)[1]

    pairings = _sound("pairings", tables["pairings"], pairing_faults, leave_out)
    raw = raw_table_of("pairings", pairings)
    known = read_pairings(raw, client_ids, clinician_ids, today)[0]
    codes = practice.alliance.missing_codes

    def rating_faults(raw: RawTable) -> list[TableFault]:
        return read_ratings(raw, known, practice.instruments, today, codes)[1]

    ratings = _sound("ratings", tables["ratings"], rating_faults, leave_out)
    people = {"clients": clients, "clinicians": clinicians}
    return {**people, "pairings": pairings, "ratings": ratings}


def _sound_people(
    name: str, table: OutputTable, fields: Mapping[str, Field], side: Side, leave_out: LeaveOut
) -> OutputTable:
    return _sound(name, table, lambda raw: read_people(raw, fields, side).faults, leave_out)


def _sound(
    name: str,
    table: OutputTable,
    faults_of: Callable[[RawTable], list[TableFault]],
    leave_out: LeaveOut,
) -> OutputTable:
    """A table without faulty rows and cells; a fault of the whole table is left to `check`."""
    rows = [list(row) for row in table.rows]
    places = list(range(len(rows)))
    while rows:
        raw = raw_table_of(name, OutputTable(table.header, rows))
        found = [fault for fault in faults_of(raw) if not fault.warning and fault.rows]
        if not found:
            break
        gone: set[int] = set()
        for fault in found:
            for line in fault.rows:
                at = line - 2
                if at in gone:
                    continue
                if leave_out(name, places[at], fault.column, fault.problem):
                    gone.add(at)
                elif fault.column is not None:
                    rows[at][table.header.index(fault.column)] = None
        rows = [row for at, row in enumerate(rows) if at not in gone]
        places = [place for at, place in enumerate(places) if at not in gone]
    return OutputTable(table.header, rows)


def raw_table_of(name: str, table: OutputTable) -> RawTable:
    """A table as its reader gets it from a file."""
    columns = {}
    for at, column in enumerate(table.header):
        builder = ColumnBuilder()
        builder.add([_cell(row[at]) for row in table.rows])
        columns[column] = builder.cells()
    lines = np.arange(2, len(table.rows) + 2, dtype=np.intp)
    return RawTable(f"{name}.csv", lines, columns)


def _cell(value: RawValue) -> str:
    return "" if value is None else str(value)
