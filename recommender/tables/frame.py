"""Reads a table that is a pandas DataFrame, as `read_csv` and other readers of pandas give it."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from recommender.tables import raw_table as raw
from recommender.tables.cells import LOST_ZEROS
from recommender.tables.raw_table import ColumnBuilder, InternedColumn, RawTable, TableFault
from recommender.values.ids import ZEROS_IN_FRONT
from recommender.values.kinds import RawValue
from recommender.values.parsers import IN_A_ZONE, NUMBER_NOT_DATE, is_serial

MAX_WHOLE = 2**53
"""From here on a float does not hold every whole number."""


def read_frame(table: str, frame: pd.DataFrame) -> tuple[RawTable, list[TableFault]]:
    """The cells of a DataFrame, and the faults of its header.

    Columns of text, whole numbers, floats, flags and dates are read alike, and so are nullable,
    categorical and Arrow types. A float without decimals is a whole number, since pandas makes
    floats of whole numbers beside an empty cell. Named levels of the index are columns.

    Parameters
    ----------
    table
        How messages name it.
    frame : (rows, columns)
        The table. Messages count its rows from 0, as `iloc` does.

    Examples
    --------
    >>> frame = pd.DataFrame({"client_id": [5, 6], "age": [30, None]})
    >>> table, faults = read_frame("clients", frame)
    >>> table.column("age").distinct, table.lines.tolist(), faults
    ((30, None), [0, 1], [])
    """
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if named:
        frame = frame.reset_index(level=named)
    columns = [_interned(frame.iloc[:, number]) for number in range(frame.shape[1])]
    lines = np.arange(len(frame), dtype=np.intp)
    return raw.raw_table(table, [str(name) for name in frame.columns], columns, lines)


def frame_remedy(column: str, problem: str, remedy: str, cells: Sequence[RawValue]) -> str:
    """The remedy of a fault in a DataFrame, in place of one for a file.

    Parameters
    ----------
    column
        Name of the column.
    problem, remedy
        Of the fault, as readers of files give it.
    cells
        The distinct cells of the column.

    Examples
    --------
    >>> frame_remedy("started_on", "is a number, not a date", "type it again", [20261123])
    'give pd.to_datetime(frame["started_on"].astype("Int64").astype("str"), format="%Y%m%d")'
    """
    if problem == LOST_ZEROS:
        return f'if ids have such zeros, read the file with dtype={{"{column}": str}}'
    if problem.endswith(ZEROS_IN_FRONT):
        return f'read both files with dtype={{"{column}": str}}, and write ids alike in both'
    if problem == IN_A_ZONE:
        return (
            "convert the column with .dt.tz_localize(None), after .dt.tz_convert where its times "
            "are of another time zone than the practice's"
        )
    if problem == NUMBER_NOT_DATE:
        numbers = [cell for cell in cells if isinstance(cell, int)]
        if numbers and all(len(str(number)) == len("20261123") for number in numbers):
            text = '.astype("Int64").astype("str")'
            return f'give pd.to_datetime(frame["{column}"]{text}, format="%Y%m%d")'
        if numbers and all(is_serial(str(number)) for number in numbers):
            return (
                'convert the column with pd.to_datetime(..., unit="D", origin="1899-12-30") if it '
                "has the dates of a spreadsheet as numbers"
            )
    return remedy.replace(" in the file,", " in the frame,")


def _interned(column: "pd.Series[Any]") -> InternedColumn:
    interned = ColumnBuilder()
    for start in range(0, len(column), raw.CHUNK_ROWS):
        interned.add(
            [_plain(cell) for cell in column.iloc[start : start + raw.CHUNK_ROWS].tolist()]
        )
    return interned.cells()


def _plain(cell: Any) -> Hashable:
    """A cell as the readers of files give it: plain Python values, None for what is missing."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        parts = sorted(cell) if isinstance(cell, set | frozenset) else cell
        return tuple(_plain(part) for part in parts)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, float):
        if cell != cell:
            return None
        return int(cell) if cell.is_integer() and abs(cell) < MAX_WHOLE else cell
    return cell if isinstance(cell, Hashable) else repr(type(cell))
