"""What an import mapped, what it left out and why: counts and row numbers, never a person's value.

`ImportLog` collects it while records are read; `ImportReport` is the result, as JSON or Markdown.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recommender.importing.offered_clinicians import OfferedClinicians
from recommender.values.counts import counted_tables

MAX_ROWS = 20
"""Row numbers listed for one reason; further ones are counted."""
MAX_DISTINCT = 40
"""A column with more distinct values than this may identify people: its values are only counted."""
MIN_ROWS = 3
"""A value in fewer rows than this may be about one person: it is only counted."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows of one source: `read` is the sum of `used` and all of `left_out`, by reason."""

    source: str
    read: int
    used: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field of a table, the columns it was read from, and how many of its cells are filled."""

    table: str
    field: str
    sources: tuple[str, ...]
    filled: int
    rows: int


@dataclass(frozen=True, slots=True)
class LeftOutRows:
    """Rows of a source, or cells of one of its columns, that were left out for one reason.

    Attributes
    ----------
    source, column
        File or kind of resource; None for whole rows.
    reason
        Without any cell's content.
    count
        Number of rows.
    rows
        The first `MAX_ROWS` of them, as the source numbers them.
    values
        Values with the number of rows of each, where they cannot identify a person.
    """

    source: str
    column: str | None
    reason: str
    count: int
    rows: tuple[int, ...]
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LeftOutColumn:
    """A column of a source that nothing was read from, and why."""

    source: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingField:
    """A field that the practice definition has and the source does not give."""

    table: str
    field: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, mapped, wrote and left out.

    Attributes
    ----------
    title
        What was imported, such as the name of the mapping.
    sources
        Accounts of rows by source.
    written
        Rows by table.
    mapped, left_out, left_out_columns, missing
        In the order in which they were found.
    notes
        Sentences that fit nowhere else.
    key_fingerprint
        Of the key of pseudonyms; a report of other tables with the same was made with the same key.
    offered
        How many clinicians could be offered; None where no clinician was read.
    """

    title: str
    sources: tuple[SourceRows, ...]
    written: Mapping[str, int]
    mapped: tuple[MappedField, ...]
    left_out: tuple[LeftOutRows, ...]
    left_out_columns: tuple[LeftOutColumn, ...]
    missing: tuple[MissingField, ...]
    notes: tuple[str, ...]
    offered: OfferedClinicians | None = None
    key_fingerprint: str = ""

    def with_key(self, fingerprint: str, sentence: str) -> "ImportReport":
        """The report with the fingerprint of the key of pseudonyms, and where the key is."""
        return replace(self, key_fingerprint=fingerprint, notes=(*self.notes, sentence))

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)

    def json_text(self) -> str:
        """The report as the text of a JSON file."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """The report as the text of a Markdown file."""
        parts = [f"# Import: {self.title}"]
        parts.append(f"Written: {counted_tables(self.written) or 'nothing'}.")
        parts.append(
            _markdown_table(
                "Rows",
                ("source", "read", "used", "left out"),
                [
                    (each.source, each.read, each.used, sum(each.left_out.values()))
                    for each in self.sources
                ],
            )
        )
        parts.append(
            _markdown_table(
                "Left out: rows and cells",
                ("source", "column", "count", "reason", "rows", "values"),
                [
                    (e.source, e.column or "", e.count, e.reason, rows_text(e), values_text(e))
                    for e in self.left_out
                ],
            )
        )
        parts.append(
            _markdown_table(
                "Left out: columns",
                ("source", "column", "reason"),
                [(each.source, each.column, each.reason) for each in self.left_out_columns],
            )
        )
        parts.append(
            _markdown_table(
                "Mapped",
                ("table", "field", "from", "filled", "of"),
                [
                    (each.table, each.field, ", ".join(each.sources), each.filled, each.rows)
                    for each in self.mapped
                ],
            )
        )
        parts.append(
            _markdown_table(
                "Not in the source",
                ("table", "field", "required", "what missing means"),
                [
                    (each.table, each.field, "yes" if each.required else "", each.meaning)
                    for each in self.missing
                ],
            )
        )
        parts += self.offered.sentences() if self.offered else []
        parts += self.notes
        return "\n\n".join(filter(None, parts)) + "\n"


class ImportLog:
    """Collects what happens to the rows of the sources of one import."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._read: dict[str, int] = {}
        self._left: dict[tuple[str, str | None, str], dict[int, None]] = {}
        self._gone: dict[str, set[int]] = {}
        self._values: dict[tuple[str, str | None, str], Mapping[str, int]] = {}
        self._mapped: list[MappedField] = []
        self._columns: dict[tuple[str, str], LeftOutColumn] = {}
        self._missing: list[MissingField] = []
        self._written: dict[str, int] = {}
        self._notes: dict[str, None] = {}
        self._offered: OfferedClinicians | None = None

    def read(self, source: str, rows: int) -> None:
        """Counts rows that a source has; rows of one source add up."""
        self._read[source] = self._read.get(source, 0) + rows

    def leave_out_rows(self, source: str, reason: str, rows: Iterable[int]) -> None:
        """Records rows of which nothing is used; a row has the reason it got first."""
        gone = self._gone.setdefault(source, set())
        new = [row for row in rows if row not in gone]
        self._left.setdefault((source, None, reason), {}).update(dict.fromkeys(new))
        gone.update(new)

    def leave_out_cells(
        self,
        source: str,
        column: str,
        reason: str,
        rows: Iterable[int],
        values: Iterable[str] = (),
    ) -> None:
        """Records cells that are written as missing; the rest of their rows is used.

        Parameters
        ----------
        values
            The value of each row, where reading them helps; those that could identify a person are
            not recorded.
        """
        key = (source, column, reason)
        found = self._left.setdefault(key, {})
        found |= dict.fromkeys(rows)
        self._values[key] = Counter(self._values.get(key, {})) + Counter(shareable_counts(values))

    def leave_out_column(self, source: str, column: str, reason: str) -> None:
        """Records a column that nothing was read from; the first reason counts."""
        self._columns.setdefault((source, column), LeftOutColumn(source, column, reason))

    def map_field(
        self, table: str, field: str, sources: Iterable[str], filled: int, rows: int
    ) -> None:
        """Records what a field of a table was read from."""
        self._mapped.append(MappedField(table, field, tuple(sources), filled, rows))

    def lack(self, table: str, field: str, meaning: str, *, required: bool) -> None:
        """Records a field that the sources do not give."""
        self._missing.append(MissingField(table, field, required, meaning))

    def write(self, table: str, rows: int) -> None:
        """Records the number of rows of a table."""
        self._written[table] = rows

    def offer(self, offered: OfferedClinicians) -> None:
        """Records how many clinicians could be offered."""
        self._offered = offered

    def note(self, text: str) -> None:
        """Adds a sentence, once."""
        self._notes[text] = None

    def rows_left(self, source: str) -> frozenset[int]:
        """Rows of a source of which nothing is used so far."""
        return frozenset(self._gone.get(source, ()))

    def report(self) -> ImportReport:
        """The report of what was collected."""
        sources = []
        for source, read in self._read.items():
            left = {
                reason: len(rows)
                for (name, column, reason), rows in self._left.items()
                if name == source and column is None and rows
            }
            sources.append(SourceRows(source, read, read - sum(left.values()), left))
        left_out = [
            LeftOutRows(
                source,
                column,
                reason,
                len(rows),
                tuple(sorted(rows)[:MAX_ROWS]),
                dict(self._values.get((source, column, reason), {})),
            )
            for (source, column, reason), rows in self._left.items()
            if rows
        ]
        return ImportReport(
            title=self._title,
            sources=tuple(sources),
            written=dict(self._written),
            mapped=tuple(self._mapped),
            left_out=tuple(left_out),
            left_out_columns=tuple(self._columns.values()),
            missing=tuple(self._missing),
            notes=tuple(self._notes),
            offered=self._offered,
        )


def shareable_counts(values: Iterable[str]) -> dict[str, int]:
    """Values with the number of rows of each, most frequent first, that cannot identify a person.

    Empty where there are more than `MAX_DISTINCT` values, or more than half as many as rows, as of
    names; without values in fewer than `MIN_ROWS` rows.

    >>> shareable_counts(["phone"] * 3 + ["as Jo's mother asked"])
    {'phone': 3}
    """
    counts = Counter(values)
    if len(counts) > MAX_DISTINCT or 2 * len(counts) > counts.total():
        return {}
    return {value: count for value, count in counts.most_common() if count >= MIN_ROWS}


def rows_text(left: LeftOutRows) -> str:
    """The row numbers of a record, with the number of further ones."""
    more = left.count - len(left.rows)
    return ", ".join(map(str, left.rows)) + (f" and {more:,} more" if more else "")


def values_text(left: LeftOutRows) -> str:
    """The values of a record with their counts."""
    return ", ".join(f"{value} ({count:,})" for value, count in left.values.items())


def _markdown_table(
    title: str, headings: tuple[str, ...], rows: Iterable[tuple[object, ...]]
) -> str:
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    if not lines:
        return ""
    head = [" | ".join(headings), " | ".join("---" for _ in headings)]
    return "\n".join([f"## {title}", "", *(f"| {line} |" for line in head + lines)])
