"""Upgrades the schema of the store in one transaction, whichever process comes first."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from recommender.errors import StoreError
from recommender.store.database import Store, advisory_lock, connect

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


def migrate(store: Store) -> None:
    """Upgrades the schema in one transaction.

    Killed half-way it leaves the schema as it was; a second process waits and finds it upgraded.

    Raises
    ------
    StoreError
        When a newer recommender wrote the database.
    """
    script = ScriptDirectory(str(MIGRATIONS))
    with store.writing() as connection:
        advisory_lock(connection, "migration")
        if _heads(connection) != set(script.get_heads()):
            _refuse_newer(connection, script)
            _upgrade(connection)


def schema_version(store: Store) -> str | None:
    """The newest migration the database has; None when it is empty."""
    with store.reading() as connection:
        return next(iter(sorted(_heads(connection))), None)


def newest_version() -> str | None:
    """The newest migration this code knows."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _heads(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if not _heads(connection) <= known:
        raise StoreError(
            "database",
            "was written by a newer version of recommender than this one",
            "install that version, or give this one a backup from before it was upgraded",
        )


def _upgrade(connection: Connection) -> None:
    """Runs `migrations/env.py` on the caller's connection, whose transaction holds the lock."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with _upgrading:
        command.upgrade(config, "head")
