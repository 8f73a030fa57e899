"""Copies of a store: every table from one snapshot into a SQLite file, and back into a database.

A table's content has a digest that is the same on SQLite and PostgreSQL, in any order of rows, and
unchanged by a migration that adds empty columns.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, exc, func, insert, inspect, select, text

from recommender.errors import StoreError
from recommender.store.database import (
    Store,
    connect_file,
    known_versions,
    migrate,
    migration_of,
    open_copy,
    schema_version,
)
from recommender.store.schema import metadata

Progress = Callable[[str, float], None]
"""Called with the table and the share of rows that is done."""
_BATCH = 1000
_MODULUS = 2**256


@dataclass(frozen=True, slots=True)
class TableContent:
    """The number of rows of a table, and a digest of their content."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoreContent:
    """The schema of a store and the content of each of its tables."""

    schema_version: str
    tables: Mapping[str, TableContent]


def write_copy(source: Store, file: Path, progress: Progress) -> StoreContent:
    """Writes every row of a store, as of one moment, into a new SQLite file of the same schema.

    Others may read and write the store meanwhile; the copy has none of what they commit later.

    Raises
    ------
    StoreError
        When the store has no schema, a newer recommender wrote it, or the file cannot be written.
    UnavailableError
        When the store is unreachable or busy.
    """
    version = _copied_version(source)
    target = connect_file(file)
    try:
        with _unwritable(file):
            migrate(target, version)
        # The store is released before the copy is committed, which can take long on a slow disk.
        with _filling(target, file) as copied, source.reading() as rows:
            if migration_of(rows) != version:
                raise StoreError("store", "was upgraded meanwhile", "run it again")
            tables = _copy(rows, copied, _insert_into(file), progress)
        with _unwritable(file):
            target.close_copy()
    finally:
        target.close()
    return StoreContent(version, tables)


def _copied_version(source: Store) -> str:
    version = schema_version(source)
    if version is None:
        remedy = "start the server or run `recommender keys list`, which creates its tables"
        raise StoreError("store", "has no tables", remedy)
    if version not in known_versions():
        problem = "was written by a newer version of recommender than this one"
        raise StoreError("store", problem, "install that version")
    return version


def load_copy(copy: Store, target: Store, *, replace: bool, progress: Progress) -> None:
    """Adds every row of a copy to a PostgreSQL store of the same schema, in one transaction.

    Parameters
    ----------
    copy, target
        Both of the newest schema.
    replace
        Deletes the rows that the target has; without it they are an error.
    """

    def write(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        connection.execute(insert(table), rows)

    with copy.reading() as rows, target.writing() as connection:
        if replace:
            _delete_all(connection)
        elif not _is_empty(connection):
            raise _not_empty()
        _copy(rows, connection, write, progress)


def content_of(store: Store, progress: Progress = lambda table, share: None) -> StoreContent:
    """The content of a store as of one moment.

    Raises
    ------
    StoreError
        When the store has no schema.
    """
    with store.reading() as connection:
        version = migration_of(connection)
        if version is None:
            raise StoreError("store", "has no tables", "name another")
        total, done, tables = _count(connection), 0, {}
        for table, columns in _present(connection):
            progress(table.name, done / max(total, 1))
            digest = _ContentDigest()
            for batch in _batches(connection, columns):
                digest.add(batch)
            tables[table.name] = digest.content
            done += digest.rows
    return StoreContent(version, tables)


def damage_of(file: Path) -> str | None:
    """What SQLite finds wrong in a file of its own, or None; the file is not written."""
    with closing(open_copy(file)) as store:
        try:
            with store.engine.connect() as connection:
                found = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
                if found != "ok":
                    return "is damaged"
                if connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
                    return "has a row that refers to a missing one"
        except exc.DatabaseError:
            return "is no database"
    return None


class _ContentDigest:
    """The sum of the digests of rows, and their number."""

    def __init__(self) -> None:
        self._sum = 0
        self.rows = 0

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            plain = {name: _plain(value) for name, value in row.items() if value is not None}
            hashed = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
            self._sum = (self._sum + int.from_bytes(hashed.digest(), "big")) % _MODULUS
        self.rows += len(rows)

    @property
    def content(self) -> TableContent:
        return TableContent(self.rows, f"{self._sum:064x}")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | bool | int | float) else bytes(value).hex()


def _copy(
    source: Connection,
    target: Connection,
    write: Callable[[Connection, Table, Sequence[Mapping[str, Any]]], None],
    progress: Progress,
) -> dict[str, TableContent]:
    total, done, tables = _count(source), 0, {}
    for table, columns in _present(source):
        digest = _ContentDigest()
        for batch in _batches(source, columns):
            progress(table.name, (done + digest.rows) / max(total, 1))
            write(target, table, batch)
            digest.add(batch)
        tables[table.name] = digest.content
        done += digest.rows
    return tables


def _present(connection: Connection) -> Iterator[tuple[Table, list[Column[Any]]]]:
    """The tables and columns that a database of this or an earlier schema has, parents first."""
    found = inspect(connection)
    there = set(found.get_table_names())
    for table in metadata.sorted_tables:
        if table.name in there:
            names = {each["name"] for each in found.get_columns(table.name)}
            yield table, [column for column in table.columns if column.name in names]


def _count(connection: Connection) -> int:
    counts = (select(func.count()).select_from(table) for table, _ in _present(connection))
    return sum(connection.execute(count).scalar_one() for count in counts)


def _is_empty(connection: Connection) -> bool:
    return all(
        connection.execute(select(*columns).limit(1)).first() is None
        for _, columns in _present(connection)
    )


def _not_empty() -> StoreError:
    remedy = "name an empty database, or replace its rows with --replace"
    return StoreError("store", "has rows already", remedy)


def _batches(
    connection: Connection, columns: Sequence[Column[Any]]
) -> Iterator[list[dict[str, Any]]]:
    statement = select(*columns).execution_options(yield_per=_BATCH)
    # Closed also where reading ends early, so that no cursor stays open in the database.
    with connection.execute(statement) as result:
        for rows in result.partitions():
            yield [row._asdict() for row in rows]


def _delete_all(connection: Connection) -> None:
    for table, _ in reversed(list(_present(connection))):
        # Its triggers refuse to change a journal; this replaces it by another.
        for statement in (
            f"ALTER TABLE {table.name} DISABLE TRIGGER USER",
            f"DELETE FROM {table.name}",
            f"ALTER TABLE {table.name} ENABLE TRIGGER USER",
        ):
            connection.execute(text(statement))


def _insert_into(
    file: Path,
) -> Callable[[Connection, Table, Sequence[Mapping[str, Any]]], None]:
    def write(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        with _unwritable(file):
            connection.execute(insert(table), rows)

    return write


@contextmanager
def _filling(target: Store, file: Path) -> Iterator[Connection]:
    """A transaction of the copy whose failure is not taken for one of the store that is read."""
    with target.engine.connect() as connection:
        with _unwritable(file):
            transaction = connection.begin()
        try:
            yield connection
        except BaseException:
            transaction.rollback()
            raise
        with _unwritable(file):
            transaction.commit()


@contextmanager
def _unwritable(file: Path) -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, sqlite3.Error, OSError, StoreError) as error:
        if isinstance(error, StoreError) and error.field != "database":
            raise
        # The driver's message may hold a statement and its values.
        remedy = "free space on its disk, or name a folder that can be written"
        raise StoreError("backup", f"copy {file.name} cannot be written", remedy) from None
