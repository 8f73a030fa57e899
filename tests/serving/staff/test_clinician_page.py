"""The page of one clinician."""

import re

import pytest

from recommender.security.scopes import Role
from tests.support.page_reader import ask, decided, read, signed_in
from tests.support.server import LockedServer, TestClient

PAGE = "/staff/clinicians/k01"


def test_names_on_the_list_lead_to_the_page_of_each_clinician(staff: TestClient) -> None:
    found = read(staff, "/staff/clinicians")
    assert ("href", PAGE) in found.attributes
    assert "never shown" in found.text


def test_the_page_has_facts_hours_places_and_next_times(staff: TestClient) -> None:
    text = read(staff, PAGE).text
    for part in (
        "Therapies",
        "Open places",
        "Monday",
        "9:00 am to 5:00 pm",
        "Times are Sydney time",
    ):
        assert part in text
    assert "Clients they cannot see" not in text


def test_the_rules_that_left_a_clinician_out_are_counted_without_a_client(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    ask(staff, client_id="c9998", **{"answer.not_with": "k01"})
    found = read(staff, PAGE)
    assert re.search(r"The latest 2 requests in this time: \d showed", found.text)
    assert "1 left Clinician B out by a rule" in found.text
    assert "c9998" not in found.text
    assert "c9999" not in found.text


def test_a_server_without_a_store_shows_the_roster_alone(open_server: TestClient) -> None:
    text = read(open_server, PAGE).text
    assert "Places" in text
    assert "Shown and chosen since" not in text


@pytest.mark.parametrize(
    ("role", "status"), [(Role.STAFF, 200), (Role.ADMIN, 200), (Role.SCIENTIST, 403)]
)
def test_the_page_is_for_accounts_that_may_see_the_roster(
    locked: LockedServer, role: Role, status: int
) -> None:
    assert signed_in(locked, role).get(PAGE).status_code == status


def test_a_clinician_who_is_not_on_the_roster_has_no_page(staff: TestClient) -> None:
    refused = staff.get("/staff/clinicians/nobody")
    assert refused.status_code == 404
    assert "This clinician is not on the roster." in refused.text
