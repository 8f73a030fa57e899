"""Reads a Parquet file."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.tables import raw_table as raw
from recommender.tables.raw_table import ColumnBuilder, InternedColumn, RawTable, TableFault

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(file: str, content: bytes) -> tuple[RawTable | None, list[TableFault]]:
    """The table in the bytes of a Parquet file; None when it cannot be read."""
    # Imported here because a server that reads CSV does not install pyarrow.
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        remedy = "run `pip install -e '.[parquet]'` in a clone of the project, or save it as .csv"
        return None, [TableFault(file, None, "needs pyarrow, which is not installed", remedy)]
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as opened:
            table = opened.read()
        columns = [_interned(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        remedy = "write it again from its source"
        return None, [TableFault(file, None, "cannot be read as Parquet", remedy)]
    return raw.raw_table(file, table.column_names, columns, np.arange(2, table.num_rows + 2))


def _hashable(cell: Any) -> Hashable:
    if isinstance(cell, list):
        return tuple(_hashable(part) for part in cell)
    if isinstance(cell, dict):
        return tuple((name, _hashable(part)) for name, part in cell.items())
    hashable: Hashable = cell
    return hashable


def _interned(column: "pa.ChunkedArray") -> InternedColumn:
    interned = ColumnBuilder()
    for chunk in column.chunks:
        for start in range(0, len(chunk), raw.CHUNK_ROWS):
            cells = chunk.slice(start, raw.CHUNK_ROWS).to_pylist()
            interned.add([_hashable(cell) for cell in cells])
    return interned.cells()
