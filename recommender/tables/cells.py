"""Reads columns of raw cells into values, each distinct cell once, and the people of one table."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.practice.columns import Columns, read_cell, remedy_for
from recommender.practice.fields import Field, Side
from recommender.tables.raw_table import InternedColumn, RawTable, TableFault
from recommender.values.ids import canonical_id, id_problem
from recommender.values.kinds import RawValue, is_missing
from recommender.values.toml_settings import Codes

NAME_COLUMN = "name"
ID_REMEDY = "give a pseudonym of at most 64 letters, digits, dots, dashes and underscores"
NAME_REMEDY = "give at most 200 characters on one line"

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ReadFields:
    """Encoded fields of a table, the share of empty cells of each (0-1), and the faults."""

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
    missing_codes: Codes = (),
) -> Field:
    """A field that every practice has, so that no definition declares it."""
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
        missing_codes=missing_codes,
    )


def check_header(
    table: RawTable, required: Iterable[str], optional: Iterable[str] = ()
) -> list[TableFault]:
    """Faults of missing columns, and of columns that nothing would read."""
    required = tuple(required)
    known = {*required, *optional}
    faults = [
        TableFault(table.file, name, "is missing", "add the column; its cells may be empty")
        for name in required
        if name not in table.columns
    ]
    # Without the first column the file may lack a header: then this row holds a person's data.
    is_header = required[0] in table.columns
    for number, name in enumerate(table.columns, start=1):
        if name not in known:
            place = name if is_header and _PLAIN_NAME.fullmatch(name) else f"number {number}"
            remedy = "remove it, fix its spelling, or declare it in the practice definition"
            faults.append(TableFault(table.file, place, "is not known and would be lost", remedy))
    return faults


def read_fields(table: RawTable, fields: Mapping[str, Field]) -> ReadFields:
    """The declared fields of a table; a cell that cannot be read is a fault and missing."""
    values: dict[str, NDArray[Any]] = {}
    unanswered: dict[str, float] = {}
    faults: list[TableFault] = []
    for name, field in fields.items():
        cells = table.column(name)
        read = [read_cell(field, cell) for cell in cells.distinct]
        encoded = field.behaviour.encode(field, [value for value, _ in read])
        values[name] = encoded[cells.places]
        missing = cells.rows_where(field.is_missing)
        unanswered[name] = float(missing.mean()) if table.size else 0.0
        if name in table.columns:
            problems = [problem for _, problem in read]
            faults += _problems(table, name, remedy_for(field), cells, problems)
    return ReadFields(Columns(table.size, values), unanswered, faults)


def read_ids(table: RawTable, name: str) -> tuple[NDArray[np.object_], list[TableFault]]:
    """The ids of a column, (n,) of text or None where a cell holds no acceptable id."""
    return _read_texts(table, name, read_id, ID_REMEDY)


def read_names(table: RawTable, name: str) -> tuple[NDArray[np.object_], list[TableFault]]:
    """The names of people in a column, (n,) of text or None."""
    return _read_texts(table, name, read_name, NAME_REMEDY)


def read_id(cell: RawValue) -> tuple[str | None, str | None]:
    """The id in a cell, or the problem with it: an id is a pseudonym, never contact data."""
    if is_missing(cell):
        return None, "is empty"
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if not isinstance(cell, str):
        return None, "is not text"
    text = canonical_id(cell)
    problem = id_problem(text)
    return (text, None) if problem is None else (None, problem)


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


@dataclass(frozen=True, slots=True)
class People:
    """Clients or clinicians, sorted by id.

    Attributes
    ----------
    ids
        Unique ids.
    names
        Names that staff see, or None; clients have none.
    columns
        Declared fields, one row per id.
    """

    ids: tuple[str, ...]
    names: tuple[str | None, ...]
    columns: Columns

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.intp]) -> "People":
        """The people of some rows, in the order of the rows."""
        ids, names = (tuple(part[row] for row in rows.tolist()) for part in (self.ids, self.names))
        return People(ids, names, self.columns.take(rows))


@dataclass(frozen=True, slots=True)
class ReadPeople:
    """People with the line of each, the share of empty cells by field, and the faults."""

    people: People
    lines: NDArray[np.intp]
    unanswered: Mapping[str, float]
    faults: list[TableFault]


def read_people(table: RawTable, fields: Mapping[str, Field], side: Side) -> ReadPeople:
    """The people of one side; a row without a valid id, or with the id of another, is a fault."""
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
    first: dict[str, int] = {}
    for place, name in enumerate(ids):
        if name is not None:
            first.setdefault(name, place)
    order = np.array([first[name] for name in sorted(first)], dtype=np.intp)
    people = People(tuple(ids[order]), tuple(names[order]), read.columns.take(order))
    return ReadPeople(people, table.lines[order], read.unanswered, faults)
