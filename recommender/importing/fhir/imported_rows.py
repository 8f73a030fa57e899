"""Rows of a table as an import makes them, each with the resource it was read from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender.importing.import_report import ImportLog
from recommender.importing.output_tables import OutputTable
from recommender.tables.csv_text import cell_text
from recommender.values.kinds import RawValue

Origin = tuple[str, int]
"""Kind and number of a resource."""


@dataclass(frozen=True, slots=True)
class ImportedRows:
    """The rows of a table, and the origin of each."""

    header: tuple[str, ...]
    rows: Sequence[Mapping[str, RawValue]]
    origins: Sequence[Origin]

    def table(self) -> OutputTable:
        """The table in texts that its reader parses; a missing cell is None."""
        return OutputTable(
            self.header,
            [[_text(row.get(name)) for name in self.header] for row in self.rows],
        )

    def log_columns(self, name: str, sources: Mapping[str, Iterable[str]], log: ImportLog) -> None:
        """Records what each column with a filled cell was read from.

        By default these are the kinds of resource of the rows.
        """
        kinds = tuple(dict.fromkeys(kind for kind, _ in self.origins))
        for column in self.header:
            filled = sum(row.get(column) is not None for row in self.rows)
            if filled:
                log.map_field(name, column, sources.get(column, kinds), filled, len(self.rows))


def _text(cell: RawValue) -> str | None:
    return None if cell is None else cell_text(cell)
