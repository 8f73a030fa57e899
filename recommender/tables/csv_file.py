"""Reads a text file of separated cells: CSV, or what spreadsheets write in its place.

UTF-8 and UTF-16 with a mark are read, cells may be separated by commas, semicolons or tabs, and a
first line `sep=;` is understood.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from recommender.tables import raw_table as raw
from recommender.tables.raw_table import ColumnBuilder, InternedColumn, RawTable, TableFault

SEPARATORS = ",;\t|"
SEPARATOR_LINE = "sep="
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(file: str, content: bytes) -> tuple[RawTable | None, list[TableFault]]:
    """The table in the bytes of a text file; None when its header cannot be read."""
    encoding, faults = _encoding(file, content)
    if faults:
        return None, faults
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    records = _Records(file, text)
    header = next(records, (0, None))[1]
    if header is None:
        remedy = "give at least the header line with the names of the columns"
        return None, [*records.faults, TableFault(file, None, "is empty", remedy)]
    columns, lines, sizes = _columns(len(header), records)
    faults = records.faults + raw.empty_rows(file, records.empty)
    faults += _width_faults(file, len(header), sizes, lines)
    table, more = raw.raw_table(file, header, columns, lines, whole=not records.faults)
    return table, faults + more


def _encoding(file: str, content: bytes) -> tuple[str, list[TableFault]]:
    """The encoding of a file, and the fault of one that cannot be decoded."""
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8-sig"
    remedy = "save it as CSV UTF-8"
    if encoding == "utf-8-sig" and b"\0" in content[:64]:
        problem = "has zero bytes, as UTF-16 without its mark or a file that is no text"
        return encoding, [TableFault(file, None, problem, remedy)]
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        named = "UTF-16" if encoding == "utf-16" else "UTF-8"
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"is not {named} at byte {error.start} (line {line})"
        return encoding, [TableFault(file, None, problem, remedy)]
    return encoding, []


class _Records:
    """Iterates over records with a filled cell and the first line of each.

    A record that cannot be parsed ends them with a fault.
    """

    def __init__(self, file: str, text: io.TextIOWrapper) -> None:
        self._file = file
        self._before = 0
        self.faults: list[TableFault] = []
        self.empty: list[int] = []
        separator = _separator(text)
        self._reader = csv.reader(text, delimiter=separator, strict=True)
        self._ended = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        try:
            while not self._ended and (record := next(self._reader, None)) is not None:
                line, self._before = self._before + 1, self._reader.line_num
                if line == 1 and _declares_separator(record):
                    continue
                if any(cell.strip() for cell in record):
                    return line, record
                if record:
                    self.empty.append(line)
        except csv.Error:
            problem = "cannot be read from this row on"
            remedy = "close every quotation mark, and double those inside a cell"
            fault = TableFault(self._file, None, problem, remedy, (self._before + 1,))
            self.faults.append(fault)
        self._ended = True
        raise StopIteration


def _separator(text: io.TextIOWrapper) -> str:
    """What separates the cells, by a first line `sep=;` or by what is most frequent in the header.

    The text is then at its beginning again.
    """
    filled = (line for line in text if line.strip())
    first = next(filled, "")
    if first.strip().strip('"')[:4].lower() == SEPARATOR_LINE:
        declared = first.strip().strip('"')[4:5]
        first = next(filled, "")
    else:
        declared = ""
    text.seek(0)
    if declared and declared in SEPARATORS:
        return declared
    unquoted = "".join(first.split('"')[::2])
    # The first of equals is the comma.
    return max(SEPARATORS, key=unquoted.count)


def _declares_separator(record: list[str]) -> bool:
    return bool(record) and record[0].strip().strip('"')[:4].lower() == SEPARATOR_LINE


def _columns(
    width: int, records: Iterator[tuple[int, list[str]]]
) -> tuple[list[InternedColumn], NDArray[np.intp], NDArray[np.intp]]:
    """The columns of all records, and the line and number of cells of each.

    Shorter records are padded and longer ones cut to `width` cells.
    """
    columns = [ColumnBuilder() for _ in range(width)]
    lines, sizes = list[int](), list[int]()
    while some := list(islice(records, raw.CHUNK_ROWS)):
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
