from datetime import UTC, datetime
from pathlib import Path

import pytest

from recommender.cli.doctor.deployment import Deployment
from recommender.security.scopes import Role
from tests.support.builders import a_practice
from tests.support.server import PEPPER, new_key, store_with_schema
from tests.support.server_process import free_port


@pytest.fixture
def sound(practice_files: Path, tmp_path: Path) -> Deployment:
    now = datetime.now(UTC)
    url = f"sqlite:///{tmp_path}/recommender.db"
    store = store_with_schema(url)
    new_key(store, "website", Role.TOOL, now=now)
    store.close()
    return Deployment(
        bundle=practice_files / "bundle",
        roster=practice_files / "clinicians.csv",
        practice=a_practice(),
        store=url,
        pepper=PEPPER,
        registry=None,
        host="127.0.0.1",
        port=free_port(),
        allowed_hosts=("127.0.0.1", "localhost"),
        environment={},
        now=now,
    )
