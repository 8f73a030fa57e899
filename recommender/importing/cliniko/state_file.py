"""What was read of Cliniko, on disk: each page is stored with the place to continue from.

Records and place are written in one transaction, so that a synchronisation that is killed at any
moment continues as if it had not been.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import RecommenderError

VERSION = "1"
PATIENCE_SECONDS = 2.0
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (
    list TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, pass INTEGER NOT NULL,
    PRIMARY KEY (list, id)
) WITHOUT ROWID;
CREATE TABLE places (
    list TEXT PRIMARY KEY, next TEXT, finished INTEGER NOT NULL, total INTEGER
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ListPlace:
    """How far a list was read in the present pass.

    Attributes
    ----------
    next
        Address of the next page; None where the list is finished.
    total
        Number of records that the list had on the last page read; None if unknown.
    """

    next: str | None
    finished: bool
    total: int | None


class SyncState:
    """The records of one account and the place of the pass under way.

    Facts are texts by name: the address, when the last pass began, which pass is under way.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: everything in it is stored, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def fact(self, name: str) -> str | None:
        """A stored text; None where there is none."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str | None) -> None:
        """Stores a text, or removes it."""
        if value is None:
            self._connection.execute("DELETE FROM facts WHERE name = ?", (name,))
            return
        statement = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"
        self._connection.execute(statement, (name, value))

    def place(self, name: str) -> ListPlace | None:
        """How far a list was read in this pass; None where it was not begun."""
        statement = "SELECT next, finished, total FROM places WHERE list = ?"
        row = self._connection.execute(statement, (name,)).fetchone()
        return None if row is None else ListPlace(row[0], bool(row[1]), row[2])

    def set_place(self, name: str, following: str | None, total: int | None) -> None:
        """Stores the next page of a list; None when it is finished."""
        statement = "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)"
        self._connection.execute(statement, (name, following, following is None, total))

    def clear_place(self, name: str) -> None:
        """Forgets how far a list was read."""
        self._connection.execute("DELETE FROM places WHERE list = ?", (name,))

    def clear_places(self) -> None:
        """Forgets how far lists were read, for a new pass."""
        self._connection.execute("DELETE FROM places")

    def put(self, name: str, records: Iterable[tuple[str, Mapping[str, Any]]], number: int) -> None:
        """Stores records of a list as of a pass."""
        statement = "INSERT OR REPLACE INTO records (list, id, body, pass) VALUES (?, ?, ?, ?)"
        rows = ((name, each, json.dumps(body), number) for each, body in records)
        self._connection.executemany(statement, rows)

    def remove(self, name: str, ids: Iterable[str]) -> None:
        """Removes records that no longer count."""
        statement = "DELETE FROM records WHERE list = ? AND id = ?"
        self._connection.executemany(statement, ((name, each) for each in ids))

    def remove_unseen(self, name: str, number: int) -> None:
        """Removes the records of a list that a pass which read all of it did not find."""
        statement = "DELETE FROM records WHERE list = ? AND pass < ?"
        self._connection.execute(statement, (name, number))

    def remove_lists(self, names: Iterable[str]) -> None:
        """Removes all records of some lists."""
        statement = "DELETE FROM records WHERE list = ?"
        self._connection.executemany(statement, ((name,) for name in names))

    def has(self, name: str, record_id: str, number: int) -> bool:
        """Whether a record was stored in a pass."""
        statement = "SELECT 1 FROM records WHERE list = ? AND id = ? AND pass = ?"
        row = self._connection.execute(statement, (name, record_id, number)).fetchone()
        return row is not None

    def lists(self) -> frozenset[str]:
        """Names of the lists that have records."""
        rows = self._connection.execute("SELECT DISTINCT list FROM records")
        return frozenset(str(name) for (name,) in rows)

    def records(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """The records of a list with their ids, in the order of the ids."""
        statement = "SELECT id, body FROM records WHERE list = ? ORDER BY id"
        rows = self._connection.execute(statement, (name,))
        return [(str(each), json.loads(body)) for each, body in rows]


@contextmanager
def opened_state(path: Path) -> Iterator[SyncState]:
    """The state in a file, which is created if missing, for this process alone.

    Raises
    ------
    RecommenderError
        When another synchronisation uses it, or it is no such file.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Created with its mode: at no moment can another account read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        state = SyncState(_connect(path))
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise RecommenderError(str(path), problem, "check the path and rights") from None
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    try:
        yield state
    finally:
        state.close()


@contextmanager
def copied_state(path: Path | None) -> Iterator[SyncState]:
    """A copy of the state in memory, or an empty one, for a run that writes nothing.

    Raises
    ------
    RecommenderError
        As for `opened_state`.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if path is not None and path.exists():
            with opened_state(path) as stored:
                stored._connection.backup(memory)
        else:
            memory.executescript(_TABLES)
        yield SyncState(memory)
    finally:
        memory.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        # The lock is taken by the first transaction and lasts until the connection is closed.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone():
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute("INSERT INTO facts VALUES ('version', ?)", (VERSION,))
        version = connection.execute("SELECT value FROM facts WHERE name = 'version'").fetchone()
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    if version != (VERSION,):
        connection.close()
        raise sqlite3.DatabaseError("another version")
    return connection


def _unusable(path: Path, error: sqlite3.Error) -> RecommenderError:
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        remedy = "wait until it has ended; run it from one timer only"
        return RecommenderError(str(path), "is used by another synchronisation", remedy)
    problem = "is not a state file of this release"
    remedy = "name another file with --state: everything is read anew"
    return RecommenderError(str(path), problem, remedy)
