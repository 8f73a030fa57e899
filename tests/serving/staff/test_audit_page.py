"""The audit log on a page: events in words, filtered and paged, and the check."""

import re
from pathlib import Path

import pytest

import recommender
from recommender.journal.audit_log import AuditEntry, append
from recommender.security.accounts import account_names
from recommender.security.scopes import Role
from recommender.serving.staff.views.audit_view import ACTIONS, KINDS
from tests.support.page_reader import Reader, decided, read, send, signed_in
from tests.support.server import LockedServer, TestClient

AUDIT = "/staff/practice/audit"
OTHER = {"recommendation.decided", "extract.json"}
"""Texts beside the actions that are names of other things."""


@pytest.fixture
def owner(locked: LockedServer) -> TestClient:
    return signed_in(locked, Role.ADMIN)


def rows(found: Reader) -> list[str]:
    """The lines of the table, the newest first."""
    text = found.text.partition("WhenWhoWhat")[2].partition("Times are")[0]
    return [line for line in text.split("\n") if line.strip()]


def test_events_say_who_did_what_and_nothing_of_what_was_answered(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    found = read(signed_in(locked, Role.ADMIN), AUDIT)
    lines = rows(found)
    assert "a.adminSigned in" in lines[0]
    assert "intake.deskRecorded the choice of a clinician" in found.text
    assert "intake.deskWas shown a list of clinicians for a client" in found.text
    assert "testAdded the account a.admin, as Owner" in found.text
    assert "c9999" not in found.text
    assert "anxiety" not in found.text


def test_events_of_one_person_one_kind_and_one_day(locked: LockedServer, staff: TestClient) -> None:
    decided(staff)
    owner = signed_in(locked, Role.ADMIN)
    with locked.store.reading() as connection:
        actors = {name: staff_id for staff_id, name in account_names(connection).items()}
    asked = {"who": actors["intake.desk"], "kind": "requests"}
    lines = rows(Reader(owner.get(AUDIT, params=asked).text))
    assert len(lines) == 3
    assert all("intake.desk" in line for line in lines)
    empty = owner.get(AUDIT, params=asked | {"day": "2020-02-29"}).text
    assert "Nothing was recorded for this choice." in empty
    assert "This is not a day" in owner.get(AUDIT, params={"day": "yesterday"}).text


def test_older_events_are_on_the_next_page_each_once(
    locked: LockedServer, owner: TestClient
) -> None:
    with locked.store.writing() as connection:
        for number in range(60):
            facts = {"key_id": str(number), "name": f"program-{number}"}
            append(connection, AuditEntry("shell:0", "key.revoked", facts))
    first = read(owner, f"{AUDIT}?kind=keys")
    (older,) = {value for name, value in first.attributes if "before=" in value}
    second = Reader(owner.get(older).text)
    named = re.findall(r"program-\d+", first.text + second.text)
    assert named == [f"program-{number}" for number in reversed(range(60))]
    assert not [value for _, value in second.attributes if "before=" in value]


def test_every_action_that_is_recorded_has_words_and_a_kind() -> None:
    recorded = set()
    for path in Path(recommender.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "AuditEntry(" in text:
            recorded |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', text))
    assert recorded - OTHER == set(ACTIONS)
    assert {each.partition(".")[0] for each in ACTIONS} == {
        noun for _, group in KINDS.values() for noun in group
    }


def test_the_check_of_the_log_says_its_result_beside_the_events(owner: TestClient) -> None:
    forms = read(owner, AUDIT).forms
    check = next(each for each in forms if each.method == "post" and each.action == AUDIT)
    found = Reader(send(owner, check).text)
    assert "The audit log is whole." in found.text
    assert "a.adminSigned in" in found.text
