"""A table as arrays: one array per declared field, rows along the first axis.

One intake and a table of a million pairings are encoded in the same way.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault, IntakeError
from recommender.practice.fields import Field
from recommender.practice.row_checks import row_problems
from recommender.values.kinds import RawValue
from recommender.values.parsers import CellError
from recommender.values.table_format import STANDARD, TableFormat

T = TypeVar("T")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Encoded values of several rows.

    Attributes
    ----------
    size
        Number of rows n.
    values
        Field name to array. Shapes by kind: number, scale, ordinal (level index), category (level
        index), flag, date (days since 1970-01-01), money (cents): (n,). tags: (n, levels) of 0/1.
        place: (n, places, 2) latitude, longitude. weekly_hours: (n, windows, 3) day (0 = Monday),
        start and end minute. availability: (n, windows, 7), see `recommender.values.kinds`.
        date_ranges: (n, ranges, 2) first day and the day after the last. ids: (n,) of tuples or
        None. link: (n,) of texts or None. Missing is NaN throughout the row.
    """

    size: int
    values: Mapping[str, NDArray[Any]]
    _views: dict[Hashable, Any] = attribute(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.values[name]

    def __reduce__(self) -> tuple[type["Columns"], tuple[int, Mapping[str, NDArray[Any]]]]:
        """What is sent to another process: the values, from which views are computed anew."""
        return Columns, (self.size, self.values)

    def view(self, key: Hashable, build: Callable[[], T]) -> T:
        """What `build` derives from these values alone, computed once and cached under a key.

        Requests share the roster's columns, so what depends only on the roster is computed once.
        """
        if key not in self._views:
            self._views[key] = build()
        return cast("T", self._views[key])

    def only(self, names: Iterable[str]) -> "Columns":
        """All rows of some of the columns."""
        return Columns(self.size, {name: self.values[name] for name in names})

    def row(self, place: int) -> "Columns":
        """One row, as a view without a copy."""
        one = slice(place, place + 1)
        return Columns(1, {name: array[one] for name, array in self.values.items()})

    def take(self, rows: NDArray[np.intp]) -> "Columns":
        """The given rows, in the given order; a row may be taken more than once."""
        return Columns(len(rows), {name: array[rows] for name, array in self.values.items()})

    @classmethod
    def concatenate(cls, tables: "Sequence[Columns]") -> "Columns":
        """The rows of several tables of the same fields; places, hours and ranges are padded."""
        if len(tables) == 1:
            return tables[0]
        values = {}
        for name in tables[0].values:
            arrays = [table[name] for table in tables]
            if arrays[0].ndim == 3:
                width = max(array.shape[1] for array in arrays)
                arrays = [_padded(array, width) for array in arrays]
            values[name] = np.concatenate(arrays)
        return cls(sum(table.size for table in tables), values)


def _padded(array: NDArray[Any], width: int) -> NDArray[Any]:
    missing = np.full((array.shape[0], width - array.shape[1], array.shape[2]), np.nan)
    return np.concatenate([array, missing], axis=1)


def read_rows(fields: Mapping[str, Field], rows: Sequence[Mapping[str, RawValue]]) -> Columns:
    """Parses and encodes answers, one mapping a row.

    Raises
    ------
    IntakeError
        With every fault of every row: unknown names, values that cannot be read, required answers
        missing. With several rows, a fault names its row, counted from 1.
    """
    faults: list[Fault] = []
    parsed: dict[str, list[Any]] = {name: [None] * len(rows) for name in fields}
    for number, row in enumerate(rows, start=1):
        # An intake form is one row and shows no row numbers.
        where = f"row {number}, " if len(rows) > 1 else ""
        for name in sorted(set(map(str, row)) - set(fields)):
            # A misplaced answer may be in the position of a name: only plain names are repeated.
            shown = name if _PLAIN_NAME.fullmatch(name) else "a name of the answers"
            remedy = "remove it, or declare it in the practice definition"
            faults.append(Fault(f"{where}{shown}", "is not a field of this practice", remedy))
        for name in [name for name, field in fields.items() if name in row or field.required]:
            parsed[name][number - 1], error = read_cell(fields[name], row.get(name))
            if error:
                faults.append(Fault(f"{where}{name}", error.problem, error.remedy))
    if faults:
        raise IntakeError(faults)
    columns = encode(fields.values(), parsed, len(rows))
    for each in row_problems(fields, columns.values):
        for place in np.flatnonzero(each.rows).tolist():
            where = f"row {place + 1}, " if len(rows) > 1 else ""
            faults.append(Fault(f"{where}{each.field}", each.problem, each.remedy))
    if faults:
        raise IntakeError(faults)
    return columns


def read_cell(
    field: Field, cell: RawValue, written: TableFormat = STANDARD
) -> tuple[Any, CellError | None]:
    """The value of one cell (None when missing) and its problem with a remedy, if any.

    `written` is the form in which the remedy shows how to write a cell; the cell itself is in the
    standard form, or an error of its reading.
    """
    if isinstance(cell, CellError):
        return None, _with_remedy(field, cell, written)
    if field.is_missing(cell):
        if not field.required:
            return None, None
        error = CellError("is required but empty")
        if field.is_code(cell):
            remedy = f"correct it, or set required = false beside missing_codes of [{field.label}]"
            error = CellError("has a code that means missing, and is required", remedy)
        return None, _with_remedy(field, error, written)
    try:
        return field.behaviour.parse(field, cell), None
    except CellError as error:
        return None, _with_remedy(field, error, written)
    except ValueError as error:
        return None, _with_remedy(field, CellError(str(error)), written)


def remedy_for(field: Field, written: TableFormat = STANDARD) -> str:
    """What can be written in this field."""
    kind = field.behaviour
    if kind.has_levels:
        return f"choose from {', '.join(field.levels)}"
    remedy = f"write it like {written.example(kind.name, _example(field))}"
    if kind.alternative:
        return f"{remedy}, or {kind.alternative}"
    bounds = (("at least", field.min), ("at most", field.max))
    return remedy + "".join(f", {word} {b:.12g}" for word, b in bounds if b is not None)


def _example(field: Field) -> str:
    """The example of the field's kind, or the bound beyond which that example lies."""
    example = field.behaviour.example
    if not field.behaviour.has_bounds:
        return example
    if field.min is not None and float(example) < field.min:
        return f"{field.min:.12g}"
    if field.max is not None and float(example) > field.max:
        return f"{field.max:.12g}"
    return example


def _with_remedy(field: Field, error: CellError, written: TableFormat) -> CellError:
    """The error with the field's own remedy, unless more is known, behind the levels suggested."""
    error.remedy = with_levels(error.suggested, error.remedy or remedy_for(field, written))
    return error


def with_levels(suggested: Sequence[str], remedy: str) -> str:
    """A remedy behind the question whether some levels are meant."""
    if not suggested:
        return remedy
    return f"did you mean {';'.join(suggested)}? {remedy[0].upper()}{remedy[1:]}"


def encode(fields: Iterable[Field], parsed: Mapping[str, Sequence[Any]], size: int) -> Columns:
    """Columns of parsed values, one sequence a field.

    One person leaves most questions open: their answers share arrays that cannot be written to.
    """
    return Columns(
        size,
        {
            f.name: _missing_row(f)
            if size == 1 and parsed[f.name][0] is None
            else f.behaviour.encode(f, parsed[f.name])
            for f in fields
        },
    )


def _missing_row(field: Field) -> NDArray[Any]:
    """One missing answer, whose shape depends on the kind and on how many levels there are."""
    key = field.kind, len(field.levels)
    if key not in _MISSING:
        row = field.behaviour.encode(field, [None])
        row.setflags(write=False)
        _MISSING[key] = row
    return _MISSING[key]


_MISSING: dict[tuple[str, int], NDArray[Any]] = {}


def answered_in(person: Columns) -> frozenset[str]:
    """Names of the fields that a person answered, of columns with one row."""

    def answered() -> frozenset[str]:
        firsts = ((name, array.item(0)) for name, array in person.values.items())
        # Missing is NaN throughout the row; only NaN differs from itself.
        return frozenset(name for name, first in firsts if first is not None and first == first)

    return person.view("answered", answered)


def cells_at(fields: Mapping[str, Field], columns: Columns, row: int) -> dict[str, RawValue]:
    """The known answers of one row by field, as plain JSON that `read_rows` accepts."""
    cells = {name: f.behaviour.decode(f, columns[name][row]) for name, f in fields.items()}
    return {name: cell for name, cell in cells.items() if cell is not None}
