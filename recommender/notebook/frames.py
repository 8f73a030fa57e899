"""Faults, and encoded answers of people, as DataFrames."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.tables.raw_table import MAX_ROWS_SHOWN, TableFault
from recommender.values.ids import NONE_NAMED
from recommender.values.kinds import RawValue

FAULT_COLUMNS = ("table", "column", "rows", "problem", "remedy")


def faults_frame(faults: Sequence[TableFault]) -> pd.DataFrame:
    """Faults as a table, a row each; `rows` are tuples of all rows concerned."""
    rows = [(f.file, f.column, f.rows, f.problem, f.remedy) for f in faults]
    return pd.DataFrame(rows, columns=list(FAULT_COLUMNS))


def in_short(faults: pd.DataFrame) -> pd.DataFrame:
    """The table of faults with the first five rows of each, and how many more there are."""

    def text(rows: tuple[int, ...]) -> str:
        more = len(rows) - MAX_ROWS_SHOWN
        first = ", ".join(map(str, rows[:MAX_ROWS_SHOWN]))
        return f"{first} and {more:,} more" if more > 0 else first

    return faults.assign(rows=[text(rows) for rows in faults["rows"]])


def people_frame(
    id_column: str, ids: tuple[str, ...], columns: Columns, fields: Mapping[str, Field]
) -> pd.DataFrame:
    """Encoded answers as the cells of a table, which `load_tables` reads as the same answers.

    Numbers are floats, amounts in units of the currency; flags are True, False or None; everything
    else is text, several tags joined with semicolons.
    """
    cells: dict[str, object] = {id_column: pd.Series(list(ids), dtype="str")}
    for name, each in fields.items():
        values = [_cell(each.behaviour.decode(each, value)) for value in columns[name]]
        if each.kind == "flag":
            cells[name] = pd.Series(values, dtype=object)
        elif each.kind in ("number", "scale", "money"):
            cells[name] = pd.Series(values, dtype=np.float64)
        else:
            cells[name] = pd.Series(values, dtype="str")
    return pd.DataFrame(cells)


def _cell(value: RawValue) -> RawValue:
    if isinstance(value, list):
        return ";".join(map(str, value)) or NONE_NAMED
    return value
