import re

import pytest

from recommender.security.scopes import Role
from tests.support.page_reader import ask, decided, read, signed_in
from tests.support.rated_pairings import keep_matches
from tests.support.server import LockedServer, TestClient

RECORDS, CLINICIANS = "/staff/clinicians/records", "/staff/clinicians"


def test_clinicians_shown_and_chosen_are_counted_on_the_page(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    ask(staff)
    found = read(staff, CLINICIANS)
    assert re.search(
        r"\d+ clinicians were shown, \d+ times in all\. \d+ of 12 clinicians on the roster",
        found.text,
    )
    assert found.tags.count("svg") >= 2
    assert not [value for name, value in found.attributes if name == "style"]


def test_records_are_shown_without_names_to_an_account_that_may_not_see_the_roster(
    locked: LockedServer,
) -> None:
    keep_matches(locked.store, 15)
    scientist, admin = (signed_in(locked, role) for role in (Role.SCIENTIST, Role.ADMIN))
    text = read(scientist, RECORDS).text
    assert "Clinician 1" in text
    assert "Clinician 2" in text
    assert not re.search(r"\bk0\d|Clinician [A-Z]\b", text)
    named = read(admin, RECORDS).text
    assert "Clinician B" in named
    assert "Clinician 1" not in named


def test_staff_see_no_record_and_no_way_to_one(locked: LockedServer, staff: TestClient) -> None:
    keep_matches(locked.store, 15)
    refused = staff.get(RECORDS)
    assert refused.status_code == 403
    assert "Shrunk towards the practice" not in refused.text
    assert RECORDS not in staff.get("/staff/model").text
    assert read(staff, CLINICIANS)


@pytest.mark.parametrize(
    ("role", "allowed"), [(Role.SCIENTIST, False), (Role.ADMIN, True), (Role.STAFF, True)]
)
def test_the_page_of_clinicians_is_refused_without_access_to_the_roster(
    locked: LockedServer, role: Role, allowed: bool
) -> None:
    assert (signed_in(locked, role).get(CLINICIANS).status_code == 200) == allowed


def test_too_few_ratings_make_no_record(locked: LockedServer) -> None:
    admin = signed_in(locked, Role.ADMIN)
    assert "Too few ratings to say how far clinicians differ." in read(admin, RECORDS).text
    keep_matches(locked.store, 6)
    text = read(admin, RECORDS).text
    assert "Left out: 2." in text
    assert "Shrunk towards the practice" not in text


def test_a_server_without_a_store_shows_the_roster_and_no_record(
    open_server: TestClient,
) -> None:
    assert "Clinician B" in read(open_server, CLINICIANS).text
    assert "Too few ratings to say how far clinicians differ." in read(open_server, RECORDS).text
