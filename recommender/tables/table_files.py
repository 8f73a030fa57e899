"""Finds the file of a table in a folder, and reads a file by what its name says it is."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from recommender.tables.csv_file import read_csv
from recommender.tables.parquet_file import read_parquet
from recommender.tables.raw_table import RawTable, TableFault
from recommender.tables.workbook import read_sheet, remedy_of, sheet_names, sheet_of

SUFFIXES = (".csv", ".parquet", ".xlsx")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
TABLES = ("clients", "clinicians", "pairings", "ratings")
WORKBOOK = "practice.xlsx"
"""A workbook in a folder of tables, with one sheet for each table that has no file."""
MAX_NAMED = 3
"""Files named in a message."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that holds a table.

    Attributes
    ----------
    path
        The file.
    table
        The table's name, which is that of its sheet in a workbook; empty for any table.
    shared
        Whether the file is a workbook of all tables; else its only sheet may have any name.
    """

    path: Path
    table: str = ""
    shared: bool = False

    @property
    def label(self) -> str:
        """How messages name the file, with the sheet of a workbook of all tables."""
        return f"{self.path.name}/{self.table}" if self.shared else self.path.name


def unreadable_directory(directory: Path) -> TableFault | None:
    """The fault of a path that is neither a folder nor a workbook; None without one."""
    name = directory.name or str(directory)
    if not directory.exists():
        remedy = "name the folder of the tables, or a workbook"
        return TableFault(name, None, "does not exist", remedy)
    if directory.is_dir() or directory.suffix.lower() == ".xlsx":
        return None
    remedy = "name the folder it is in, or a workbook with a sheet for each table"
    return TableFault(name, None, "is a file, not the folder of the tables", remedy)


def find_table_file(directory: Path, table: str) -> tuple[TableFile | None, list[TableFault]]:
    """The file of a table in a folder, or in a workbook named instead of a folder.

    The folder is one in which `unreadable_directory` finds no fault.

    Names are compared without regard to case. More than one file for a table is a fault.
    """
    if directory.is_file():
        return TableFile(directory, table, shared=True), []
    names = sorted(path.name for path in directory.iterdir())
    wanted = {f"{table}{suffix}" for suffix in SUFFIXES}
    found = [name for name in names if name.lower() in wanted]
    books = [name for name in names if name.lower() == WORKBOOK]
    sources = [TableFile(directory / name, table) for name in found]
    sources += [
        TableFile(directory / name, table, shared=True)
        for name in books
        if not found or _has_sheet(directory / name, table)
    ]
    if len(sources) > 1:
        listed = " and as ".join(source.label for source in sources)
        return None, [TableFault(table, None, f"is there as {listed}", "keep one of them")]
    if sources:
        return sources[0], []
    near = _near_remedy(names, table)
    if not near:
        renamed = next((name for name in names if _is_practice_book(directory / name)), None)
        if renamed is not None:
            remedy = f"rename it to {WORKBOOK}, or name it in place of the folder"
            problem = "has sheets of tables, and is not read under this name"
            return None, [TableFault(renamed, None, problem, remedy)]
    remedy = (
        f"put {table}.csv, .parquet or .xlsx into the folder, or {WORKBOOK} with a sheet {table}; "
        "where there is nothing to fill in yet, the line of its columns alone is enough"
    )
    return None, [TableFault(table, None, "is missing", near or remedy)]


def read_raw_table(source: TableFile | Path) -> tuple[RawTable | None, list[TableFault]]:
    """The cells of a file; None when its header cannot be read."""
    source = source if isinstance(source, TableFile) else TableFile(source)
    path = source.path
    suffix = path.suffix.lower()
    if suffix not in (*SUFFIXES, *TEXT_SUFFIXES):
        remedy = "save it as .csv, .parquet or .xlsx"
        return None, [TableFault(path.name, None, "is not CSV, Parquet or a workbook", remedy)]
    try:
        content = path.read_bytes()
    except OSError:
        return None, [TableFault(path.name, None, "cannot be opened", "check the path and rights")]
    if suffix == ".parquet":
        return read_parquet(path.name, content)
    if suffix == ".xlsx":
        return _read_workbook(source, content)
    return read_csv(path.name, content)


def _read_workbook(source: TableFile, content: bytes) -> tuple[RawTable | None, list[TableFault]]:
    file, wanted = source.path.name, source.table
    names, problem = sheet_names(content)
    if problem is not None:
        return None, [TableFault(file, None, problem, remedy_of(problem))]
    sheet = sheet_of(names, wanted)
    if sheet is None and not source.shared and len(names) == 1:
        sheet = names[0]
    if sheet is not None:
        return read_sheet(source.label, content, sheet)
    if not wanted:
        remedy = "keep the one with the table, or save that as .csv"
        return None, [TableFault(file, None, f"has {len(names)} sheets", remedy)]
    near = difflib.get_close_matches(wanted, [name.lower() for name in names], n=1, cutoff=0.75)
    remedy = f"did you mean the sheet {near[0]}? " if near else ""
    remedy += f"{'N' if near else 'n'}ame the sheet of the table {wanted}"
    return None, [TableFault(file, None, f"has no sheet {wanted}", remedy)]


def _has_sheet(path: Path, table: str) -> bool:
    try:
        names, _ = sheet_names(path.read_bytes())
    except OSError:
        return False
    return sheet_of(names, table) is not None


def _is_practice_book(path: Path) -> bool:
    """Whether a file is a workbook with the sheet of a table that has a name of its own choice."""
    is_table = path.name.lower() in {f"{table}.xlsx" for table in TABLES}
    is_book = path.suffix.lower() == ".xlsx" and path.is_file() and not is_table
    return is_book and any(_has_sheet(path, table) for table in TABLES)


def _near_remedy(names: list[str], table: str) -> str:
    """What to do with files whose names are near that of a missing table; empty without any."""
    near = [
        name
        for name in names
        if name.lower().partition(".")[0] not in {*TABLES} - {table}
        and (
            name.lower().startswith(table[:-1])
            or difflib.SequenceMatcher(None, name.lower().partition(".")[0], table).ratio() >= 0.8
        )
    ]
    if not near:
        return ""
    named = near[0]
    if len(near) > 1:
        return f"rename one of {', '.join(near[:MAX_NAMED])} to {table} with its ending"
    ending = next((s for s in SUFFIXES if named.lower().endswith(s)), "")
    if ending:
        return f"rename {named} to {table}{ending}"
    if Path(named).suffix.lower() in TEXT_SUFFIXES:
        return f"rename {named} to {table}.csv"
    return f"save {named} as {table}.csv or {table}.xlsx"
