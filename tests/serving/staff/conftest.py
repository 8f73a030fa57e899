from collections.abc import Iterator

import pytest

from recommender.settings import Settings
from tests.support.page_reader import sign_in
from tests.support.server import LockedServer, TestClient, local_client


@pytest.fixture
def open_server(settings: Settings) -> Iterator[TestClient]:
    with local_client(settings) as client:
        yield client


@pytest.fixture
def staff(locked: LockedServer) -> TestClient:
    """Signed in through the page."""
    assert sign_in(locked.client, "intake.desk").status_code == 200
    return locked.client
