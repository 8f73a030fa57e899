"""A table as it was read from a file: columns of distinct cells, with the line of each row."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import Fault
from recommender.values.kinds import RawValue, is_missing

MAX_ROWS_SHOWN = 5
"""Rows listed in a message; further ones are counted."""
_NAMELESS = "(without a name, number "
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
    warning
        Whether the file can be used all the same.
    edits_definition
        Whether the remedy is to edit the practice definition.
    """

    file: str
    column: str | None
    problem: str
    remedy: str
    rows: tuple[int, ...] = ()
    repeats: tuple[int, ...] = ()
    warning: bool = False
    edits_definition: bool = False

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


Warn = Callable[[TableFault], None]
"""Called with each warning about a file that is read all the same."""


_AFTER_TRAINING = (
    "a trained model has the definition of its training, so that a change acts only after the next "
    "`recommender train FOLDER` and `recommender promote`"
)


def of_model(fault: TableFault) -> TableFault:
    """The fault of a table that is read for a model, with when an edited definition acts."""
    if not fault.edits_definition:
        return fault
    return replace(fault, remedy=f"{fault.remedy}; {_AFTER_TRAINING}")


def ignore_warning(_: TableFault) -> None:
    """Ignores a warning."""


def unwarned(faults: Iterable[TableFault], warn: Warn) -> list[TableFault]:
    """The faults among these; `warn` is called with the warnings."""
    refused = []
    for fault in faults:
        if fault.warning:
            warn(fault)
        else:
            refused.append(fault)
    return refused


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
    whole
        Whether every row could be read; else rows of other tables may name what was not.
    """

    file: str
    lines: NDArray[np.intp]
    columns: Mapping[str, InternedColumn] = field(default_factory=dict)
    whole: bool = True

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def column(self, name: str) -> InternedColumn:
        """The cells of a column; all empty where the file does not have it."""
        nothing = InternedColumn((None,), np.zeros(self.size, dtype=np.intp))
        return self.columns.get(name, nothing)

    def faults(
        self,
        column: str,
        problem: str,
        remedy: str,
        wrong: NDArray[np.bool_],
        *,
        warning: bool = False,
    ) -> list[TableFault]:
        """One fault for all rows flagged in `wrong`, (n,); none where no row is."""
        rows = tuple(self.lines[wrong].tolist())
        if not rows:
            return []
        return [TableFault(self.file, column, problem, remedy, rows, warning=warning)]

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


def nameless(number: int) -> str:
    """The name in a `RawTable` of a column whose header is empty, by its number from 1."""
    return f"{_NAMELESS}{number})"


def is_nameless(name: str) -> bool:
    """Whether a column has its name from `nameless`."""
    return name.startswith(_NAMELESS)


class ColumnBuilder:
    """Interns the cells of a column chunk by chunk."""

    def __init__(self) -> None:
        self._place: dict[Hashable, int] = {}
        self._cells: list[Hashable] = []
        self._places: list[NDArray[np.intp]] = []

    def add(self, cells: Sequence[Hashable]) -> None:
        """Adds the cells of the next rows."""
        # By type as well: 1 and true are equal, and are read otherwise. Most cells are text.
        keys = [cell if isinstance(cell, str) else (type(cell), cell) for cell in cells]
        for key, cell in dict(zip(keys, cells, strict=True)).items():
            if self._place.setdefault(key, len(self._cells)) == len(self._cells):
                self._cells.append(cell)
        places = map(self._place.__getitem__, keys)
        self._places.append(np.fromiter(places, dtype=np.intp, count=len(keys)))

    def cells(self) -> InternedColumn:
        """The column of all rows added."""
        nothing: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        return InternedColumn(tuple(self._cells), np.concatenate([nothing, *self._places]))


def raw_table(
    file: str,
    header: Sequence[str],
    columns: Iterable[InternedColumn],
    lines: NDArray[np.intp],
    *,
    whole: bool = True,
) -> tuple[RawTable, list[TableFault]]:
    """The table of a header and its columns, and the faults of the header.

    A column without a name is left out where all its cells are empty.
    """
    cells: dict[str, InternedColumn] = {}
    faults = []
    for number, (name, column) in enumerate(zip(header, columns, strict=True), start=1):
        name = name.strip()
        if not name and column.empty().all():
            continue
        name = name or nameless(number)
        if name in cells:
            remedy = "name every column once"
            problem = f"column number {number} has the name of an earlier one"
            faults.append(TableFault(file, None, problem, remedy))
        else:
            cells[name] = column
    return RawTable(file, lines, cells, whole), faults


def empty_rows(file: str, lines: Sequence[int]) -> list[TableFault]:
    """The warning of rows without a filled cell; none without such rows."""
    if not lines:
        return []
    problem, remedy = f"ignored: {len(lines)} without any filled cell", "remove what is empty"
    return [TableFault(file, None, problem, remedy, tuple(lines), warning=True)]
