"""The database on SQLite or PostgreSQL: serialised writers, durable commits, schema upgrades."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as Connection
from sqlalchemy import Engine, create_engine, event, exc, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from recommender.errors import StoreError, UnavailableError

PATIENCE_MS = 10_000
"""How long a statement waits for another writer before the call fails as busy."""
POOL = 10
"""Connections one process holds to PostgreSQL or to the SQLite file."""

Transaction = Connection
"""The type of an open transaction, for packages that do not import SQLAlchemy."""

_WRITES = "recommender_writes"
_PRAGMAS = (
    "journal_mode = WAL",
    # NORMAL may lose the last commits when the power fails.
    "synchronous = FULL",
    # Pages of the log after which one commit copies it into the file. With SQLite's default, 1,000,
    # that was one recommendation in fifty.
    "wal_autocheckpoint = 4000",
    "foreign_keys = ON",
    f"busy_timeout = {PATIENCE_MS}",
    # Erased content is overwritten in the file.
    "secure_delete = ON",
    # Without it REPLACE would delete rows without firing their triggers.
    "recursive_triggers = ON",
)
_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        "synchronous_commit=on",
        f"lock_timeout={PATIENCE_MS}",
        # A server that disappeared must not hold its locks.
        f"idle_in_transaction_session_timeout={3 * PATIENCE_MS}",
    )
)
_REMEDY = "try again; if it persists, look at the database's own log"


class Store:
    """An open database, safe to share between threads; `open_store` also upgrades the schema."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_local = engine.dialect.name == "sqlite"
        """Whether the database is a file, whose readers wait for nobody."""
        self._single = threading.Lock()
        self._single_reader: Connection | None = None

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A reading transaction: one consistent view of all tables.

        Raises
        ------
        UnavailableError
            When the database is unreachable or busy.
        """
        options: dict[str, Any] = {}
        if self._engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._transaction(options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A writing transaction: committed when the block ends, rolled back when it raises.

        Raises
        ------
        UnavailableError
            When the database is unreachable or busy.
        """
        with self._transaction({_WRITES: True}) as connection:
            yield connection

    @contextmanager
    def rehearsing(self) -> Iterator[Connection]:
        """A writing transaction that is rolled back when the block ends: nothing is stored.

        Raises
        ------
        UnavailableError
            When the database is unreachable or busy.
        """
        with self._transaction({_WRITES: True}) as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def single_read(self) -> Iterator[Connection]:
        """A connection for a single `DriverStatement` that reads.

        Where the database is a file, that needs no transaction, and the connection stays open: to
        begin and end one takes longer than the statement.

        Raises
        ------
        UnavailableError
            When the database is unreachable or busy.
        """
        if not self.is_local:
            with self.reading() as connection:
                yield connection
            return
        with _unavailable(), self._single:
            if self._single_reader is None:
                self._single_reader = self._engine.connect()
            yield self._single_reader

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        with _unavailable():
            opened = self._engine.connect().execution_options(**options)
            with opened as connection, connection.begin():
                yield connection

    def scrub(self, tables: Sequence[str] = ()) -> None:
        """Overwrites deleted content in the files as far as the database can.

        SQLite: the write-ahead log is emptied into the file, whose freed pages are zeroed.
        PostgreSQL: dead rows of the tables named are vacuumed; its own archives and backups are
        the operator's.
        """
        emptied, vacuumed = "PRAGMA wal_checkpoint(TRUNCATE)", f"VACUUM {', '.join(tables)}"
        with _unavailable(), self._engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql(emptied if self.is_local else vacuumed)

    def close_copy(self) -> None:
        """Closes a SQLite database and leaves one file without a log beside it.

        Such a file can be read from a medium that cannot be written.
        """
        self.close()
        with closing(sqlite3.connect(str(self._engine.url.database))) as alone:
            alone.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Closes every connection."""
        with self._single:
            if self._single_reader is not None:
                self._single_reader.close()
                self._single_reader = None
        self._engine.dispose()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError):
        # The driver's message may hold a statement and its values.
        raise UnavailableError("database", "is unreachable or busy", _REMEDY) from None


def connect(url: str) -> Store:
    """The database at an address, without upgrading its schema.

    Parameters
    ----------
    url
        `sqlite:///relative.db`, `sqlite:////absolute.db` or
        `postgresql+psycopg://user:password@host:port/name`.

    Raises
    ------
    StoreError
        When the address is not one of these; it is not repeated, as it may hold a password.
    """
    remedy = "write sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
    try:
        read = make_url(url)
    except exc.ArgumentError:
        raise StoreError("database", "has an address that cannot be read", remedy) from None
    if read.drivername == "sqlite" and read.database not in (None, "", ":memory:"):
        return Store(_sqlite(read))
    if read.drivername in ("postgresql", "postgresql+psycopg"):
        return Store(_postgresql(read.set(drivername="postgresql+psycopg")))
    raise StoreError("database", "is neither a SQLite file nor PostgreSQL", remedy)


def connect_file(file: Path) -> Store:
    """A SQLite file, created if missing, without upgrading its schema."""
    return Store(_sqlite(URL.create("sqlite", database=str(file))))


def open_copy(file: Path) -> Store:
    """A SQLite file that nobody writes, such as a copy in a backup; it is not written either."""
    address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )
    return Store(engine)


def database_time(connection: Connection) -> datetime:
    """The database's clock, UTC: one clock, however many servers there are."""
    if connection.dialect.name == "sqlite":
        # SQLite runs in this process: its clock is that of this machine.
        return datetime.now(UTC)
    at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at.astimezone(UTC)


def advisory_lock(connection: Connection, name: str) -> None:
    """Waits for the lock of this name, which is held until the end of the transaction.

    On SQLite writing transactions are exclusive already.
    """
    if connection.dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:number)")
        connection.execute(statement, {"number": _number(name)})


def try_advisory_lock(connection: Connection, name: str) -> bool:
    """Like `advisory_lock`, but gives False at once where it would wait."""
    if connection.dialect.name != "postgresql":
        return True
    statement = text("SELECT pg_try_advisory_xact_lock(:number)")
    return bool(connection.execute(statement, {"number": _number(name)}).scalar_one())


def _number(name: str) -> int:
    digest = hashlib.sha256(f"recommender/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    try:
        # Health data: readable by its owner alone. SQLite gives the log beside it the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        remedy = "name a file in a folder that can be written"
        raise StoreError("database", "is a file that cannot be opened", remedy) from None
    engine = create_engine(
        url,
        pool_size=POOL,
        pool_timeout=PATIENCE_MS / 1000,
        # The connection used last has the newest pages of the file in its memory.
        pool_use_lifo=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(driver: Any, _: object) -> None:
        # Turns the driver's own transactions off; see `begin` below.
        driver.isolation_level = None
        for pragma in _PRAGMAS:
            driver.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reading transaction cannot always be upgraded to a writing one.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        pool_size=POOL,
        # Detects connections that a restart of the database closed.
        pool_pre_ping=True,
        pool_timeout=PATIENCE_MS / 1000,
        hide_parameters=True,
        connect_args={
            "options": _OPTIONS,
            "connect_timeout": PATIENCE_MS // 1000,
            # Stated, or psycopg gives bytes where the database has no encoding (SQL_ASCII).
            "client_encoding": "utf8",
        },
    )


MIGRATIONS = Path(__file__).with_name("migrations")
_upgrading = threading.Lock()
"""Alembic's `op` and `context` are global to a process."""


def open_store(url: str) -> Store:
    """The database at an address, upgraded to the newest schema; see `connect` for addresses.

    Raises
    ------
    StoreError
        When the address cannot be read, or a newer recommender wrote the database.
    UnavailableError
        When the database is unreachable or busy.
    """
    store = connect(url)
    try:
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def migrate(store: Store, revision: str = "head") -> None:
    """Upgrades the schema in one transaction.

    Killed half-way it leaves the schema as it was; a second process waits and finds it upgraded.

    Parameters
    ----------
    store
        The database.
    revision
        The newest migration to apply; by default the newest there is.

    Raises
    ------
    StoreError
        When a newer recommender wrote the database, or it cannot hold every character.
    """
    with store.writing() as connection:
        advisory_lock(connection, "migration")
        wanted = {newest_version()} if revision == "head" else {revision}
        present = _heads(connection)
        if not present:
            _require_unicode(connection)
        if present != wanted:
            known = known_versions()
            if not present | wanted <= known:
                raise StoreError(
                    "database",
                    "was written by a newer version of recommender than this one",
                    "install that version, or give this one a backup from before it was upgraded",
                )
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            with _upgrading:
                command.upgrade(config, revision)


def _require_unicode(connection: Connection) -> None:
    """Refuses a PostgreSQL database of another encoding than UTF-8.

    A cluster that was initialised without a locale has SQL_ASCII.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        remedy = "create it with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`"
        raise StoreError("database", "has another encoding than UTF8", remedy)


def schema_version(store: Store) -> str | None:
    """The newest migration the database has; None when it is empty."""
    with store.reading() as connection:
        return migration_of(connection)


def migration_of(connection: Connection) -> str | None:
    """The newest migration of the database of a transaction; None when it is empty."""
    return next(iter(sorted(_heads(connection))), None)


@cache
def newest_version() -> str | None:
    """The newest migration this code knows."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


@cache
def known_versions() -> frozenset[str]:
    """Every migration this code knows."""
    script = ScriptDirectory(str(MIGRATIONS))
    return frozenset(each.revision for each in script.walk_revisions())


def _heads(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())
