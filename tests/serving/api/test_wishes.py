"""Wishes over HTTP: of one's own recommendation, once, and listed for staff."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.settings import Settings
from tests.support.server import RECOMMEND, JournalServer, a_request, check_problem, journal_server


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JournalServer]:
    folder: Path = tmp_path_factory.mktemp("wishes")
    with journal_server(settings, f"sqlite:///{folder / 'journal.db'}") as running:
        yield running


@pytest.fixture
def address(server: JournalServer) -> str:
    """The wishes after a recommendation of the first tool."""
    made = server.tool.post(RECOMMEND, json=a_request()).json()
    return f"{RECOMMEND}/{made['recommendation_id']}/wishes"


def shown_first(server: JournalServer, address: str) -> str:
    body = server.tool.get(address.removesuffix("/wishes")).json()
    return str(body["shortlist"][0]["clinician_id"])


def test_a_tool_asks_for_somebody_it_was_shown_and_staff_see_it(
    server: JournalServer, address: str
) -> None:
    wished = {"clinician_id": shown_first(server, address)}
    first, again = (server.tool.post(address, json=wished) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.headers["location"] == address
    assert first.json() == again.json()
    (listed,) = server.staff.get(address).json()["wishes"]
    assert listed["reference"] == first.json()["reference"]
    assert listed["actor"] == "key:t0"


def test_help_to_choose_is_a_wish_without_a_clinician(server: JournalServer, address: str) -> None:
    assert server.tool.post(address, json={}).json()["clinician_id"] is None


def test_somebody_who_was_not_shown_is_refused_by_name_of_the_field(
    server: JournalServer, address: str
) -> None:
    problem = check_problem(server.tool.post(address, json={"clinician_id": "nobody"}), 422)
    assert problem["errors"][0]["pointer"] == "/clinician_id"


def test_another_tool_neither_asks_nor_reads(server: JournalServer, address: str) -> None:
    check_problem(server.other_tool.post(address, json={}), 404)
    check_problem(server.tool.get(address), 403)
