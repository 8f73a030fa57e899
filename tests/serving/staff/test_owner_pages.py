"""Accounts, keys and privacy requests, as an owner uses the pages."""

import re

import pytest
from sqlalchemy import func, select

from recommender.journal.privacy_requests import erase_subject
from recommender.security.accounts import Account, list_accounts
from recommender.security.keys import list_keys
from recommender.security.scopes import Role
from recommender.store.schema import metadata
from tests.support.page_reader import Reader, ask, begun, decided, read, send, sign_in, signed_in
from tests.support.server import PASSWORD, LockedServer, TestClient

PRACTICE = "/staff/practice"
ACCOUNTS, KEYS = f"{PRACTICE}/accounts", f"{PRACTICE}/keys"
PRIVACY, AUDIT, BACKUPS = f"{PRACTICE}/privacy", f"{PRACTICE}/audit", f"{PRACTICE}/backups"


@pytest.fixture
def owner(locked: LockedServer) -> TestClient:
    return signed_in(locked, Role.ADMIN)


def accounts(locked: LockedServer) -> dict[str, Account]:
    with locked.store.reading() as connection:
        return {each.name: each for each in list_accounts(connection)}


def shown_password(text: str) -> str:
    found = re.search(r"\b[a-z2-9]{4}(-[a-z2-9]{4}){3}\b", text)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("address", [PRACTICE, ACCOUNTS, KEYS, PRIVACY, AUDIT, BACKUPS])
def test_only_an_owner_sees_the_pages(locked: LockedServer, address: str) -> None:
    for role, status in ((Role.ADMIN, 200), (Role.STAFF, 403), (Role.SCIENTIST, 403)):
        seen = signed_in(locked, role)
        assert seen.get(address).status_code == status, role
        assert (f'href="{PRACTICE}"' in seen.get("/staff/model").text) == (role is Role.ADMIN)


def test_an_added_account_signs_in_with_the_password_that_is_shown_once(
    locked: LockedServer, owner: TestClient
) -> None:
    form = read(owner, ACCOUNTS).forms[-1]
    added = send(owner, form, name="the.owner", role=["staff", "admin"])
    password = shown_password(added.text)
    assert password not in owner.get(ACCOUNTS).text
    assert accounts(locked)["the.owner"].roles == (Role.STAFF, Role.ADMIN)
    assert sign_in(locked.client, "the.owner", password).status_code == 200


def test_an_account_with_two_roles_does_the_work_of_both(
    locked: LockedServer, owner: TestClient
) -> None:
    form = read(owner, ACCOUNTS).forms[-1]
    password = shown_password(send(owner, form, name="the.owner", role=["staff", "admin"]).text)
    landed = Reader(sign_in(locked.client, "the.owner", password).text)
    new = {"new": PASSWORD, "again": PASSWORD}
    send(locked.client, landed.form("/password"), old=password, **new)
    assert ask(locked.client).status_code == 200
    assert read(locked.client, ACCOUNTS)
    names = [value for name, value in read(locked.client, "/staff").attributes if name == "href"]
    assert {"/staff/requests/new", PRACTICE} <= set(names)


def test_a_refused_account_says_why_beside_the_field_and_keeps_what_was_typed(
    owner: TestClient,
) -> None:
    form = read(owner, ACCOUNTS).forms[-1]
    refused = send(owner, form, name="No Such", role=["scientist"])
    assert refused.status_code == 422
    again = Reader(refused.text).forms[-1].fields
    assert again["name"] == ["No Such"]
    assert again["role"] == ["scientist"]
    assert "This cannot name an account" in refused.text
    assert send(owner, form, name="intake.desk").status_code == 409


def test_roles_are_changed_but_no_owner_loses_their_own(
    locked: LockedServer, owner: TestClient
) -> None:
    desk, me = accounts(locked)["intake.desk"], accounts(locked)["a.admin"]
    found = read(owner, ACCOUNTS)
    changed = send(owner, found.form(f"{desk.staff_id}/roles"), role=["staff", "scientist"])
    assert changed.status_code == 200
    assert accounts(locked)["intake.desk"].roles == (Role.STAFF, Role.SCIENTIST)
    refused = send(owner, found.form(f"{me.staff_id}/roles"), role=["staff"])
    assert refused.status_code == 409
    assert "ask another owner" in refused.text
    assert accounts(locked)["a.admin"].roles == (Role.ADMIN,)


def test_a_new_password_replaces_the_one_of_before(locked: LockedServer, owner: TestClient) -> None:
    desk = accounts(locked)["intake.desk"]
    password = shown_password(
        send(owner, read(owner, ACCOUNTS).form(f"{desk.staff_id}/password")).text
    )
    assert sign_in(locked.client, "intake.desk", PASSWORD).status_code == 401
    assert sign_in(locked.client, "intake.desk", password).status_code == 200


def test_an_account_is_closed_only_with_its_name_typed_again(
    locked: LockedServer, owner: TestClient
) -> None:
    desk = accounts(locked)["intake.desk"]
    form = read(owner, ACCOUNTS).form(f"{desk.staff_id}/removal")
    assert send(owner, form, name="somebody").status_code == 409
    assert accounts(locked)["intake.desk"].removed_at is None
    assert send(owner, form, name="intake.desk").status_code == 200
    assert accounts(locked)["intake.desk"].removed_at is not None
    assert "Closed accounts: 1" in read(owner, ACCOUNTS).text


def test_a_key_is_shown_once_works_and_is_refused_after_it_was_revoked(
    locked: LockedServer, owner: TestClient
) -> None:
    form = read(owner, KEYS).form(KEYS)
    made = send(owner, form, name="website", role="tool", days="30")
    found = re.search(r"rk_[A-Za-z0-9_-]+", made.text)
    assert found is not None
    assert found[0] not in owner.get(KEYS).text
    assert locked.ask("GET", "/v1/recommendations", found[0]).status_code == 200
    with locked.store.reading() as connection:
        key_id = next(each.key_id for each in list_keys(connection) if each.name == "website")
    assert send(owner, read(owner, KEYS).form(f"{key_id}/revocation")).status_code == 200
    assert locked.ask("GET", "/v1/recommendations", found[0]).status_code == 401


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "No Name"}, "cannot name"),
        ({"role": "browser"}, "origin"),
        ({"days": "many"}, "not a number of days"),
        ({"days": "4000"}, "1 to 730"),
    ],
)
def test_a_refused_key_says_why(owner: TestClient, changes: dict[str, str], said: str) -> None:
    form = read(owner, KEYS).form(KEYS)
    given = {"name": "website", "role": "tool", "days": "30"} | changes
    refused = send(owner, form, **given)
    assert refused.status_code == 422
    assert said in Reader(refused.text).text


def rows_of(locked: LockedServer) -> dict[str, int]:
    with locked.store.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_access_gives_all_that_is_stored_as_a_file_and_says_who_is_unknown(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    owner = signed_in(locked, Role.ADMIN)
    form = read(owner, PRIVACY).form("/copy")
    form.action = form.action.replace("/copy", "/export")
    exported = send(owner, form, code="c9999")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert exported.json()["client_id"] == "c9999"
    assert "c9999" not in str(exported.url)
    unknown = send(owner, form, code="c0000")
    assert unknown.status_code == 404
    assert "has nothing kept here" in unknown.text


def test_the_same_can_be_read_and_printed_in_words(locked: LockedServer, staff: TestClient) -> None:
    begun(staff)
    owner = signed_in(locked, Role.ADMIN)
    copy = send(owner, read(owner, PRIVACY).form("/copy"), code="c9999")
    assert copy.headers["cache-control"] == "no-store"
    found = Reader(copy.text)
    for part in (
        "Client c9999",
        "Main concern",
        "predicted alliance",
        "Chosen: ",
        "1 October 2024",
    ):
        assert part in found.text, part
    assert "Exported all that is stored of a client" in found.text
    assert send(owner, read(owner, PRIVACY).form("/copy"), code="c0000").status_code == 404


def test_erasure_asks_for_the_code_again_and_erases_what_the_command_erases(
    locked: LockedServer, staff: TestClient
) -> None:
    decided(staff)
    before = rows_of(locked)
    owner = signed_in(locked, Role.ADMIN)
    asked = send(owner, read(owner, PRIVACY).form("/erasure"), code="c9999")
    confirm = Reader(asked.text).form("/erasure")
    wrong = send(owner, confirm, again="c9998")
    assert wrong.status_code == 422
    assert rows_of(locked)["recommendations"] == before["recommendations"]
    erased = send(owner, Reader(wrong.text).form("/erasure"), again="c9999")
    assert "The client was erased" in erased.text
    by_page = rows_of(locked)
    decided(staff)
    erase_subject(locked.store, "c9999", actor="test")
    by_command = rows_of(locked)
    about_clients = ("recommendations", "payloads", "shown", "decisions", "subjects", "consents")
    assert {name: by_page[name] for name in about_clients} == {
        name: by_command[name] for name in about_clients
    }
    assert by_page["decisions"] == 0
