from collections.abc import Iterator

import pytest

from recommender.settings import Settings
from tests.support.page_reader import read, send
from tests.support.server import PASSWORD, LockedServer, TestClient, local_client


@pytest.fixture
def open_server(settings: Settings) -> Iterator[TestClient]:
    with local_client(settings) as client:
        yield client


@pytest.fixture
def staff(locked: LockedServer) -> TestClient:
    """Signed in through the page."""
    form = read(locked.client, "/staff/session").form("/session")
    response = send(locked.client, form, name="intake.desk", password=PASSWORD)
    assert response.status_code == 200
    return locked.client
