"""The schema brought up to date, all of it or none, by whichever process comes first.

Imported by whoever opens the store: the server, the commands, the tests.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from recommender.errors import StoreError
from recommender.store.database import Store, advisory_lock, connect

MIGRATIONS = Path(__file__).with_name("migrations")


def open_store(url: str) -> Store:
    """The database at an address with the schema this code knows; see `connect` for addresses.

    Raises
    ------
    StoreError
        When the address is none, or the database was written by a newer recommender.
    UnavailableError
        When the database is away or busy.
    """
    store = connect(url)
    try:
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def migrate(store: Store) -> None:
    """Brings the schema up to date in one transaction.

    Killed half-way it leaves the schema as it was; a second process waits and finds it done.

    Raises
    ------
    StoreError
        When the database was written by a newer recommender.
    """
    script = ScriptDirectory(str(MIGRATIONS))
    with store.writing() as connection:
        advisory_lock(connection, "migration")
        if _heads(connection) != set(script.get_heads()):
            _refuse_newer(connection, script)
            _upgrade(connection, script)


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


def _upgrade(connection: Connection, script: ScriptDirectory) -> None:
    def steps(revision: Any, _: MigrationContext) -> Sequence[Any]:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        # The caller's transaction holds the lock; Alembic neither begins nor commits another.
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
