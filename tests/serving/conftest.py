from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.settings import Settings
from tests.serving.served import TestClient, a_caller, some_settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory: Path = tmp_path_factory.mktemp("server")
    return some_settings(directory)


@pytest.fixture(scope="session")
def caller(settings: Settings) -> Iterator[TestClient]:
    with a_caller(settings) as running:
        yield running
