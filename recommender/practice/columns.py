"""A table as arrays: one array per declared field, rows along the first axis.

One intake and a table of a million pairings are encoded in the same way.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault, IntakeError
from recommender.practice.fields import Field
from recommender.practice.row_checks import row_problems
from recommender.values.bounded_store import store_bounded
from recommender.values.kinds import RawValue
from recommender.values.parsers import CellError
from recommender.values.table_format import STANDARD, TableFormat

T = TypeVar("T")

_NOTHING: Any = object()
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
        # Looked up once: keys are long, and hashed each time.
        found: T = self._views.get(key, _NOTHING)
        if found is _NOTHING:
            found = self._views[key] = build()
        return found

    def only(self, names: Iterable[str]) -> "Columns":
        """All rows of some of the columns."""
        return Columns(self.size, {name: self.values[name] for name in names})

    def row(self, place: int) -> "Columns":
        """One row, as a view without a copy."""
        return self.between(place, place + 1)

    def between(self, start: int, end: int) -> "Columns":
        """Rows that follow one another, as a view without a copy; `end` is behind the last."""
        if (start, end) == (0, self.size):
            return self
        some = slice(start, end)
        return Columns(end - start, {name: each[some] for name, each in self.values.items()})

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


DISCRETE = frozenset(
    {"number", "scale", "ordinal", "category", "flag", "money", "tags", "weekly_hours"}
)
"""Kinds of which different people give the same answers, and which say nothing of who they are."""
MAX_ARRAYS, MAX_PARTS = 4096, 16
"""Answers of which a reader stores the array, of at most so many parts: about 2 kB each at most."""
_PLAIN, _TEXT = frozenset({str, bool, int, float}), frozenset({str})


@dataclass(frozen=True, slots=True, eq=False)
class RowReader:
    """Parses and encodes answers to some fields; what the fields alone decide is computed once.

    Attributes
    ----------
    fields
        The fields, by name.
    missing
        Columns of one row without an answer, which cannot be written to.
    scored
        The fields that the model may read.
    """

    fields: Mapping[str, Field]
    missing: Mapping[str, NDArray[Any]]
    scored: tuple[str, ...]
    _places: Mapping[str, int] = attribute(repr=False)
    _required: tuple[str, ...] = attribute(repr=False)
    _discrete: frozenset[str] = attribute(repr=False)
    _hours: Mapping[str, Field] = attribute(repr=False)
    _arrays: dict[Hashable, NDArray[Any]] = attribute(default_factory=dict, repr=False)

    @classmethod
    def of(cls, fields: Mapping[str, Field]) -> "RowReader":
        """The reader of some fields."""
        missing = {name: field.behaviour.encode(field, [None]) for name, field in fields.items()}
        for array in missing.values():
            array.setflags(write=False)
        return cls(
            fields,
            missing,
            tuple(name for name, field in fields.items() if field.use == "score"),
            {name: place for place, name in enumerate(fields)},
            tuple(name for name, field in fields.items() if field.required),
            frozenset(name for name, field in fields.items() if field.kind in DISCRETE),
            {name: field for name, field in fields.items() if field.kind == "availability"},
        )

    def read(self, rows: Sequence[Mapping[str, RawValue]]) -> Columns:
        """Columns of some rows; see `read_rows`."""
        columns = self._row(rows[0]) if len(rows) == 1 else self._table(rows)
        faults = [
            (row, number, Fault(each.field, each.problem, each.remedy))
            for number, each in enumerate(row_problems(self._hours, columns.values))
            for row in np.flatnonzero(each.rows).tolist()
        ]
        _raise(faults, len(rows))
        return columns

    def encoded(self, parsed: Mapping[str, Any]) -> Columns:
        """One row of the parsed answers of one person, who left the other questions open."""
        fields = {name: self.fields[name] for name, value in parsed.items() if value is not None}
        return self._one(
            {name: field.behaviour.encode(field, [parsed[name]]) for name, field in fields.items()}
        )

    def _row(self, cells: Mapping[str, RawValue]) -> Columns:
        """One row, of which most fields have no cell."""
        answers: dict[str, NDArray[Any]] = {}
        faults = self._unknown_names([cells])
        discrete, arrays = self._discrete, self._arrays
        for name, cell in cells.items():
            key: Hashable = None
            if name in discrete:
                # By type as well: 1 and true are equal, and are read otherwise.
                kind = type(cell)
                if kind in _PLAIN:
                    key = name, cell, kind
                elif _is_short(cell):
                    key = name, *cell
            array = None if key is None else arrays.get(key)
            if array is None and name in self.fields:
                field = self.fields[name]
                value, error = read_cell(field, cell)
                if error is not None:
                    fault = Fault(name, error.problem, error.remedy)
                    faults.append((0, self._places[name], fault))
                elif value is not None:
                    array = field.behaviour.encode(field, [value])
                    if key is not None:
                        self._store(key, array)
            if array is not None:
                answers[name] = array
        for name in self._required:
            if name not in cells:
                _, error = read_cell(self.fields[name], None)
                assert error is not None
                faults.append((0, self._places[name], Fault(name, error.problem, error.remedy)))
        _raise(faults, 1)
        return self._one(answers)

    def _store(self, key: Hashable, array: NDArray[Any]) -> None:
        array.setflags(write=False)
        store_bounded(self._arrays, key, array, MAX_ARRAYS)

    def _table(self, rows: Sequence[Mapping[str, RawValue]]) -> Columns:
        values = dict[str, NDArray[Any]]()
        faults = self._unknown_names(rows)
        for name, field in self.fields.items():
            cells, places = _distinct([row.get(name) for row in rows])
            read = [read_cell(field, cell) for cell in cells]
            errors = {place: error for place, (_, error) in enumerate(read) if error}
            if errors:
                found = ((row, errors.get(place)) for row, place in enumerate(places))
                faults += (
                    (row, self._places[name], Fault(name, error.problem, error.remedy))
                    for row, error in found
                    if error
                )
            else:
                encoded = field.behaviour.encode(field, [value for value, _ in read])
                values[name] = encoded if len(cells) == len(rows) else encoded[places]
        _raise(faults, len(rows))
        return Columns(len(rows), values)

    def _unknown_names(
        self, rows: Sequence[Mapping[str, RawValue]]
    ) -> list[tuple[int, int, Fault]]:
        return [
            (row, -1, _unknown_name(name))
            for row, cells in enumerate(rows)
            if not self.fields.keys() >= cells.keys()
            for name in sorted({str(name) for name in cells if name not in self.fields})
        ]

    def _one(self, answers: Mapping[str, NDArray[Any]]) -> Columns:
        return Columns(1, {**self.missing, **answers}, {_ANSWERED: frozenset(answers)})


def read_rows(fields: Mapping[str, Field], rows: Sequence[Mapping[str, RawValue]]) -> Columns:
    """Parses and encodes answers, one mapping a row.

    Raises
    ------
    IntakeError
        With every fault of every row: unknown names, values that cannot be read, required answers
        missing. With several rows, a fault names its row, counted from 1.
    """
    return RowReader.of(fields).read(rows)


def _is_short(cell: RawValue) -> bool:
    """Whether a cell is a list of a few texts."""
    return type(cell) is list and len(cell) <= MAX_PARTS and _TEXT.issuperset(map(type, cell))


def _unknown_name(name: str) -> Fault:
    # A misplaced answer may be in the position of a name: only plain names are repeated.
    shown = name if _PLAIN_NAME.fullmatch(name) else "a name of the answers"
    remedy = "remove it, or declare it in the practice definition"
    return Fault(shown, "is not a field of this practice", remedy)


_JSON = frozenset({bool, int, float, list, type(None)})
"""Types of the cells of a JSON document, whose representations are equal only if they are."""


def _distinct(cells: list[RawValue]) -> tuple[list[RawValue], list[int]]:
    """The cells that are written alike once, and the place of each cell among them."""
    if len(cells) == 1:
        return cells, [0]
    found: dict[object, int] = {}
    # By type as well: 1 and true are equal, and are read otherwise.
    keys = (
        cell if type(cell) is str else (type(cell), repr(cell) if type(cell) in _JSON else number)
        for number, cell in enumerate(cells)
    )
    places = [found.setdefault(key, len(found)) for key in keys]
    firsts = dict(zip(places, cells, strict=True))
    return list(firsts.values()), places


def _raise(faults: list[tuple[int, int, Fault]], rows: int) -> None:
    """Raises faults, each of a row and a place in it, in their order."""
    if not faults:
        return
    faults.sort(key=itemgetter(0, 1))
    # An intake form is one row and shows no row numbers.
    if rows > 1:
        faults = [
            (row, place, replace(fault, where=f"row {row + 1}, {fault.where}"))
            for row, place, fault in faults
        ]
    raise IntakeError([fault for *_, fault in faults])


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


_ANSWERED = "answered"


def answered_in(person: Columns) -> frozenset[str]:
    """Names of the fields that a person answered, of columns with one row."""

    def answered() -> frozenset[str]:
        firsts = ((name, array.item(0)) for name, array in person.values.items())
        # Missing is NaN throughout the row; only NaN differs from itself.
        return frozenset(name for name, first in firsts if first is not None and first == first)

    return person.view(_ANSWERED, answered)


def cells_at(fields: Mapping[str, Field], columns: Columns, row: int) -> dict[str, RawValue]:
    """The known answers of one row by field, as plain JSON that `read_rows` accepts."""
    cells = {name: f.behaviour.decode(f, columns[name][row]) for name, f in fields.items()}
    return {name: cell for name, cell in cells.items() if cell is not None}
