"""Reads columns of raw cells into values, each distinct cell once, and the people of one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.practice.columns import Columns, read_cell, with_levels
from recommender.practice.fields import Field, Side
from recommender.practice.row_checks import row_problems
from recommender.tables.header import MAX_NAMED, ExpectedColumns, check_header
from recommender.tables.raw_table import InternedColumn, RawTable, TableFault
from recommender.values.ids import (
    ID_FORM,
    NearIndex,
    canonical_id,
    id_problem,
    suggestions_for,
    with_question,
)
from recommender.values.kinds import EPOCH, RawValue, is_missing
from recommender.values.parsers import ABOVE_MAX, BELOW_MIN, CellError, NotAnIdError
from recommender.values.table_format import STANDARD, TableFormat, excluded_by_others, unread_column
from recommender.values.toml_settings import Codes

NAME_COLUMN = "name"
ID_REMEDY = f"give a pseudonym of {ID_FORM}"
NAME_REMEDY = "give at most 200 characters on one line"
LOST_ZEROS = "is a number, so zeros before it are lost (005 became 5)"
PLAUSIBLE_YEARS = (1900, 2199)
"""Dates outside these years are typing errors, such as 0206 for 2026."""

MANY_BEYOND = 5
"""Rows beyond a declared bound from which the bound itself may be wrong."""


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
    """A field that every practice has, so that no definition declares it.

    Whole numbers are of kind `scale`, whose example is one.
    """
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


def read_fields(
    table: RawTable,
    fields: Mapping[str, Field],
    written: TableFormat = STANDARD,
    clinicians: NearIndex | None = None,
) -> ReadFields:
    """The declared fields of a table; a cell that cannot be read is a fault and missing.

    `clinicians` are proposed where a name is in the place of an id.
    """
    values: dict[str, NDArray[Any]] = {}
    unanswered: dict[str, float] = {}
    faults: list[TableFault] = []
    wrong: dict[str, _WrongCells] = {}
    for name, field in fields.items():
        cells = table.column(name)
        # A code that means missing is no answer in any form, and does not decide the column's form.
        answers = [None if field.is_missing(cell) else cell for cell in cells.distinct]
        in_form = written.cells(field.kind, answers)
        standard = [
            cell if answer is None else read
            for cell, answer, read in zip(cells.distinct, answers, in_form, strict=True)
        ]
        read = [read_cell(field, cell, written) for cell in standard]
        encoded = field.behaviour.encode(field, [value for value, _ in read])
        values[name] = encoded[cells.places]
        missing = np.array([field.is_missing(cell) for cell in standard], dtype=np.bool_)
        unanswered[name] = float(missing[cells.places].mean()) if table.size else 0.0
        if name in table.columns:
            errors = [error for _, error in read]
            if clinicians is not None and field.people_named == "clinicians":
                errors = [_with_whom(error, clinicians) for error in errors]
            other = unread_column(written, field.kind, answers) if any(errors) else None
            wrong[name] = _WrongCells(answers, errors, other)
            if field.kind == "ids":
                faults += _numbers(table, name, cells)
    for name, found in _of_columns(fields, wrong, written).items():
        faults += _problems(table, name, table.column(name), found)
    for each in row_problems(fields, values):
        faults += table.faults(each.field, each.problem, each.remedy, each.rows)
    return ReadFields(Columns(table.size, values), unanswered, faults)


@dataclass(frozen=True, slots=True)
class _WrongCells:
    """The distinct answers of a column, the error of each, and `unread_column` of them."""

    answers: Sequence[RawValue]
    errors: Sequence[CellError | None]
    other: tuple[str, str] | None


def _of_columns(
    fields: Mapping[str, Field], wrong: Mapping[str, _WrongCells], written: TableFormat
) -> dict[str, Sequence[CellError | None]]:
    """The errors of each column, as one error where the whole column is in another form."""
    others = {name: (fields[name].kind, each.answers) for name, each in wrong.items() if each.other}
    excluded = excluded_by_others(written, others)
    errors: dict[str, Sequence[CellError | None]] = {}
    for name, each in wrong.items():
        errors[name] = each.errors
        if each.other is None:
            continue
        problem, remedy = each.other
        if name in excluded:
            remedy = (
                f"no options read it and {excluded[name]} as they are: write both columns alike in "
                "the file, with the same marks and the same sign of a currency, or none"
            )
        whole = CellError(problem, remedy)
        errors[name] = [
            whole if error and isinstance(cell, str) and not is_missing(cell) else error
            for cell, error in zip(each.answers, each.errors, strict=True)
        ]
    return errors


def _with_whom(error: CellError | None, people: NearIndex) -> CellError | None:
    """The error, with the ids of the people whose names are in the place of ids."""
    if not isinstance(error, NotAnIdError):
        return error
    proposed = suggestions_for(people.near_misses(error.parts), error.parts)
    return CellError(error.problem, with_question(proposed, error.remedy))


def fractions(table: RawTable, column: str, values: NDArray[np.float64]) -> list[TableFault]:
    """Faults of counts that are not whole numbers."""
    broken = np.nan_to_num(values) % 1 != 0
    return table.faults(column, "is not a whole number", "write it like 4", broken)


def last_day(today: date | None) -> float:
    """Today in days since 1970-01-01; infinity without a day."""
    return np.inf if today is None else float(today.toordinal() - EPOCH)


def implausible_dates(
    table: RawTable, column: str, days: NDArray[np.float64], latest: float
) -> list[TableFault]:
    """Faults of dates in an implausible year, and of dates after the latest day."""
    earliest, last = PLAUSIBLE_YEARS
    first, end = (date(year, 1, 1).toordinal() - EPOCH for year in (earliest, last + 1))
    strange = (days < first) | (days >= end)
    problem = f"lies outside {earliest} to {last}"
    faults = table.faults(column, problem, "check the year", strange)
    late = (days > latest) & ~strange
    return faults + table.faults(column, "lies in the future", "check the date", late)


def _numbers(table: RawTable, name: str, cells: InternedColumn) -> list[TableFault]:
    """The warning of ids that arrive as numbers, so that zeros before them are lost."""
    number = np.array([_is_number(cell) for cell in cells.distinct], dtype=np.bool_)[cells.places]
    remedy = "if ids have such zeros, format the column as text and type them again"
    return table.faults(name, LOST_ZEROS, remedy, number, warning=True)


def _is_number(cell: RawValue) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and not is_missing(cell)


def read_ids(table: RawTable, name: str) -> tuple[NDArray[np.object_], list[TableFault]]:
    """The ids of a column, (n,) of text or None where a cell holds no acceptable id."""
    ids, faults = _read_texts(table, name, read_id, ID_REMEDY)
    return ids, faults + _numbers(table, name, table.column(name))


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
        errors = [CellError(problem, remedy) if problem else None for _, problem in results]
        faults = _problems(table, name, cells, errors)
    return values[cells.places], faults


def _problems(
    table: RawTable, name: str, cells: InternedColumn, errors: Sequence[CellError | None]
) -> list[TableFault]:
    """One fault for each distinct problem and remedy, with its rows."""
    errors = _with_fewer_questions(errors)
    found = sorted({(error.problem, error.remedy) for error in errors if error})
    number = {problem: place for place, problem in enumerate(found)}
    of_cell = [number[error.problem, error.remedy] if error else -1 for error in errors]
    codes = np.array(of_cell, dtype=np.intp)[cells.places]
    return [
        fault
        for place, (problem, remedy) in enumerate(found)
        for fault in table.faults(name, problem, remedy, codes == place)
    ]


def _with_fewer_questions(errors: Sequence[CellError | None]) -> list[CellError | None]:
    """The errors, with one remedy for those of a problem that suggest many different levels."""
    levels: dict[str, dict[tuple[str, ...], None]] = {}
    for error in errors:
        if error and error.suggested:
            levels.setdefault(error.problem, {})[error.suggested] = None
    many = {problem: suggested for problem, suggested in levels.items() if len(suggested) > 3}

    def merged(error: CellError) -> CellError:
        meant = list(dict.fromkeys(level for each in many[error.problem] for level in each))
        shown = ", ".join(meant[:MAX_NAMED]) + (", …" if len(meant) > MAX_NAMED else "")
        own = error.remedy.removeprefix(with_levels(error.suggested, "?")[:-1])
        return CellError(error.problem, f"some may mean {shown}. {own}")

    return [
        merged(error) if error and error.suggested and error.problem in many else error
        for error in errors
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
    """People with the line of each, the share of empty cells by field, and the faults.

    `ids_known` is whether every row and its id could be looked at: else another table may name
    people that are in the file and not in here.
    """

    people: People
    lines: NDArray[np.intp]
    unanswered: Mapping[str, float]
    faults: list[TableFault]
    ids_known: bool


def read_people(
    table: RawTable,
    fields: Mapping[str, Field],
    side: Side,
    written: TableFormat = STANDARD,
    clinicians: NearIndex | None = None,
) -> ReadPeople:
    """The people of one side; a row without a valid id, or with the id of another, is a fault.

    `clinicians` as for `read_fields`.
    """
    id_column = f"{side}_id"
    table, faults = check_header(table, _expected(id_column, fields, side))
    ids, more = read_ids(table, id_column)
    read = read_fields(table, fields, written, clinicians)
    faults += more + [_with_bound(fault, side) for fault in read.faults]
    remedy = "keep one row for each person"
    faults += table.repeated(id_column, "is there twice", remedy, pd.DataFrame({"id": ids}))
    names = np.full(table.size, None, dtype=object)
    if side == "clinician" and NAME_COLUMN not in fields:
        names, more = read_names(table, NAME_COLUMN)
        faults += more
    if side == "clinician" and table.size == 0 and table.whole:
        remedy = "give one row for each clinician"
        faults.append(TableFault(table.file, None, "has no rows", remedy))
    first: dict[str, int] = {}
    for place, name in enumerate(ids):
        if name is not None:
            first.setdefault(name, place)
    order = np.array([first[name] for name in sorted(first)], dtype=np.intp)
    people = People(tuple(ids[order]), tuple(names[order]), read.columns.take(order))
    known = table.whole and id_column in table.columns
    return ReadPeople(people, table.lines[order], read.unanswered, faults, known)


def _with_bound(fault: TableFault, side: Side) -> TableFault:
    """The fault, with the bound of the definition where it refuses many rows."""
    setting = {BELOW_MIN: "min", ABOVE_MAX: "max"}.get(fault.problem)
    if setting is None or len(fault.rows) < MANY_BEYOND:
        return fault
    own = f"change {setting} of [{side}.{fault.column}] in the practice definition"
    remedy = f"{fault.remedy}; if such values are right, {own}"
    return replace(fault, remedy=remedy, edits_definition=True)


def _expected(id_column: str, fields: Mapping[str, Field], side: Side) -> ExpectedColumns:
    filled = (id_column, *(name for name, field in fields.items() if field.required))
    optional = tuple(n for n, f in fields.items() if f.behaviour.may_lack_column and not f.required)
    empty = tuple(n for n, field in fields.items() if not field.required and n not in optional)
    named = (NAME_COLUMN,) if side == "clinician" else ()
    return ExpectedColumns(filled, empty, (*named, *optional))
