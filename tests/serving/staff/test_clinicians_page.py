import re

import pytest

from recommender.journal.rated_pairings import Exposure
from recommender.security.scopes import Role
from recommender.serving.staff import wording
from recommender.serving.staff.views.exposure import BAR, exposure_rows
from tests.support.builders import a_practice, a_roster
from tests.support.page_reader import ask, decided, read, signed_in
from tests.support.rated_pairings import keep_matches
from tests.support.server import LockedServer, TestClient

RECORDS, CLINICIANS = "/staff/clinicians/records", "/staff/clinicians"


def test_counts_become_rows_most_shown_first_with_bars_on_one_scale() -> None:
    found = {"k03": Exposure(10, 4, 2, 1), "gone": Exposure(5, 0, 0, 0)}
    first, second, *others = exposure_rows(found, a_roster(), a_practice())
    assert (first.name, first.counts.first) == ("Clinician D", 4)
    assert (first.exposed.outline, first.exposed.filled) == (BAR, BAR * 0.4)
    assert (second.name, second.on_roster, second.free, second.places) == (
        "gone",
        False,
        None,
        None,
    )
    assert len(others) == len(a_roster()) - 1
    assert {each.counts.shown for each in others} == {0}
    # k03 has three open places and two were taken: the fullest row.
    assert first.places is not None
    assert (first.free, first.places.outline, first.places.filled) == (3, BAR, BAR * 0.4)


def test_what_was_shown_and_chosen_is_counted_on_the_page(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    ask(staff)
    found = read(staff, CLINICIANS)
    assert "12 clinicians on the roster were shown to nobody" in found.text
    assert re.search(r"this server keeps\. \d+ of 12", found.text)
    assert found.tags.count("svg") >= 2
    assert not [value for name, value in found.attributes if name == "style"]


def test_records_are_drawn_towards_the_practice_and_told_without_a_name_to_who_learns(
    locked: LockedServer,
) -> None:
    keep_matches(locked.store, 15)
    scientist, admin = (signed_in(locked, role) for role in (Role.SCIENTIST, Role.ADMIN))
    text = read(scientist, RECORDS).text
    assert wording.nobody(1) in text
    assert wording.nobody(2) in text
    assert not re.search(r"\bk0\d|Clinician [A-Z]\b", text)
    named = read(admin, RECORDS).text
    assert "Clinician B" in named
    assert wording.nobody(1) not in named


def test_staff_see_no_record_and_no_way_to_one(locked: LockedServer, staff: TestClient) -> None:
    keep_matches(locked.store, 15)
    refused = staff.get(RECORDS)
    assert refused.status_code == 403
    assert wording.DRAWN not in refused.text
    assert RECORDS not in staff.get("/staff/model").text
    assert read(staff, CLINICIANS)


@pytest.mark.parametrize(
    ("role", "allowed"), [(Role.SCIENTIST, False), (Role.ADMIN, True), (Role.STAFF, True)]
)
def test_who_may_not_see_the_roster_is_told_of_no_clinician(
    locked: LockedServer, role: Role, allowed: bool
) -> None:
    assert (signed_in(locked, role).get(CLINICIANS).status_code == 200) == allowed


def test_too_few_ratings_make_no_record(locked: LockedServer) -> None:
    admin = signed_in(locked, Role.ADMIN)
    assert wording.NO_RECORDS in read(admin, RECORDS).text
    keep_matches(locked.store, 6)
    text = read(admin, RECORDS).text
    assert "That leaves out 2." in text
    assert wording.DRAWN not in text


def test_a_server_that_keeps_nothing_shows_the_roster_and_no_record(
    open_server: TestClient,
) -> None:
    assert "Clinician B" in read(open_server, CLINICIANS).text
    assert wording.NO_RECORDS in read(open_server, RECORDS).text
