import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recommender.cli.doctor.deployment import Deployment
from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.store.migration import open_store
from tests.support.builders import a_practice
from tests.support.server import PEPPER, server_settings


@pytest.fixture(scope="session")
def practice_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("doctor")
    server_settings(directory)
    return directory


@pytest.fixture
def sound(practice_files: Path, tmp_path: Path) -> Deployment:
    now = datetime.now(UTC)
    url = f"sqlite:///{tmp_path}/recommender.db"
    store = open_store(url)
    with store.writing() as connection:
        wanted = KeyRequest("website", Role.TOOL)
        create_key(connection, wanted, Pepper.of(PEPPER), now=now, actor="test")
    store.close()
    return Deployment(
        bundle=practice_files / "bundle",
        roster=practice_files / "clinicians.csv",
        practice=a_practice(),
        store=url,
        pepper=PEPPER,
        registry=None,
        host="127.0.0.1",
        port=_free_port(),
        allowed_hosts=("127.0.0.1", "localhost"),
        environment={},
        now=now,
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
