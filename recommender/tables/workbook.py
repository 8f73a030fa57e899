"""Reads a sheet of an Excel workbook (.xlsx): dates as dates, numbers as numbers."""

import io
import posixpath
import re
import zipfile
from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from recommender.tables import raw_table as raw
from recommender.tables.raw_table import ColumnBuilder, RawTable, TableFault

UNREADABLE = "cannot be read as a workbook"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"([A-Z]+)([0-9]+)")


def sheet_names(content: bytes) -> tuple[list[str], str | None]:
    """The names of the sheets of a workbook, or the problem with it and no name."""
    try:
        import python_calamine as calamine
    except ModuleNotFoundError:
        return [], "needs python-calamine, which is not installed"
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as opened:
            return list(opened.sheet_names), None
    except calamine.PasswordError:
        return [], "is protected by a password"
    except (calamine.CalamineError, OSError, ValueError):
        return [], UNREADABLE


def remedy_of(problem: str) -> str:
    """What to do about a problem that `sheet_names` gives."""
    if problem.startswith("needs"):
        return "run `pip install -e '.[xlsx]'` in a clone of the project, or save it as .csv"
    return "open it in Excel and save it as .xlsx without a password, or as .csv"


def read_sheet(file: str, content: bytes, sheet: str) -> tuple[RawTable | None, list[TableFault]]:
    """The table on one sheet of a workbook; None when it has no header.

    The first row with a filled cell is the header. An error of a formula (#N/A), and a formula that
    was never computed, are faults: as empty cells they would be lost.

    Parameters
    ----------
    file
        How messages name the sheet.
    content
        The bytes of a workbook that `sheet_names` could read.
    sheet
        One of its names.
    """
    import python_calamine as calamine

    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as opened:
            cells = opened.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        lost = _lost_cells(content, sheet)
    except (calamine.CalamineError, ElementTree.ParseError, zipfile.BadZipFile, KeyError):
        return None, [TableFault(file, None, UNREADABLE, remedy_of(UNREADABLE))]
    rows = [[_plain(cell) for cell in row] for row in cells]
    filled = [number for number, row in enumerate(rows, start=1) if any(c != "" for c in row)]
    if not filled:
        remedy = "give at least the header line with the names of the columns"
        return None, [TableFault(file, None, "is empty", remedy)]
    first, lines = filled[0], np.array(filled[1:], dtype=np.intp)
    between = sorted(set(range(first, filled[-1])) - set(filled))
    columns = [ColumnBuilder() for _ in rows[first - 1]]
    for place, column in enumerate(columns):
        column.add([rows[line - 1][place] for line in filled[1:]])
    header = [str(name) for name in rows[first - 1]]
    table, faults = raw.raw_table(file, header, [each.cells() for each in columns], lines)
    faults += raw.empty_rows(file, between)
    return table, faults + _lost_faults(file, lost, first, header)


def _plain(cell: Any) -> Hashable:
    """A whole number as such: a workbook knows only one kind of number."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    plain: Hashable = cell
    return plain


LostCells = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
"""Problem and remedy to the number of the column, from 0, and the line of each cell."""


def _lost_cells(content: bytes, sheet: str) -> LostCells:
    """Cells whose formula has an error or no value: both would be read as empty."""
    errors, uncomputed = list[tuple[int, int]](), list[tuple[int, int]]()
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        path = _path_of(package, sheet)
        if path is None:
            return {}
        with package.open(path) as opened:
            for _, cell in ElementTree.iterparse(opened):
                if cell.tag != f"{_MAIN}c":
                    continue
                place = _CELL.fullmatch(cell.get("r", ""))
                at = (_number_of(place[1]), int(place[2])) if place else (-1, 0)
                value = cell.find(f"{_MAIN}v")
                if cell.get("t") == "e":
                    errors.append(at)
                elif (
                    cell.find(f"{_MAIN}f") is not None
                    and cell.get("t") != "str"
                    and (value is None or not value.text)
                ):
                    uncomputed.append(at)
                cell.clear()
    return {
        ("has an error of a formula, such as #N/A", "empty the cell, or fill it"): errors,
        ("has a formula that was never computed", "open it in Excel and save it"): uncomputed,
    }


def _lost_faults(file: str, lost: LostCells, first: int, header: Sequence[str]) -> list[TableFault]:
    """One fault for each problem of a column; cells above and in the header are of no column."""
    rows: dict[tuple[str | None, str, str], dict[int, None]] = {}
    for (problem, remedy), places in lost.items():
        for place, line in places:
            is_named = line > first and 0 <= place < len(header)
            name = header[place].strip() or raw.nameless(place + 1) if is_named else None
            rows.setdefault((name, problem, remedy), {})[line] = None
    return [
        TableFault(file, name, problem, remedy, tuple(lines))
        for (name, problem, remedy), lines in rows.items()
    ]


def _number_of(letters: str) -> int:
    """The number of a column from 0, by its letters.

    >>> _number_of("A"), _number_of("Z"), _number_of("AA")
    (0, 25, 26)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _path_of(package: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of a workbook's package that holds a sheet."""
    book = ElementTree.fromstring(package.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    for each in book.iter(f"{_MAIN}sheet"):
        if each.get("name") == sheet:
            target = targets.get(each.get(_RELATION), "")
            return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
    return None


def sheet_of(names: Sequence[str], wanted: str) -> str | None:
    """The sheet of a table by its name, whatever its case and the space around it."""
    return next((name for name in names if name.strip().lower() == wanted), None)
