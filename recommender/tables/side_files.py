"""Reads a file that goes with the tables: a waiting list, places, an allocation, folds.

It is checked as the tables are: every fault at once, with its row and column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.practice.fields import Field
from recommender.tables.cells import read_fields, read_ids
from recommender.tables.header import ExpectedColumns, check_header
from recommender.tables.loader import raise_faults
from recommender.tables.raw_table import RawTable, TableFault, Warn, unwarned
from recommender.tables.table_files import TableFile, read_raw_table
from recommender.values.ids import near_misses, suggestions_for, with_question
from recommender.values.table_format import TableFormat


@dataclass(frozen=True, slots=True)
class SideFile:
    """The rows of a side file.

    Attributes
    ----------
    table
        The raw cells.
    ids
        The id of each row; None where it is a fault.
    values
        Encoded fields by name, as in `recommender.practice.columns.Columns`.
    faults
        Faults and warnings so far.
    """

    table: RawTable
    ids: NDArray[np.object_]
    values: Mapping[str, NDArray[Any]]
    faults: list[TableFault]

    def accept(self, warn: Warn) -> list[str]:
        """The ids, where nothing is wrong.

        Raises
        ------
        TablesError
            With every fault; `warn` is called with the warnings.
        """
        raise_faults(unwarned(self.faults, warn))
        return list(self.ids.tolist())


def read_side_file(
    path: Path,
    key: str,
    fields: Mapping[str, Field],
    written: TableFormat,
    *,
    may_be_empty: tuple[str, ...] = (),
    ignored: tuple[str, ...] = (),
) -> SideFile:
    """The rows of a side file; its faults are raised by `SideFile.accept`, after further checks.

    Parameters
    ----------
    path
        A .csv, .parquet or .xlsx file.
    key
        The column with one id for each row, each once.
    fields
        The other columns. One that is required must be there and filled; the rest may be left out.
    written
        How dates and numbers are written.
    may_be_empty
        Fields whose column must be there although its cells may be empty.
    ignored
        Columns that are not read and need no warning.

    Raises
    ------
    TablesError
        When the file cannot be opened at all.
    """
    table, faults = read_raw_table(TableFile(path))
    if table is None:
        raise_faults(faults)
        raise AssertionError("a file without a table has a fault")
    filled = (key, *(name for name, field in fields.items() if field.required))
    others = tuple(name for name in fields if name not in (*filled, *may_be_empty))
    expected = ExpectedColumns(filled, may_be_empty, (*others, *ignored), ignores_others=True)
    table, more = check_header(table, expected)
    ids, wrong = read_ids(table, key)
    read = read_fields(table, fields, written)
    faults += more + wrong + read.faults
    remedy = "keep one row for each"
    faults += table.repeated(key, "is there twice", remedy, pd.DataFrame({"id": ids}))
    return SideFile(table, ids, read.columns.values, faults)


def several_named(side: SideFile, column: str, remedy: str) -> list[TableFault]:
    """The fault of cells that name several where one is meant."""
    several = np.array([len(named or ()) > 1 for named in side.values[column]], dtype=np.bool_)
    return side.table.faults(column, "names several", remedy, several)


def unknown_ids(
    table: RawTable,
    column: str,
    ids: NDArray[np.object_],
    known: Sequence[str],
    problem: str,
    remedy: str,
) -> list[TableFault]:
    """The fault of ids that are nobody's; cells without an id have none.

    `ids` has one id, or a tuple of ids, for each row.
    """
    people = {None, *known}
    named = [cell if isinstance(cell, tuple) else (cell,) for cell in ids]
    lost = np.array([not people.issuperset(row) for row in named], dtype=np.bool_)
    written = {each for row in named for each in row} - people
    near = near_misses(written, known)
    has_near = np.array([not near.keys().isdisjoint(row) for row in named], dtype=np.bool_)
    proposed = suggestions_for(near, dict.fromkeys(each for row in named for each in row))
    faults = table.faults(column, problem, with_question(proposed, remedy), lost & has_near)
    return faults + table.faults(column, problem, remedy, lost & ~has_near)
