from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from recommender.security import passwords
from recommender.settings import Settings
from tests.support.server import (
    LockedServer,
    TestClient,
    local_client,
    locked_server,
    locked_settings,
    server_settings,
)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory: Path = tmp_path_factory.mktemp("server")
    return server_settings(directory)


@pytest.fixture(scope="session")
def caller(settings: Settings) -> Iterator[TestClient]:
    with local_client(settings) as running:
        yield running


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("guarded")
    server_settings(directory)
    return directory


@pytest.fixture
def locked(
    practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LockedServer]:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))
    with locked_server(
        locked_settings(practice, store=f"sqlite:///{tmp_path}/recommender.db")
    ) as made:
        yield made
