"""Reads a table that is a pandas DataFrame, as `read_csv` and other readers of pandas give it."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from recommender.tables import raw_table as raw
from recommender.tables.raw_table import ColumnBuilder, InternedColumn, RawTable, TableFault

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
