"""Reads a CSV or Parquet file into columns of distinct cells, with the line of each row."""

import csv
import io
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import Fault
from recommender.values.kinds import RawValue, is_missing

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet")
MAX_ROWS_SHOWN = 5
"""Rows listed in a message; further ones are counted."""
CHUNK_ROWS = 10_000
"""Rows read before their cells are interned: a million clients' cells would take gigabytes."""


@dataclass(frozen=True, slots=True)
class TableFault:
    """One problem of a file or a column, and every row that has it.

    Attributes
    ----------
    file, column
        Where the problem is; no column for a whole file or a whole row.
    problem, remedy
        Texts without any cell's content.
    rows
        Lines of the file, the header being line 1; empty for a whole file or column.
    repeats
        For rows that repeat another: the earlier row, one for each of `rows`.
    """

    file: str
    column: str | None
    problem: str
    remedy: str
    rows: tuple[int, ...] = ()
    repeats: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """File, column and the first five rows, with the number of further ones."""
        place = self.file if self.column is None else f"{self.file}, column {self.column}"
        if not self.rows:
            return place
        rows = [str(row) for row in self.rows[:MAX_ROWS_SHOWN]]
        if self.repeats:
            rows = [f"{row} (as {first})" for row, first in zip(rows, self.repeats, strict=False)]
        more = (
            f" and {len(self.rows) - MAX_ROWS_SHOWN} more"
            if len(self.rows) > MAX_ROWS_SHOWN
            else ""
        )
        return f"{place}, row{'s'[: len(self.rows) > 1]} {', '.join(rows)}{more}"

    def to_fault(self) -> Fault:
        """The fault as an error holds it."""
        return Fault(self.where, self.problem, self.remedy)


@dataclass(frozen=True, slots=True)
class InternedColumn:
    """The distinct cells of a column, and the place of each row's cell among them."""

    distinct: Sequence[RawValue]
    places: NDArray[np.intp]

    def empty(self) -> NDArray[np.bool_]:
        """Whether each row's cell is empty, (rows,)."""
        return self.rows_where(is_missing)

    def rows_where(self, holds: Callable[[RawValue], bool]) -> NDArray[np.bool_]:
        """Whether each row's cell has a property, (rows,)."""
        having = np.array([holds(cell) for cell in self.distinct], dtype=np.bool_)
        return having[self.places]


@dataclass(frozen=True, slots=True)
class RawTable:
    """The cells of one file.

    Attributes
    ----------
    file
        Name without the folder.
    lines
        Line of each row, (n,); the header is line 1.
    columns
        Cells by column name, in the order of the file.
    """

    file: str
    lines: NDArray[np.intp]
    columns: Mapping[str, InternedColumn] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def column(self, name: str) -> InternedColumn:
        """The cells of a column; all empty where the file does not have it."""
        nothing = InternedColumn((None,), np.zeros(self.size, dtype=np.intp))
        return self.columns.get(name, nothing)

    def faults(
        self, column: str, problem: str, remedy: str, wrong: NDArray[np.bool_]
    ) -> list[TableFault]:
        """One fault for all rows flagged in `wrong`, (n,); none where no row is."""
        rows = tuple(self.lines[wrong].tolist())
        return [TableFault(self.file, column, problem, remedy, rows)] if rows else []

    def repeated(
        self, column: str, problem: str, remedy: str, keys: pd.DataFrame
    ) -> list[TableFault]:
        """The fault of rows whose keys equal those of an earlier row.

        `keys` has one row for each row of the table, with any index; rows with a missing key are
        not compared.
        """
        whole = keys.set_axis(np.arange(len(keys)), axis=0).dropna()
        later = whole.duplicated().to_numpy()
        if not later.any():
            return []
        at = whole.index.to_series()
        first = at.groupby([whole[name] for name in whole], sort=False).transform("min")
        rows = tuple(self.lines[at.to_numpy()[later]].tolist())
        repeats = tuple(self.lines[first.to_numpy()[later]].tolist())
        return [TableFault(self.file, column, problem, remedy, rows, repeats)]


def find_table_file(directory: Path, table: str) -> tuple[Path | None, list[TableFault]]:
    """The file of a table in a folder: CSV or Parquet, not both."""
    paths = [path for suffix in SUFFIXES if (path := directory / f"{table}{suffix}").exists()]
    if len(paths) == 2:
        remedy = "remove one of the two files"
        return None, [TableFault(table, None, "is there as CSV and as Parquet", remedy)]
    if not paths:
        remedy = f"put {table}.csv or {table}.parquet into the folder"
        return None, [TableFault(table, None, "is missing", remedy)]
    return paths[0], []


def read_raw_table(path: Path) -> tuple[RawTable | None, list[TableFault]]:
    """The cells of a CSV or Parquet file; None when its header cannot be read."""
    try:
        if path.suffix == ".csv":
            return _read_csv(path.name, path.read_bytes())
        if path.suffix == ".parquet":
            return _read_parquet(path.name, path.read_bytes())
    except OSError:
        return None, [TableFault(path.name, None, "cannot be opened", "check the path and rights")]
    remedy = "save it as .csv or .parquet"
    return None, [TableFault(path.name, None, "is neither CSV nor Parquet", remedy)]


def _read_csv(file: str, content: bytes) -> tuple[RawTable | None, list[TableFault]]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"is not UTF-8 at byte {error.start} (line {line})"
        return None, [TableFault(file, None, problem, "save it as CSV UTF-8")]
    faults: list[TableFault] = []
    records = _records(file, content, faults)
    header = next(records, (0, None))[1]
    if header is None:
        remedy = "give at least the header line with the names of the columns"
        return None, [*faults, TableFault(file, None, "is empty", remedy)]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        remedy = "save it with commas between the cells"
        return None, [TableFault(file, None, "is not separated by commas", remedy)]
    columns, lines, sizes = _columns(len(header), records)
    faults += _width_faults(file, len(header), sizes, lines)
    table, more = _raw_table(file, header, columns, lines)
    return table, faults + more


def _records(
    file: str, content: bytes, faults: list[TableFault]
) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, with the first line of each; an error ends them with a fault."""
    before = 0
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    try:
        for record in reader:
            if record:
                yield before + 1, record
            before = reader.line_num
    except csv.Error:
        problem = "cannot be read from this row on"
        remedy = "close every quotation mark, and double those inside a cell"
        faults.append(TableFault(file, None, problem, remedy, (before + 1,)))


def _columns(
    width: int, records: Iterator[tuple[int, list[str]]]
) -> tuple[list[InternedColumn], NDArray[np.intp], NDArray[np.intp]]:
    """The columns of all records, and the line and number of cells of each.

    Shorter records are padded and longer ones cut to `width` cells.
    """
    columns = [_Column() for _ in range(width)]
    lines, sizes = list[int](), list[int]()
    while some := list(islice(records, CHUNK_ROWS)):
        lines += (line for line, _ in some)
        sizes += (len(record) for _, record in some)
        padded = ((record + [""] * width)[:width] for _, record in some)
        for column, cells in zip(columns, zip(*padded, strict=True), strict=True):
            column.add(cells)
    places = np.array(lines, dtype=np.intp), np.array(sizes, dtype=np.intp)
    return [column.cells() for column in columns], *places


def _width_faults(
    file: str, width: int, sizes: NDArray[np.intp], lines: NDArray[np.intp]
) -> list[TableFault]:
    """Faults of rows that have more or fewer than `width` cells."""
    remedy = "give as many cells as the header has; put quotation marks round a cell with a comma"
    return [
        TableFault(file, None, problem, remedy, tuple(lines[wrong].tolist()))
        for problem, wrong in (
            ("has fewer cells than the header", sizes < width),
            ("has more cells than the header", sizes > width),
        )
        if wrong.any()
    ]


def _read_parquet(file: str, content: bytes) -> tuple[RawTable | None, list[TableFault]]:
    # Imported here because a server that reads CSV does not install pyarrow.
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        remedy = "run `pip install '.[parquet]'` in a clone of the project, or save it as .csv"
        return None, [TableFault(file, None, "needs pyarrow, which is not installed", remedy)]
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as opened:
            table = opened.read()
        columns = [_interned(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        remedy = "write it again from its source"
        return None, [TableFault(file, None, "cannot be read as Parquet", remedy)]
    lines = np.arange(2, table.num_rows + 2)
    return _raw_table(file, table.column_names, columns, lines)


def _hashable(cell: Any) -> Hashable:
    if isinstance(cell, list):
        return tuple(_hashable(part) for part in cell)
    if isinstance(cell, dict):
        return tuple((name, _hashable(part)) for name, part in cell.items())
    hashable: Hashable = cell
    return hashable


def _interned(column: "pa.ChunkedArray") -> InternedColumn:
    interned = _Column()
    for chunk in column.chunks:
        for start in range(0, len(chunk), CHUNK_ROWS):
            interned.add([_hashable(cell) for cell in chunk.slice(start, CHUNK_ROWS).to_pylist()])
    return interned.cells()


def _raw_table(
    file: str, header: Sequence[str], columns: Iterable[InternedColumn], lines: NDArray[np.intp]
) -> tuple[RawTable, list[TableFault]]:
    cells: dict[str, InternedColumn] = {}
    faults = []
    for number, (name, column) in enumerate(zip(header, columns, strict=True), start=1):
        name = name.strip() or f"(without a name, number {number})"
        if name in cells:
            remedy = "name every column once"
            problem = f"column number {number} has the name of an earlier one"
            faults.append(TableFault(file, None, problem, remedy))
        else:
            cells[name] = column
    return RawTable(file, lines, cells), faults


class _Column:
    """Interns the cells of a column chunk by chunk."""

    def __init__(self) -> None:
        self._place: dict[Hashable, int] = {}
        self._places: list[NDArray[np.intp]] = []

    def add(self, cells: Sequence[Hashable]) -> None:
        """Adds the cells of the next rows."""
        for cell in dict.fromkeys(cells):
            self._place.setdefault(cell, len(self._place))
        places = map(self._place.__getitem__, cells)
        self._places.append(np.fromiter(places, dtype=np.intp, count=len(cells)))

    def cells(self) -> InternedColumn:
        """The column of all rows added."""
        nothing: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        return InternedColumn(tuple(self._place), np.concatenate([nothing, *self._places]))
