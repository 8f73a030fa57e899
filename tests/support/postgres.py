"""Stores to test against: a real SQLite file and a real PostgreSQL, fresh for every test.

Import `a_store_url` (or `a_store`) and `cluster` where they are needed; where the machine has no
PostgreSQL, its half of the tests says so and is skipped.
"""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from experiments.trust.postgres import Cluster, binaries, running_cluster
from recommender.store.database import Store
from recommender.store.migration import open_store

DATABASES = ("sqlite", "postgresql")
_TEMPLATE = "migrated"
_numbers = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests of a run."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's initdb and postgres are not on this machine")
    with running_cluster(found) as running:
        open_store(running.create(_TEMPLATE)).close()
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing else."""
    path = tmp_path_factory.mktemp("store") / "migrated.db"
    store = open_store(f"sqlite:///{path}")
    store.scrub()
    store.close()
    return path


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'journal.db'}"
        return
    running: Cluster = request.getfixturevalue("cluster")
    name = f"empty_{next(_numbers)}"
    yield running.create(name)
    running.drop(name)


@pytest.fixture(params=DATABASES)
def a_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the schema and no rows."""
    if request.param == "sqlite":
        path = tmp_path / "journal.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    running: Cluster = request.getfixturevalue("cluster")
    name = f"test_{next(_numbers)}"
    yield running.create(name, template=_TEMPLATE)
    running.drop(name)


@pytest.fixture
def a_store(a_store_url: str) -> Iterator[Store]:
    """An open store without rows."""
    store = open_store(a_store_url)
    yield store
    store.close()
