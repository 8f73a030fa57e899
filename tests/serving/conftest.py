from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from recommender.security import passwords
from recommender.settings import Settings
from tests.support.guarded import Guarded, guarded, guarded_settings
from tests.support.served import TestClient, a_caller, some_settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory: Path = tmp_path_factory.mktemp("server")
    return some_settings(directory)


@pytest.fixture(scope="session")
def caller(settings: Settings) -> Iterator[TestClient]:
    with a_caller(settings) as running:
        yield running


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("guarded")
    some_settings(directory)
    return directory


@pytest.fixture
def locked(practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))
    with guarded(guarded_settings(practice, store=f"sqlite:///{tmp_path}/recommender.db")) as made:
        yield made
