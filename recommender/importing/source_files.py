"""Finds the files of a mapping among those of a practice, and reads their columns."""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recommender.errors import Fault
from recommender.importing.cell_values import folded
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_file import Cell, MappingError, MappingFile
from recommender.importing.shipped_mappings import how_to_edit
from recommender.tables.raw_table import RawTable, TableFault, Warn, unwarned
from recommender.tables.table_files import SUFFIXES, TEXT_SUFFIXES, TableFile, read_raw_table
from recommender.values.kinds import RawValue, is_missing
from recommender.values.table_format import TableFormat

MAX_LINES = 10
"""Lines of a file named in a message."""
MAX_FILES = 5
"""Files named in a message."""
READABLE = (*SUFFIXES, *TEXT_SUFFIXES)


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of all files of one kind, one after another.

    Attributes
    ----------
    key
        What the mapping calls it.
    tables
        The tables of its files.
    written
        How they write dates and numbers.
    """

    key: str
    tables: tuple[RawTable, ...]
    written: TableFormat

    @property
    def size(self) -> int:
        """Number of rows."""
        return sum(table.size for table in self.tables)

    @property
    def label(self) -> str:
        """The names of its files."""
        return " and ".join(table.file for table in self.tables)

    def column(self, names: Sequence[str]) -> str | None:
        """The first of some names that every table has a column of, as the first table writes it.

        Case, underscores and the amount of space are ignored.
        """
        for name in names:
            found = [_named(table, name) for table in self.tables]
            if found and all(found):
                return found[0]
        return None

    def cells(self, names: Sequence[str]) -> list[RawValue] | None:
        """The cells of the first of some columns that is there, one for each row."""
        name = self.column(names)
        if name is None:
            return None
        values: list[RawValue] = []
        for table in self.tables:
            column = table.columns[_named(table, name) or ""]
            values += [column.distinct[place] for place in column.places.tolist()]
        return values

    def raw_cells(self, spec: Cell) -> list[RawValue]:
        """The cells that a mapping names, joined where it names several columns."""
        if spec.value is not None:
            return [spec.value] * self.size
        columns = [cells for names in spec.named if (cells := self.cells(names)) is not None]
        if len(spec.named) == 1 and columns:
            return columns[0]
        if not columns:
            return [None] * self.size
        rows = zip(*columns, strict=True)
        return [
            spec.join_with.join(str(cell).strip() for cell in row if not is_missing(cell)) or None
            for row in rows
        ]

    def places(self, rows: Iterable[int]) -> dict[str, list[int]]:
        """Lines by file of some rows, which count from 0."""
        found: dict[str, list[int]] = {}
        wanted = sorted(set(rows))
        before = at = 0
        for table in self.tables:
            while at < len(wanted) and wanted[at] < before + table.size:
                line = int(table.lines[wanted[at] - before])
                found.setdefault(table.file, []).append(line)
                at += 1
            before += table.size
        return found

    def rows_text(self, rows: Iterable[int]) -> str:
        """The lines of some rows for a message, with the number of further ones."""
        parts = []
        for file, lines in self.places(rows).items():
            more = len(lines) - MAX_LINES
            listed = ", ".join(map(str, lines[:MAX_LINES])) + (f" and {more:,} more" * (more > 0))
            of_file = f" of {file}" if len(self.tables) > 1 else ""
            parts.append(f"row{'s' * (len(lines) > 1)} {listed}{of_file}")
        return " and ".join(parts)

    def leave_out(self, log: ImportLog, reason: str, rows: Iterable[int]) -> None:
        """Records rows of which nothing is used."""
        for file, lines in self.places(rows).items():
            log.leave_out_rows(file, reason, lines)

    def leave_out_cells(
        self,
        log: ImportLog,
        column: str,
        reason: str,
        rows: Sequence[int],
        values: Sequence[str] = (),
    ) -> None:
        """Records cells that are written as missing."""
        for file, lines in self.places(rows).items():
            # Values are counted over all files, once.
            log.leave_out_cells(file, column, reason, lines, values)
            values = ()


def _named(table: RawTable, name: str) -> str | None:
    wanted = folded(name)
    return next((each for each in table.columns if folded(each) == wanted), None)


def listed_files(paths: Sequence[Path]) -> list[Path]:
    """The files among paths and directly in folders among them, sorted by name.

    Raises
    ------
    MappingError
        For paths that do not exist, all at once.
    """
    lost = [path for path in paths if not path.exists()]
    if lost:
        faults = [Fault(str(path), "does not exist", "name a file or a folder") for path in lost]
        raise MappingError(faults)
    found = [
        each
        for path in paths
        for each in (sorted(path.iterdir()) if path.is_dir() else [path])
        if each.is_file() and not each.name.startswith(".")
    ]
    return list(dict.fromkeys(found))


def read_sources(
    mapping: MappingFile, name: str, files: Sequence[Path], warn: Warn
) -> tuple[dict[str, Source], list[Path]]:
    """The sources of a mapping by its names, and the files that it has no use for.

    `name` is how messages call the mapping.

    Raises
    ------
    MappingError
        With every file that is missing or cannot be read.
    """
    sources: dict[str, Source] = {}
    faults: list[Fault] = []
    unread = dict.fromkeys(files)
    for key, declared in mapping.files.items():
        matching = [path for path in files if _matches(path, declared.names)]
        for path in matching:
            unread.pop(path, None)
        if not matching and declared.required:
            faults.append(_missing(name, key, declared.names, files))
        tables = []
        for path in matching:
            table, found = read_raw_table(TableFile(path, declared.sheet.lower()))
            faults += [fault.to_fault() for fault in unwarned(found, warn)]
            if table is not None:
                # Two sheets of one workbook are told apart in the report.
                label = f"{path.name}: {declared.sheet}" if declared.sheet else path.name
                tables.append(replace(table, file=label))
        if tables:
            sources[key] = Source(key, tuple(tables), mapping.format_of(key))
    if faults:
        raise MappingError(faults)
    return sources, [path for path in unread if path.suffix.lower() in READABLE]


def _matches(path: Path, names: Iterable[str]) -> bool:
    name = path.name.lower()
    return name.endswith(READABLE) and any(
        fnmatch.fnmatchcase(name, pattern.lower()) for pattern in names
    )


def _missing(name: str, key: str, names: Sequence[str], files: Sequence[Path]) -> Fault:
    stems = {name.rpartition(".")[0].lower() for name in names}
    other = [p.name for p in files if any(fnmatch.fnmatchcase(p.stem.lower(), s) for s in stems)]
    packed = [path.name for path in files if path.suffix.lower() == ".zip"]
    if other:
        remedy = f"open {other[0]} in a spreadsheet and save it as .xlsx or .csv"
    elif packed:
        remedy = f"unpack {packed[0]} first"
    else:
        there = ", ".join(path.name for path in files[:MAX_FILES]) or "no file"
        remedy = f"export it, or write its name under [files.{key}]; there is {there}"
        remedy += how_to_edit(name, f"files.{key}.names")
    return Fault(f"files.{key}", f"no file is named like {' or '.join(names)}", remedy)


def unread_columns(
    source: Source, read: Iterable[str], left_out: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """File, column and reason of every column that nothing is read from."""
    used = {folded(name) for name in read}
    reasons = {folded(name): reason for name, reason in left_out.items()}
    return [
        (table.file, name, reasons.get(folded(name)) or reason_of(name))
        for table in source.tables
        for name in table.columns
        if folded(name) not in used
    ]


_REASONS = (
    ("a name: never written", "name surname title salutation preferred initials"),
    (
        "contact data: never written",
        "email phone phones mobile address street suburb city state country postcode post zip fax "
        "sms emergency contact",
    ),
    (
        "free text: never written",
        "note notes comment comments description message reason history alert warning extra",
    ),
    (
        "a number of a person: never written",
        "medicare irn dva card number ndis account member reference bank",
    ),
)


def reason_of(column: str) -> str:
    """Why a column is left out, by the words in its name.

    >>> reason_of("EmergencyContact"), reason_of("Invoice total")
    ('contact data: never written', 'nothing in the mapping reads it')
    """
    if folded(column) in ("patient", "client"):
        return "a name: never written"
    words = set(folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)).split())
    for reason, known in _REASONS:
        if words & set(known.split()):
            return reason
    return "nothing in the mapping reads it"


def warn_of(log: ImportLog) -> Warn:
    """A function that notes warnings about files in the report."""

    def warn(fault: TableFault) -> None:
        log.note(f"{fault.where}: {fault.problem}.")

    return warn
