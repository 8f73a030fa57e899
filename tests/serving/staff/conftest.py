from collections.abc import Iterator

import pytest

from recommender.settings import Settings
from tests.support.guarded import PASSWORD, Guarded
from tests.support.page_reader import read, send
from tests.support.served import TestClient, a_caller


@pytest.fixture
def open_server(settings: Settings) -> Iterator[TestClient]:
    with a_caller(settings) as client:
        yield client


@pytest.fixture
def staff(locked: Guarded) -> TestClient:
    """Signed in through the page."""
    form = read(locked.client, "/staff/session").form("/session")
    response = send(locked.client, form, name="intake.desk", password=PASSWORD)
    assert response.status_code == 200
    return locked.client
