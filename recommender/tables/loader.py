"""Reads the four tables of a practice, checked and in one fixed order of rows.

In that order, sums over the tables are equal to the last bit however the files were sorted.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from recommender.errors import Fault, TablesError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.tables.cells import People, ReadPeople, read_people
from recommender.tables.csv_file import read_csv
from recommender.tables.frame import frame_remedy, read_frame
from recommender.tables.pairings import PROPENSITY, RATING_KEY, read_pairings, read_ratings
from recommender.tables.raw_table import (
    RawTable,
    TableFault,
    Warn,
    ignore_warning,
    of_model,
    unwarned,
)
from recommender.tables.references import table_warnings
from recommender.tables.roster import Roster, snapshot, value_bytes
from recommender.tables.table_files import (
    TABLES,
    TableFile,
    find_table_file,
    read_raw_table,
    unreadable_directory,
)
from recommender.values.ids import NearIndex
from recommender.values.table_format import STANDARD, TableFormat

NO_ROWS = RawTable("", np.empty(0, dtype=np.intp))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Checked tables.

    Attributes
    ----------
    client_ids, clients
        Ids of the clients, sorted, and their declared fields, one row per id.
    clinician_ids, clinician_names, clinicians
        Ids of the clinicians, sorted, their names or None, and their declared fields.
    pairings
        Sorted by id: pairing_id, client and clinician (rows of the above), started_on, sessions
        (attended, NaN when unknown), ended_on (NaT when unknown), propensity (NaN where nothing
        was drawn). Dates are datetime64[s].
    ratings
        Sorted by pairing, session, instrument, rater: pairing_id, session, rated_on, known_on
        (rated_on where empty), instrument, rater, metric, score (NaN with items), item_1..
    digest
        SHA-256 of all tables; equal for any order of rows, and for CSV and Parquet.
    table_digests
        SHA-256 of each table by name, in the same sense.
    """

    client_ids: tuple[str, ...]
    clients: Columns
    clinician_ids: tuple[str, ...]
    clinician_names: tuple[str | None, ...]
    clinicians: Columns
    pairings: pd.DataFrame
    ratings: pd.DataFrame
    digest: str
    table_digests: Mapping[str, str]

    def roster(self, taken_at: datetime) -> Roster:
        """The clinicians as a roster."""
        return snapshot(self.clinician_ids, self.clinician_names, self.clinicians, taken_at)

    def warnings(self, practice: Practice) -> tuple[Fault, ...]:
        """Fields of clients and clinicians with ids that name nobody in these tables."""
        clients = People(self.client_ids, (None,) * len(self.client_ids), self.clients)
        clinicians = People(self.clinician_ids, self.clinician_names, self.clinicians)
        return table_warnings(practice, clients, clinicians, every_client=True)


@dataclass(frozen=True, slots=True)
class LoadedTables:
    """What could be read of a folder, every fault in it, and every warning about it.

    `pairings` and `ratings` are in the order of their files, with the line of each row. `files`
    and `sizes` hold the file name and the number of rows of each table that could be opened; the
    other tables are empty.
    """

    clients: ReadPeople
    clinicians: ReadPeople
    pairings: pd.DataFrame
    ratings: pd.DataFrame
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    faults: tuple[TableFault, ...]
    warnings: tuple[TableFault, ...]


def read_tables(
    directory: Path,
    practice: Practice,
    today: date | None,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> Tables:
    """The tables of a practice: clients, clinicians, pairings, ratings.

    Parameters
    ----------
    directory
        The folder of the four files (.csv, .parquet or .xlsx), or of a workbook `practice.xlsx`
        with a sheet for each table; or the path of such a workbook.
    practice
        The definition, which declares the columns of clients and clinicians.
    today
        The practice's day; later dates of ratings are faults. None accepts any date, for tables of
        another time.
    written
        How dates and amounts are written.
    warn
        Called with each warning.

    Raises
    ------
    TablesError
        With every fault, when anything in the files would be lost or misread.

    Examples
    --------
    Faults of all files are raised together:

    >>> from tempfile import TemporaryDirectory
    >>> from recommender.practice.definition import shipped_practice
    >>> with TemporaryDirectory() as folder:
    ...     try:
    ...         read_tables(Path(folder), shipped_practice(), None)
    ...     except TablesError as error:
    ...         print(len(error.faults), error.faults[0].where, error.faults[0].problem)
    4 clients is missing
    """
    return checked_tables(read_directory(directory, practice, today, written), warn)


def checked_tables(read: LoadedTables, warn: Warn = ignore_warning) -> Tables:
    """The tables that were read of files or DataFrames; `warn` is called with each warning.

    Raises
    ------
    TablesError
        With every fault in them.
    """
    for warning in read.warnings:
        warn(warning)
    raise_faults(read.faults)
    clients, clinicians = read.clients.people, read.clinicians.people
    pairings = _ordered(read.pairings, ("pairing_id",))
    ratings = _ordered(read.ratings, RATING_KEY)
    ratings["session"] = ratings["session"].astype(np.int64)
    digest, table_digests = _digests(clients, clinicians, pairings, ratings)
    return Tables(
        client_ids=clients.ids,
        clients=clients.columns,
        clinician_ids=clinicians.ids,
        clinician_names=clinicians.names,
        clinicians=clinicians.columns,
        pairings=pairings,
        ratings=ratings,
        digest=digest,
        table_digests=table_digests,
    )


def read_roster(
    path: Path,
    practice: Practice,
    taken_at: datetime,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> Roster:
    """The roster in one clinicians file, or in the sheet `clinicians` of a workbook.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    people = _read_alone(path, practice.clinician, "clinician", written, warn)
    return snapshot(people.ids, people.names, people.columns, taken_at)


def roster_of_csv(
    content: bytes, practice: Practice, taken_at: datetime, written: TableFormat = STANDARD
) -> Roster:
    """The roster in the content of a CSV file, which reads as `read_roster` reads the file.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    sheet, faults = read_csv("clinicians.csv", content)
    read = _people(sheet, practice.clinician, "clinician", written)
    raise_faults(unwarned(map(of_model, (*faults, *read.faults)), ignore_warning))
    people = read.people
    return snapshot(people.ids, people.names, people.columns, taken_at)


def read_clients(
    path: Path,
    practice: Practice,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
    roster: Roster | None = None,
) -> People:
    """The clients in one clients file, or in the sheet `clients` of a workbook, sorted by id.

    Clinicians of the roster are proposed where a name is in the place of an id.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    clinicians = None if roster is None else roster.near_index
    return _read_alone(path, practice.client, "client", written, warn, clinicians)


def people_in_frame(
    frame: pd.DataFrame,
    fields: Mapping[str, Field],
    side: Side,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
    roster: Roster | None = None,
) -> ReadPeople:
    """The clients or the clinicians in a DataFrame, with the row of each, counted from 0.

    Clinicians of the roster are proposed where a name is in the place of an id.

    Raises
    ------
    TablesError
        With every fault of the table.
    """
    sheet, faults = read_frame(f"{side}s", frame)
    read = _people(sheet, fields, side, written, None if roster is None else roster.near_index)
    found = (of_model(_in_frame(each, sheet)) for each in (*faults, *read.faults))
    raise_faults(unwarned(found, warn))
    return read


def _read_alone(
    path: Path,
    fields: Mapping[str, Field],
    side: Side,
    written: TableFormat,
    warn: Warn,
    clinicians: NearIndex | None = None,
) -> People:
    sheet, faults = read_raw_table(TableFile(path, f"{side}s"))
    read = _people(sheet, fields, side, written, clinicians)
    raise_faults(unwarned(map(of_model, (*faults, *read.faults)), warn))
    return read.people


def read_directory(
    directory: Path, practice: Practice, today: date | None, written: TableFormat = STANDARD
) -> LoadedTables:
    """What can be read of a folder, every fault in it, and every warning about it."""
    sheets: dict[str, RawTable] = {}
    faults: list[TableFault] = []
    problem = unreadable_directory(directory)
    if problem is not None:
        faults.append(problem)
    for table in TABLES if problem is None else ():
        source, more = find_table_file(directory, table)
        faults += more
        if source is not None:
            sheet, more = read_raw_table(source)
            faults += more
            if sheet is not None:
                sheets[table] = sheet
    return _loaded(sheets, faults, practice, today, written)


def read_frames(
    frames: Mapping[str, pd.DataFrame],
    practice: Practice,
    today: date | None,
    written: TableFormat = STANDARD,
) -> LoadedTables:
    """What can be read of the four tables as DataFrames, with the checks of `read_directory`.

    Parameters
    ----------
    frames
        By name: clients, clinicians, pairings, ratings.
    practice, today, written
        As in `read_tables`.
    """
    sheets: dict[str, RawTable] = {}
    faults: list[TableFault] = []
    for table in TABLES:
        if table not in frames:
            faults.append(TableFault(table, None, "is missing", "give it as a DataFrame"))
            continue
        if not isinstance(frames[table], pd.DataFrame):
            problem = f"is of type {type(frames[table]).__name__}, not a DataFrame"
            faults.append(TableFault(table, None, problem, "make it one with pd.DataFrame"))
            continue
        sheets[table], more = read_frame(table, frames[table])
        faults += more
    known = ", ".join(TABLES)
    faults += [
        TableFault(str(name), None, "is not the name of a table", f"name it one of {known}")
        for name in frames
        if name not in TABLES
    ]
    read = _loaded(sheets, faults, practice, today, written)
    found, warnings = (
        tuple(_in_frame(fault, sheets.get(fault.file)) for fault in some)
        for some in (read.faults, read.warnings)
    )
    return dataclasses.replace(read, faults=found, warnings=warnings)


def _in_frame(fault: TableFault, sheet: RawTable | None) -> TableFault:
    """The fault, with what to do about a DataFrame."""
    if fault.column is None:
        return fault
    cells = () if sheet is None else sheet.column(fault.column).distinct
    remedy = frame_remedy(fault.column, fault.problem, fault.remedy, cells)
    return dataclasses.replace(fault, remedy=remedy)


def _loaded(
    sheets: Mapping[str, RawTable],
    faults: list[TableFault],
    practice: Practice,
    today: date | None,
    written: TableFormat,
) -> LoadedTables:
    clinicians = _people(sheets.get("clinicians"), practice.clinician, "clinician", written)
    near = NearIndex.of(clinicians.people.ids, clinicians.people.names)
    clients = _people(sheets.get("clients"), practice.client, "client", written, near)
    sheet = sheets.get("pairings", NO_ROWS)
    pairings, wrong = read_pairings(
        sheet, _ids_to_name(clients), _ids_to_name(clinicians), today, written
    )
    faults += clients.faults + clinicians.faults + (wrong if "pairings" in sheets else [])
    known = pairings if sheet.size and sheet.whole and "pairing_id" in sheet.columns else None
    rated = sheets.get("ratings", NO_ROWS)
    ratings, wrong = read_ratings(
        rated, known, practice.instruments, today, practice.alliance.missing_codes, written
    )
    faults += wrong if "ratings" in sheets else []
    warnings = list[TableFault]()
    faults += _without_rows(sheets)
    # What is wrong with a workbook of all tables is found for each of them.
    refused = unwarned(_in_order(dict.fromkeys(faults), sheets), warnings.append)
    return LoadedTables(
        clients=clients,
        clinicians=clinicians,
        pairings=pairings,
        ratings=ratings,
        files={table: sheet.file for table, sheet in sheets.items()},
        sizes={table: sheet.size for table, sheet in sheets.items()},
        faults=tuple(refused),
        warnings=tuple(warnings),
    )


def _people(
    sheet: RawTable | None,
    fields: Mapping[str, Field],
    side: Side,
    written: TableFormat,
    clinicians: NearIndex | None = None,
) -> ReadPeople:
    if sheet is not None:
        return read_people(sheet, fields, side, written, clinicians)
    nobody = read_people(NO_ROWS, fields, side)
    return dataclasses.replace(nobody, faults=[], unanswered={}, ids_known=False)


def _ids_to_name(read: ReadPeople) -> tuple[str, ...] | None:
    """The ids that other tables may name; None where these are not all known, or there is none.

    A table of people without rows is one fault, and not one for each row that names somebody.
    """
    return read.people.ids if read.ids_known and read.people.ids else None


def _without_rows(sheets: Mapping[str, RawTable]) -> list[TableFault]:
    """The faults of tables without rows that rows of another table name."""
    named = (("clients", "pairings"), ("pairings", "ratings"))
    return [
        TableFault(sheets[table].file, None, "has no rows", f"give one row for each {table[:-1]}")
        for table, by in named
        if table in sheets and sheets[table].whole and not sheets[table].size
        if sheets.get(by, NO_ROWS).size
    ]


def _in_order(
    faults: Iterable[TableFault], sheets: Mapping[str, RawTable]
) -> tuple[TableFault, ...]:
    """Faults by table, row and column; faults of a whole file come first."""
    place = {table: number for number, table in enumerate(TABLES)}
    place |= {sheet.file: place[table] for table, sheet in sheets.items()}

    def key(fault: TableFault) -> tuple[int, tuple[int, ...], str, str]:
        table = place.get(fault.file, place.get(fault.file.partition(".")[0].lower(), len(TABLES)))
        return table, fault.rows[:1], fault.column or "", fault.problem

    return tuple(sorted(faults, key=key))


def raise_faults(faults: Iterable[TableFault]) -> None:
    """Raises faults together.

    Raises
    ------
    TablesError
        When there is any.
    """
    errors = [fault.to_fault() for fault in dict.fromkeys(faults)]
    if errors:
        raise TablesError(errors)


def _ordered(frame: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    ordered = frame.sort_values(list(key), kind="stable", ignore_index=True)
    return ordered.drop(columns="line")


def _digests(
    clients: People, clinicians: People, pairings: pd.DataFrame, ratings: pd.DataFrame
) -> tuple[str, dict[str, str]]:
    """The digest of all tables, and that of each."""
    parts = (*map(_people_bytes, (clients, clinicians)), *map(_frame_bytes, (pairings, ratings)))
    whole, single = hashlib.sha256(), dict[str, str]()
    for table, part in zip(TABLES, parts, strict=True):
        own = hashlib.sha256()
        for content in part:
            whole.update(content)
            own.update(content)
        single[table] = own.hexdigest()
    return whole.hexdigest(), single


def _people_bytes(people: People) -> Iterator[bytes]:
    yield repr((people.ids, people.names)).encode()
    for name in sorted(people.columns.values):
        yield name.encode() + value_bytes(people.columns[name])


def _frame_bytes(frame: pd.DataFrame) -> Iterator[bytes]:
    for column, values in frame.items():
        # Of these an empty column is equal to one that is absent.
        optional = column == PROPENSITY or str(column).startswith("item_")
        if not (optional and values.isna().all()):
            yield str(column).encode() + value_bytes(values.to_numpy())
