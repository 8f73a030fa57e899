"""One table as it stands in its file: cells not yet read, and the line each row stands on.

CSV and Parquet take one shape here, so that nothing above knows which of them it was.
Imported by `cells` and above.
"""

import csv
import io
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recommender.definition.kinds import Raw, is_missing
from recommender.errors import Fault

SUFFIXES = (".csv", ".parquet")
SHOWN = 5
"""Rows named in a message; the others are counted."""


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing that is wrong with a file or a column of it, and every row it is wrong in.

    Attributes
    ----------
    file, column
        Where it stands; no column when the whole file, or a whole row, is meant.
    problem, remedy
        Never hold a cell's content.
    rows
        Lines of the file, the header being line 1; empty when the whole file or column is meant.
    repeats
        For a row that repeats another: that other row, one for each of `rows`.
    """

    file: str
    column: str | None
    problem: str
    remedy: str
    rows: tuple[int, ...] = ()
    repeats: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """File, column and the first five rows, the others counted."""
        place = self.file if self.column is None else f"{self.file}, column {self.column}"
        if not self.rows:
            return place
        said = [str(row) for row in self.rows[:SHOWN]]
        if self.repeats:
            said = [f"{row} (as {first})" for row, first in zip(said, self.repeats, strict=False)]
        more = f" and {len(self.rows) - SHOWN} more" if len(self.rows) > SHOWN else ""
        return f"{place}, row{'s'[: len(self.rows) > 1]} {', '.join(said)}{more}"

    def told(self) -> Fault:
        """The fault as errors carry it."""
        return Fault(self.where, self.problem, self.remedy)


@dataclass(frozen=True, slots=True)
class Cells:
    """One column: its distinct cells, and which of them each row holds."""

    distinct: Sequence[Raw]
    places: NDArray[np.intp]

    def empty(self) -> NDArray[np.bool_]:
        """Whether each row's cell was left empty."""
        missing = np.array([is_missing(cell) for cell in self.distinct], dtype=np.bool_)
        return missing[self.places]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one file.

    Attributes
    ----------
    file
        Its name, without the folder.
    lines
        The line of each row, (n,); the header is line 1.
    columns
        Column name to cells, in the order of the file.
    """

    file: str
    lines: NDArray[np.intp]
    columns: Mapping[str, Cells] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def column(self, name: str) -> Cells:
        """The cells of a column; all of them empty when the file does not have it."""
        nothing = Cells((None,), np.zeros(self.size, dtype=np.intp))
        return self.columns.get(name, nothing)

    def faults(
        self, column: str, problem: str, remedy: str, wrong: NDArray[np.bool_]
    ) -> list[TableFault]:
        """One fault for all rows that are wrong, (n,); none when no row is."""
        rows = tuple(self.lines[wrong].tolist())
        return [TableFault(self.file, column, problem, remedy, rows)] if rows else []

    def repeated(
        self, column: str, problem: str, remedy: str, keys: pd.DataFrame
    ) -> list[TableFault]:
        """Faults of rows whose keys an earlier row has; rows with an unread key are not compared.

        `keys` has one row a row of the sheet, with any index.
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


def find_sheet(directory: Path, table: str) -> tuple[Path | None, list[TableFault]]:
    """The file of a table, which may be CSV or Parquet but not both."""
    found = [path for suffix in SUFFIXES if (path := directory / f"{table}{suffix}").exists()]
    if len(found) == 2:
        remedy = "remove the file that is not meant"
        return None, [TableFault(table, None, "is there as CSV and as Parquet", remedy)]
    if not found:
        remedy = f"put {table}.csv or {table}.parquet into the folder"
        return None, [TableFault(table, None, "is missing", remedy)]
    return found[0], []


def read_sheet(path: Path) -> tuple[Sheet | None, list[TableFault]]:
    """The cells of a CSV or Parquet file, or None when not even its header can be read."""
    try:
        if path.suffix == ".csv":
            return _read_csv(path.name, path.read_bytes())
        if path.suffix == ".parquet":
            return _read_parquet(path.name, path.read_bytes())
    except OSError:
        return None, [TableFault(path.name, None, "cannot be opened", "check the path and rights")]
    remedy = "save it as .csv or .parquet"
    return None, [TableFault(path.name, None, "is neither CSV nor Parquet", remedy)]


def _read_csv(file: str, content: bytes) -> tuple[Sheet | None, list[TableFault]]:
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"is not UTF-8 at byte {error.start} (line {line})"
        return None, [TableFault(file, None, problem, "save it as CSV UTF-8")]
    records, lines, faults = _records(file, text)
    if not records:
        remedy = "give at least the header line with the names of the columns"
        return None, [*faults, TableFault(file, None, "is empty", remedy)]
    header = records.pop(0)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        remedy = "save it with commas between the cells"
        return None, [TableFault(file, None, "is not separated by commas", remedy)]
    sheet_lines = np.array(lines[1:], dtype=np.intp)
    faults += _ragged(file, len(header), records, sheet_lines)
    columns = list(zip(*records, strict=True)) or [()] * len(header)
    sheet, more = _sheet(file, header, columns, sheet_lines)
    return sheet, faults + more


def _records(file: str, text: str) -> tuple[list[list[str]], list[int], list[TableFault]]:
    """Records that are not blank, and the line each begins on."""
    records, lines, before = [], [], 0
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            if record:
                records.append(record)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error:
        problem = "cannot be read from this row on"
        remedy = "close every quotation mark, and double those inside a cell"
        return records, lines, [TableFault(file, None, problem, remedy, (before + 1,))]
    return records, lines, []


def _ragged(
    file: str, width: int, records: list[list[str]], lines: NDArray[np.intp]
) -> list[TableFault]:
    """Faults of rows with other than `width` cells; the rows are evened so that reading goes on."""
    sizes = np.array([len(record) for record in records], dtype=np.intp)
    for place in np.flatnonzero(sizes != width):
        records[place] = (records[place] + [""] * width)[:width]
    remedy = "give as many cells as the header has; put quotation marks round a cell with a comma"
    return [
        TableFault(file, None, problem, remedy, tuple(lines[wrong].tolist()))
        for problem, wrong in (
            ("has fewer cells than the header", sizes < width),
            ("has more cells than the header", sizes > width),
        )
        if wrong.any()
    ]


def _read_parquet(file: str, content: bytes) -> tuple[Sheet | None, list[TableFault]]:
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as opened:
            table = opened.read()
        columns = [[_frozen(cell) for cell in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        remedy = "write it again from its source"
        return None, [TableFault(file, None, "cannot be read as Parquet", remedy)]
    lines = np.arange(2, table.num_rows + 2)
    return _sheet(file, table.column_names, columns, lines)


def _frozen(cell: Any) -> Hashable:
    if isinstance(cell, list):
        return tuple(_frozen(part) for part in cell)
    if isinstance(cell, dict):
        return tuple((name, _frozen(part)) for name, part in cell.items())
    hashable: Hashable = cell
    return hashable


def _sheet(
    file: str,
    header: Sequence[str],
    columns: Iterable[Sequence[Hashable]],
    lines: NDArray[np.intp],
) -> tuple[Sheet, list[TableFault]]:
    cells: dict[str, Cells] = {}
    faults = []
    for number, (name, column) in enumerate(zip(header, columns, strict=True), start=1):
        name = name.strip() or f"(without a name, number {number})"
        if name in cells:
            remedy = "name every column once"
            problem = f"column number {number} has the name of an earlier one"
            faults.append(TableFault(file, None, problem, remedy))
        else:
            cells[name] = _factorised(column)
    return Sheet(file, lines, cells), faults


def _factorised(column: Sequence[Hashable]) -> Cells:
    distinct = tuple(dict.fromkeys(column))
    place = {cell: number for number, cell in enumerate(distinct)}
    places = np.fromiter(map(place.__getitem__, column), dtype=np.intp, count=len(column))
    return Cells(distinct, places)
