"""Writes rows of plain values as the text of a CSV file, as the reader of tables parses it."""

import csv
import io
from collections.abc import Iterable, Sequence

from recommender.values.kinds import NONE_NAMED, RawValue


def csv_text(header: Sequence[str], rows: Iterable[Sequence[RawValue]]) -> str:
    """The text of a CSV file."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell_text(cell) for cell in row] for row in rows)
    return file.getvalue()


def cell_text(cell: RawValue) -> str:
    """A cell as text that its reader parses.

    >>> [cell_text(cell) for cell in (None, True, ["cbt", "act"], [], 4)]
    ['', 'true', 'cbt;act', 'none', '4']
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list | tuple):
        return ";".join(map(cell_text, cell)) or NONE_NAMED
    return str(cell)
