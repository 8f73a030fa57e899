"""The faults of a report one by one, as tests compare them."""

from collections.abc import Iterator
from dataclasses import dataclass

from recommender.tables.report import TablesReport


@dataclass(frozen=True, slots=True)
class CellFault:
    """One fault in one place; None for a whole file, column or row."""

    file: str
    row: int | None
    column: str | None
    problem: str
    remedy: str
    repeats: int | None = None


def each_fault(report: TablesReport) -> Iterator[CellFault]:
    """Every fault of every row."""
    for f in report.faults:
        for place, row in enumerate(f.rows or (None,)):
            repeats = f.repeats[place] if f.repeats else None
            yield CellFault(f.file, row, f.column, f.problem, f.remedy, repeats)
