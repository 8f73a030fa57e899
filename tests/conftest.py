"""Settings of every test run, and the fixtures that several packages use.

`tests/support/README.md` lists fixtures and builders. What takes long to import is imported by the
fixture that needs it, so that one small test starts at once.
"""

import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.support.examples import examples

if TYPE_CHECKING:
    from experiments.bench.workers import Cluster
    from experiments.trust.postgres import Cluster as PostgresCluster
    from recommender.settings import Settings
    from recommender.store.database import Store
    from tests.support.openid_provider import OpenidProvider
    from tests.support.server import JournalServer, LockedServer, TestClient

# Hypothesis draws the same cases on every machine, so that a failure can be repeated.
hypothesis.settings.register_profile(
    "house", derandomize=True, deadline=None, max_examples=examples(25, 100)
)
hypothesis.settings.load_profile("house")

_TEMPLATE = "migrated"
_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    # mlflow 3.17 warns about its own types while it is imported, and hides the warning from those
    # whose warnings are not errors.
    inferred = r"ignore:[\s\S]*Any type hint is inferred as AnyType:UserWarning"
    config.addinivalue_line("filterwarnings", inferred)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs tests marked `both_databases` on SQLite and on PostgreSQL; others run on SQLite."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker(
        "both_databases"
    ):
        metafunc.parametrize("database", ["sqlite", "postgresql"])


# Servers in this process


@pytest.fixture(autouse=True)
def _log_configuration() -> Iterator[None]:
    """What a command run in this process sets for its log ends with the test: its stream closes."""
    loaded = "structlog" in sys.modules
    before = sys.modules["structlog"].get_config() if loaded else None
    yield
    if before is not None:
        sys.modules["structlog"].configure(**before)
    elif "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()


@pytest.fixture(scope="session")
def practice_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the small practice's tables and a bundle that learned from them."""
    from tests.support.server import server_settings

    directory: Path = tmp_path_factory.mktemp("practice")
    server_settings(directory)
    return directory


@pytest.fixture(scope="session")
def settings(practice_files: Path) -> "Settings":
    """Settings of a server with a bundle, without a store and without keys."""
    from tests.support.server import server_settings

    return server_settings(practice_files)


@pytest.fixture(scope="module")
def keeping(
    settings: "Settings", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["JournalServer"]:
    """A server with that bundle and a SQLite journal, shared by the tests of a module."""
    from tests.support.server import journal_server

    url = f"sqlite:///{tmp_path_factory.mktemp('journal')}/journal.db"
    with journal_server(settings, url) as running:
        yield running


@pytest.fixture(scope="session")
def caller(settings: "Settings") -> Iterator["TestClient"]:
    """A caller of that server, shared by all tests of a process."""
    from tests.support.server import local_client

    with local_client(settings) as running:
        yield running


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Password hashes with the smallest parameters, which take microseconds."""
    from argon2 import PasswordHasher

    from recommender.security import accounts

    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", hasher)
    monkeypatch.setattr(accounts, "_NOBODY", hasher.hash("nobody"))


@pytest.fixture
def locked(
    practice_files: Path, store_file: Path, cheap_passwords: None
) -> Iterator["LockedServer"]:
    """A server with a SQLite store, a key for each role and one staff account."""
    from tests.support.server import locked_server, locked_settings

    with locked_server(locked_settings(practice_files, store=f"sqlite:///{store_file}")) as server:
        yield server


# Servers in processes of their own


@pytest.fixture(scope="module")
def provider() -> Iterator["OpenidProvider"]:
    """An OpenID provider, shared by the tests of a module."""
    from tests.support.openid_provider import openid_provider

    with openid_provider() as running:
        yield running


# Stores


@pytest.fixture
def database() -> str:
    """The database of a test: SQLite, unless the mark `both_databases` names PostgreSQL too."""
    return "sqlite"


@pytest.fixture(scope="session")
def cluster() -> Iterator["PostgresCluster"]:
    """One PostgreSQL for all tests of a process, with a database that has the schema."""
    from experiments.trust.postgres import binaries, running_cluster
    from recommender.store.database import open_store

    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's initdb and postgres are not on this machine")
    with running_cluster(found) as running:
        open_store(running.create(_TEMPLATE)).close()
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and no rows, to be copied."""
    from recommender.store.database import open_store

    path = tmp_path_factory.mktemp("store") / "migrated.db"
    store = open_store(f"sqlite:///{path}")
    store.scrub()
    store.close()
    return path


@pytest.fixture
def store_file(migrated_file: Path, tmp_path: Path) -> Path:
    """A SQLite file of the test's own, with the schema and no rows."""
    path = tmp_path / "journal.db"
    shutil.copy(migrated_file, path)
    return path


@pytest.fixture
def a_store_url(request: pytest.FixtureRequest, database: str) -> Iterator[str]:
    """The address of a database with the schema and no rows."""
    if database == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('store_file')}"
        return
    running: PostgresCluster = request.getfixturevalue("cluster")
    name = f"test_{next(_numbers)}"
    yield running.create(name, template=_TEMPLATE)
    running.drop(name)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'journal.db'}"
        return
    running: PostgresCluster = request.getfixturevalue("cluster")
    name = f"empty_{next(_numbers)}"
    yield running.create(name)
    running.drop(name)


@pytest.fixture
def a_store(a_store_url: str) -> Iterator["Store"]:
    """An open store without rows."""
    from recommender.store.database import open_store

    store = open_store(a_store_url)
    yield store
    store.close()


# Registries


@pytest.fixture(scope="session")
def published_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry of three versions, of which the second is champion; to be copied."""
    from tests.support.made_once import made_once
    from tests.support.registries import fill_registry

    workspace = tmp_path_factory.mktemp("bundles")
    return made_once(tmp_path_factory, "registry", lambda folder: fill_registry(folder, workspace))


# Clusters


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Cluster"]:
    """A Dask cluster of two workers, for the tests of one file."""
    from experiments.bench.workers import started

    with started(tmp_path_factory.mktemp("cluster"), 2) as running:
        yield running
