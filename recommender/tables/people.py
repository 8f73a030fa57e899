"""Clients or clinicians of a practice: one row a person, each id once.

Imported by `tables`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field, Side
from recommender.tables.cells import check_header, read_fields, read_ids, read_names
from recommender.tables.raw_table import RawTable, TableFault

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


def read_people(sheet: RawTable, fields: Mapping[str, Field], side: Side) -> ReadPeople:
    """People of one side; those without an acceptable id, or with an earlier one's, are a fault."""
    id_column = f"{side}_id"
    optional = (NAME_COLUMN,) if side == "clinician" else ()
    faults = check_header(sheet, (id_column, *fields), optional)
    ids, more = read_ids(sheet, id_column)
    read = read_fields(sheet, fields)
    faults += more + read.faults
    remedy = "keep one row for each person"
    faults += sheet.repeated(id_column, "is there twice", remedy, pd.DataFrame({"id": ids}))
    names = np.full(sheet.size, None, dtype=object)
    if NAME_COLUMN in optional and NAME_COLUMN not in fields:
        names, more = read_names(sheet, NAME_COLUMN)
        faults += more
    if side == "clinician" and sheet.size == 0:
        remedy = "give one row for each clinician"
        faults.append(TableFault(sheet.file, None, "has no rows", remedy))
    order = _by_id(ids)
    people = People(tuple(ids[order]), tuple(names[order]), read.columns.take(order))
    return ReadPeople(people, sheet.lines[order], read.unanswered, faults)


def _by_id(ids: Sequence[str | None] | NDArray[np.object_]) -> NDArray[np.intp]:
    """Places of acceptable ids in the order of the ids, the first of each."""
    first: dict[str, int] = {}
    for place, name in enumerate(ids):
        if name is not None:
            first.setdefault(name, place)
    return np.array([first[name] for name in sorted(first)], dtype=np.intp)
