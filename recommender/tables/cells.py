"""Columns of cells as values: each distinct cell is read once, by the reader every door uses.

Imported by `people`, `pairings`, `ratings` and `tables`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.practice.columns import Columns, read_cell, remedy_for
from recommender.practice.fields import Field, Side
from recommender.tables.raw_table import InternedColumn, RawTable, TableFault
from recommender.values.kinds import RawValue, is_missing

ID_REMEDY = "give a pseudonym of at most 64 letters, digits, dots, dashes and underscores"
NAME_REMEDY = "give at most 200 characters on one line"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Telephone numbers written together (Australian trunk 0, or 614 abroad), and any digits in three
# or more groups of 8 to 15 digits, as telephone numbers and dates of birth are written.
_TELEPHONE = re.compile(r"0[1-9][0-9]{7,9}|614[0-9]{8}")
_GROUPS = re.compile(r"[0-9]+([.-][0-9]+){2,}")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ReadFields:
    """Encoded fields of a sheet, the share of empty cells of each, and what could not be read."""

    columns: Columns
    unanswered: Mapping[str, float]
    faults: list[TableFault]


def plain_field(
    name: str,
    kind: str,
    *,
    required: bool = False,
    levels: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
) -> Field:
    """A field that every practice has, and so none declares."""
    return Field(
        name=name,
        side="client",
        kind=kind,
        phrase=name,
        purpose="",
        missing="",
        use="filter",
        min=minimum,
        max=maximum,
        levels=levels,
        required=required,
    )


def check_header(
    table: RawTable, required: Iterable[str], optional: Iterable[str] = ()
) -> list[TableFault]:
    """Faults of columns that are missing, and of columns that would be lost."""
    required = tuple(required)
    known = {*required, *optional}
    faults = [
        TableFault(table.file, name, "is missing", "add the column; its cells may be empty")
        for name in required
        if name not in table.columns
    ]
    # Without the first column this may be a file without a header, whose first row is a person's.
    is_header = required[0] in table.columns
    for number, name in enumerate(table.columns, start=1):
        if name not in known:
            place = name if is_header and _PLAIN_NAME.fullmatch(name) else f"number {number}"
            remedy = "remove it, mend its spelling, or declare it in the practice definition"
            faults.append(TableFault(table.file, place, "is not known and would be lost", remedy))
    return faults


def read_fields(table: RawTable, fields: Mapping[str, Field]) -> ReadFields:
    """The declared fields of a sheet; a cell that cannot be read is missing in the columns."""
    values: dict[str, NDArray[Any]] = {}
    unanswered: dict[str, float] = {}
    faults: list[TableFault] = []
    for name, field in fields.items():
        cells = table.column(name)
        read = [read_cell(field, cell) for cell in cells.distinct]
        encoded = field.behaviour.encode(field, [value for value, _ in read])
        values[name] = encoded[cells.places]
        unanswered[name] = float(cells.empty().mean()) if table.size else 0.0
        if name in table.columns:
            problems = [problem for _, problem in read]
            faults += _problems(table, name, remedy_for(field), cells, problems)
    return ReadFields(Columns(table.size, values), unanswered, faults)


def read_ids(table: RawTable, name: str) -> tuple[NDArray[np.object_], list[TableFault]]:
    """The ids of a column, (n,) of text or None where a cell holds no acceptable id."""
    return _read_texts(table, name, read_id, ID_REMEDY)


def read_names(table: RawTable, name: str) -> tuple[NDArray[np.object_], list[TableFault]]:
    """What people are called, (n,) of text or None."""
    return _read_texts(table, name, read_name, NAME_REMEDY)


def read_id(cell: RawValue) -> tuple[str | None, str | None]:
    """The id in a cell, or the problem with it: ids are pseudonyms, never contact data."""
    if is_missing(cell):
        return None, "is empty"
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if not isinstance(cell, str):
        return None, "is not text"
    text = cell.strip()
    if not _ID.fullmatch(text):
        return None, "is not a pseudonym"
    if _TELEPHONE.fullmatch(text) or _digit_groups(text):
        return None, "looks like a telephone number or a date"
    return text, None


def _digit_groups(text: str) -> bool:
    grouped = _GROUPS.fullmatch(text) is not None
    return grouped and 8 <= sum(character.isdigit() for character in text) <= 15


def read_name(cell: RawValue) -> tuple[str | None, str | None]:
    """The name in a cell (None when empty), or the problem with it."""
    if is_missing(cell):
        return None, None
    if not isinstance(cell, str):
        return None, "is not text"
    text = cell.strip()
    if len(text) > 200 or not text.isprintable():
        return None, "is not a name on one line"
    return text, None


def _read_texts(
    table: RawTable,
    name: str,
    read: Callable[[RawValue], tuple[str | None, str | None]],
    remedy: str,
) -> tuple[NDArray[np.object_], list[TableFault]]:
    cells = table.column(name)
    results = [read(cell) for cell in cells.distinct]
    values = np.empty(len(results), dtype=object)
    values[:] = [value for value, _ in results]
    faults = []
    if name in table.columns:
        faults = _problems(table, name, remedy, cells, [problem for _, problem in results])
    return values[cells.places], faults


def _problems(
    table: RawTable, name: str, remedy: str, cells: InternedColumn, problems: list[str | None]
) -> list[TableFault]:
    found = sorted({problem for problem in problems if problem})
    number = {problem: place for place, problem in enumerate(found)}
    codes = np.array([number[p] if p else -1 for p in problems], dtype=np.intp)[cells.places]
    return [
        fault
        for place, problem in enumerate(found)
        for fault in table.faults(name, problem, remedy, codes == place)
    ]


NAME_COLUMN = "name"


@dataclass(frozen=True, slots=True)
class People:
    """Clients or clinicians, sorted by id.

    Attributes
    ----------
    ids
        Each once.
    names
        What staff call them, or None; clients have none.
    columns
        Their declared fields, one row an id.
    """

    ids: tuple[str, ...]
    names: tuple[str | None, ...]
    columns: Columns

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.intp]) -> "People":
        """Some of them, in the order given."""
        ids, names = (tuple(part[row] for row in rows.tolist()) for part in (self.ids, self.names))
        return People(ids, names, self.columns.take(rows))


@dataclass(frozen=True, slots=True)
class ReadPeople:
    """People with the line each stands on, and what is wrong or empty in their file."""

    people: People
    lines: NDArray[np.intp]
    unanswered: Mapping[str, float]
    faults: list[TableFault]


def read_people(table: RawTable, fields: Mapping[str, Field], side: Side) -> ReadPeople:
    """People of one side; those without an acceptable id, or with an earlier one's, are a fault."""
    id_column = f"{side}_id"
    optional = (NAME_COLUMN,) if side == "clinician" else ()
    faults = check_header(table, (id_column, *fields), optional)
    ids, more = read_ids(table, id_column)
    read = read_fields(table, fields)
    faults += more + read.faults
    remedy = "keep one row for each person"
    faults += table.repeated(id_column, "is there twice", remedy, pd.DataFrame({"id": ids}))
    names = np.full(table.size, None, dtype=object)
    if NAME_COLUMN in optional and NAME_COLUMN not in fields:
        names, more = read_names(table, NAME_COLUMN)
        faults += more
    if side == "clinician" and table.size == 0:
        remedy = "give one row for each clinician"
        faults.append(TableFault(table.file, None, "has no rows", remedy))
    order = _by_id(ids)
    people = People(tuple(ids[order]), tuple(names[order]), read.columns.take(order))
    return ReadPeople(people, table.lines[order], read.unanswered, faults)


def _by_id(ids: Sequence[str | None] | NDArray[np.object_]) -> NDArray[np.intp]:
    """Places of acceptable ids in the order of the ids, the first of each."""
    first: dict[str, int] = {}
    for place, name in enumerate(ids):
        if name is not None:
            first.setdefault(name, place)
    return np.array([first[name] for name in sorted(first)], dtype=np.intp)
