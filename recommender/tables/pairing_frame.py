"""Reads a DataFrame of pairings, one a row, with columns of any type that `read_csv` gives."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recommender.errors import IntakeError
from recommender.practice.columns import Columns, read_cell
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.practice.row_checks import row_problems, without_contradictions
from recommender.tables.cells import ID_REMEDY, read_id
from recommender.tables.frame import frame_remedy
from recommender.tables.raw_table import ColumnBuilder, InternedColumn, RawTable, TableFault
from recommender.values.ids import near_key
from recommender.values.kinds import RawValue

SIDES: tuple[Side, Side] = ("client", "clinician")
CLINICIAN_ID = "clinician_id"
TABLE = "table"
"""Name of the frame in messages, which count its rows from 0, as `iloc` does."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")


@dataclass(frozen=True, slots=True)
class PairingRows:
    """Both sides of n pairings, a row each, and the id of each row's clinician."""

    client: Columns
    clinician: Columns
    clinician_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.clinician_ids)


def read_pairing_frame(
    frame: pd.DataFrame,
    practice: Practice,
    known: Collection[str] = (),
    *,
    permuted: bool = False,
) -> PairingRows:
    """The pairings of a frame, checked as tables are: every fault at once, with its rows.

    Parameters
    ----------
    frame
        `clinician_id`, and columns `client.<field>` and `clinician.<field>` with cells as in the
        practice's own tables, as text or as `pandas.read_csv` reads them: numbers, flags, dates.
        An optional field may lack its column; other columns are ignored.
    practice
        The definition that declares the fields.
    known
        Ids of clinicians whose records a model has.
    permuted
        Whether columns may be permuted apart, as `permutation_importance` does, so that cells of
        one row are of several people. Then an hour in a room that the row does not list, or by a
        way of meeting that it does not list, is not known and no fault. Other faults are.

    Raises
    ------
    IntakeError
        With every column that is missing or unknown, and every cell that cannot be read; no cell
        is repeated.
    """
    table, faults = _interned(frame)
    ids, more = _clinician_ids(table, known)
    faults += more
    sides: dict[Side, Columns] = {}
    for side in SIDES:
        fields = practice.fields(side, "score", "filter")
        sides[side], more = _read_side(table, fields, side, permuted=permuted)
        faults += _unknown(table, fields, side) + more
    if faults:
        raise IntakeError([fault.to_fault() for fault in faults])
    return PairingRows(sides["client"], sides["clinician"], ids)


def _interned(frame: pd.DataFrame) -> tuple[RawTable, list[TableFault]]:
    prefixes = tuple(f"{side}." for side in SIDES)
    names = [str(name) for name in frame.columns]
    places = [
        place
        for place, name in enumerate(names)
        if name == CLINICIAN_ID or name.startswith(prefixes)
    ]
    repeated = sorted({names[place] for place in places if names.count(names[place]) > 1})
    faults = [
        TableFault(TABLE, _shown(name), "is there twice", "name every column once")
        for name in repeated
    ]
    columns = {names[place]: _interned_cells(frame.iloc[:, place]) for place in places}
    return RawTable(TABLE, np.arange(len(frame)), columns), faults


def _interned_cells(column: pd.Series) -> InternedColumn:
    """The distinct cells; numpy's and pandas' own missing values are None."""
    interned = ColumnBuilder()
    interned.add([_plain(cell) for cell in column.astype(object).tolist()])
    return interned.cells()


def _plain(cell: RawValue) -> RawValue:
    if cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, float | np.floating) and np.isnan(cell):
        return None
    if isinstance(cell, list | tuple | np.ndarray):
        return tuple(_plain(part) for part in cell)
    if isinstance(cell, dict | set):
        # Cells of no field; a type that can be a key of a mapping, and that no parser reads.
        return frozenset[str]()
    return cell.item() if isinstance(cell, np.generic) else cell


def _clinician_ids(
    table: RawTable, known: Collection[str]
) -> tuple[tuple[str, ...], list[TableFault]]:
    if CLINICIAN_ID not in table.columns:
        return ("",) * table.size, [TableFault(TABLE, CLINICIAN_ID, "is missing", "add the column")]
    cells = table.column(CLINICIAN_ID)
    # Where another cell of its column is empty, pandas makes 7 the number 7.0.
    whole = [
        int(cell) if isinstance(cell, float) and cell.is_integer() else cell
        for cell in cells.distinct
    ]
    read = [read_id(cell) for cell in whole]
    faults = [
        fault
        for problem in sorted({problem for _, problem in read if problem})
        for fault in table.faults(
            CLINICIAN_ID,
            problem,
            ID_REMEDY,
            np.array([p == problem for _, p in read])[cells.places],
        )
    ]
    by_key = {near_key(each): each for each in known}
    lost = np.array(
        [
            isinstance(cell, int) and text not in known and near_key(text or "") in by_key
            for cell, (text, _) in zip(whole, read, strict=True)
        ],
        dtype=np.bool_,
    )
    faults += table.faults(
        CLINICIAN_ID,
        "is a number, where the model knows a clinician with zeros before it",
        f'read the file with dtype={{"{CLINICIAN_ID}": str}}',
        lost[cells.places],
    )
    ids = [text or "" for text, _ in read]
    return tuple(ids[place] for place in cells.places.tolist()), faults


def _read_side(
    table: RawTable, fields: Mapping[str, Field], side: Side, *, permuted: bool
) -> tuple[Columns, list[TableFault]]:
    values, faults = {}, list[TableFault]()
    for name, field in fields.items():
        label = f"{side}.{name}"
        cells = table.column(label)
        if field.required and label not in table.columns and table.size:
            faults.append(TableFault(TABLE, label, "is required but missing", "add the column"))
            field = replace(field, required=False)
        read = [read_cell(field, cell) for cell in cells.distinct]
        values[name] = field.behaviour.encode(field, [value for value, _ in read])[cells.places]
        errors = [None if error is None else (error.problem, error.remedy) for _, error in read]
        for error in sorted({each for each in errors if each}):
            wrong = np.array([each == error for each in errors], dtype=np.bool_)
            remedy = frame_remedy(label, *error, cells.distinct)
            faults += table.faults(label, error[0], remedy, wrong[cells.places])
    if permuted:
        return Columns(table.size, without_contradictions(fields, values)), faults
    for each in row_problems(fields, values):
        faults += table.faults(f"{side}.{each.field}", each.problem, each.remedy, each.rows)
    return Columns(table.size, values), faults


def _unknown(table: RawTable, fields: Iterable[str], side: Side) -> list[TableFault]:
    declared = {f"{side}.{name}" for name in fields}
    remedy = "remove the column, or declare the field in the practice definition"
    return [
        TableFault(
            TABLE, _shown(name), "is not a field of this practice that a model reads", remedy
        )
        for name in table.columns
        if name.startswith(f"{side}.") and name not in declared
    ]


def _shown(name: str) -> str:
    # A misplaced answer may be in the position of a name: only plain names are repeated.
    return name if _PLAIN_NAME.fullmatch(name) else "with a name that is no plain word"
