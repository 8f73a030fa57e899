"""Writes the pairings of Cliniko into a table that belongs to the synchronisation alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import RecommenderError
from recommender.importing.cliniko.sessions import PAIRING_HEADER
from recommender.tables.csv_text import csv_text
from recommender.tables.loader import raise_faults
from recommender.tables.table_files import read_raw_table


@dataclass(frozen=True, slots=True)
class PairingChanges:
    """The table's text, its rows, and how many are new, different or gone; no ids."""

    text: str
    rows: int
    added: int
    changed: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def pairing_changes(path: Path, rows: Sequence[tuple[str, ...]]) -> PairingChanges:
    """What changes in a file of pairings, which is replaced as a whole.

    Raises
    ------
    RecommenderError
        When the file is not CSV, or has columns or pairings that did not come from Cliniko: they
        would be lost.
    """
    if path.suffix.lower() != ".csv":
        raise RecommenderError(str(path), "is not CSV", "name a file that ends in .csv")
    before = _rows_in(path) if path.exists() else {}
    after = {row[0]: row for row in rows}
    return PairingChanges(
        text=csv_text(PAIRING_HEADER, rows),
        rows=len(rows),
        added=len(after.keys() - before.keys()),
        changed=sum(before.get(each, row) != row for each, row in after.items()),
        removed=len(before.keys() - after.keys()),
    )


def _rows_in(path: Path) -> dict[str, tuple[str, ...]]:
    table, faults = read_raw_table(path)
    raise_faults(fault for fault in faults if not fault.warning)
    if table is None or tuple(table.columns) != PAIRING_HEADER:
        problem = f"is not a table with the columns {', '.join(PAIRING_HEADER)} alone"
        remedy = "name another file: this one would be replaced, and other columns lost"
        raise RecommenderError(str(path), problem, remedy)
    columns = [
        [str(column.distinct[place]) for place in column.places.tolist()]
        for column in table.columns.values()
    ]
    return {row[0]: row for row in zip(*columns, strict=True)}
