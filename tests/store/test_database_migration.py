"""The schema comes up to date whole or not at all, whoever brings it there and however it ends."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from setuptools import find_packages
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from recommender.errors import StoreError
from recommender.store.database import (
    MIGRATIONS,
    Store,
    connect,
    migrate,
    open_store,
    schema_version,
)
from recommender.store.schema import NEVER_CHANGED, metadata

pytestmark = pytest.mark.both_databases("the database itself is tested")


def names_of(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names())


def guards_of(store: Store) -> set[str]:
    sqlite = store.engine.dialect.name == "sqlite"
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with store.reading() as connection:
        return set(connection.execute(text(catalogue)).scalars())


def assert_whole(store: Store) -> None:
    assert names_of(store) == {*metadata.tables, "alembic_version"}
    assert {f"{name}_never_changed" for name in NEVER_CHANGED} < guards_of(store)
    assert "audit_never_deleted" in guards_of(store)


def test_migrations_make_the_tables_that_the_code_declares(a_store: Store) -> None:
    with a_store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert_whole(a_store)


def test_opening_again_changes_nothing(a_store_url: str, a_store: Store) -> None:
    before = schema_version(a_store)
    open_store(a_store_url).close()
    assert schema_version(a_store) == before == "0016"


@pytest.mark.parametrize("statement", [4, 9, 23, 47])
def test_a_migration_killed_half_way_leaves_nothing_and_is_done_by_the_next(
    empty_url: str, statement: int
) -> None:
    command = [sys.executable, "-m", "tests.support.migrating", empty_url, str(statement)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    store = connect(empty_url)
    assert not names_of(store) & set(metadata.tables)
    migrate(store)
    assert_whole(store)
    store.close()


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    stores = [connect(empty_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, stores))
    assert_whole(stores[0])
    for store in stores:
        store.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    a_store_url: str, a_store: Store
) -> None:
    with a_store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="written by a newer version of recommender"):
        open_store(a_store_url)
    assert schema_version(a_store) == "9999"


def test_what_cannot_be_opened_is_refused_without_its_address() -> None:
    for url in ("mysql://root:hunter2@host/x", "sqlite://", "no address", "sqlite:////no/such/x"):
        with pytest.raises(StoreError) as refused:
            open_store(url)
        assert "hunter2" not in str(refused.value)


def test_a_password_does_not_stand_in_what_a_store_says_of_itself(a_store: Store) -> None:
    password = make_url(a_store.engine.url).password
    assert password is None or str(password) not in repr(a_store.engine)


def test_every_migration_is_in_the_package_that_is_installed() -> None:
    root = MIGRATIONS.parents[2]
    packages = find_packages(str(root), include=["recommender*"])
    assert "recommender.store.migrations.versions" in packages
    found = sorted(path.name for path in (MIGRATIONS / "versions").glob("v*.py"))
    names = (
        *("journal", "access", "explained", "reply_headers"),
        *("publishable_keys", "wishes", "webhooks", "recommendation_list"),
        "work_list",
        "roles",
        "drafts",
        "staff_identities",
        "closings",
        "first_passwords",
        "trials",
        "restored_orders",
    )
    assert found == [f"v{number:04d}_{name}.py" for number, name in enumerate(names, 1)]
