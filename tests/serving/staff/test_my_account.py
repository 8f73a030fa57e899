"""One's own account: the first password, a change of it, and the sessions."""

from typing import Any

import pytest

from recommender.security.scopes import Role
from recommender.serving.staff.page import MINE
from tests.support.page_reader import Reader, read, send, sign_in, signed_in
from tests.support.server import (
    PASSWORD,
    LockedServer,
    TestClient,
)

NEW = "another four odd words"
ACCOUNTS = "/staff/practice/accounts"


def changed(client: TestClient, old: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    form = read(client, MINE).form("/account/password")
    assert form.unlabelled == []
    return send(client, form, old=old, new=new, again=again or new)


@pytest.fixture
def first_password(locked: LockedServer) -> str:
    """The password that an owner gave to `new.desk`."""
    owner = signed_in(locked, Role.ADMIN)
    added = send(owner, read(owner, ACCOUNTS).forms[-1], name="new.desk", role=["staff"])
    return Reader(added.text).text.partition("with this password: ")[2].split()[0]


def test_a_first_password_opens_nothing_but_the_page_to_choose_another(
    locked: LockedServer, first_password: str
) -> None:
    client = locked.client
    landed = sign_in(client, "new.desk", first_password)
    assert landed.url.path == MINE
    assert "Choose your own password" in landed.text
    assert client.get("/staff/requests/new").url.path == MINE
    assert client.get("/v1/questions").status_code == 403
    part = client.get("/staff/clinicians", headers={"hx-request": "true"})
    assert part.headers["hx-redirect"] == MINE
    same = changed(client, first_password, first_password)
    assert "This is the one you have: choose another." in Reader(same.text).text
    assert "Your password is changed." in changed(client, first_password).text
    assert client.get("/staff/requests/new").url.path == "/staff/requests/new"
    assert sign_in(client, "new.desk", first_password).status_code == 401
    assert sign_in(client, "new.desk", NEW).url.path == "/staff"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"old": "not the old one"}, "This is not the password you have now."),
        ({"new": "brief"}, "This is not 12 to 256 characters"),
        ({"again": "something else entirely"}, "These two are not the same."),
    ],
)
def test_a_refused_password_says_why_beside_its_field_and_shows_none(
    staff: TestClient, sent: dict[str, str], said: str
) -> None:
    refused = changed(staff, **sent)
    assert refused.status_code == 422
    found = Reader(refused.text)
    assert said in found.text
    assert ("aria-invalid", "true") in found.attributes
    assert not any(text in refused.text for text in (PASSWORD, NEW, *sent.values()))


def test_a_changed_password_ends_the_sessions_elsewhere_and_not_this_one(
    locked: LockedServer, staff: TestClient
) -> None:
    elsewhere = TestClient(locked.client.app, base_url="http://localhost")
    sign_in(elsewhere, "intake.desk")
    assert read(staff, MINE).text.count("Signed in ") == 2
    changed(staff)
    assert read(staff, MINE).text.count("Signed in ") == 1
    assert elsewhere.get("/staff").url.path == "/staff/session"


def test_signing_out_everywhere_ends_this_session_too(
    locked: LockedServer, staff: TestClient
) -> None:
    elsewhere = TestClient(locked.client.app, base_url="http://localhost")
    sign_in(elsewhere, "intake.desk")
    assert send(staff, read(staff, MINE).form("/sessions/end")).url.path == "/staff/session"
    for client in (staff, elsewhere):
        assert client.get("/staff").url.path == "/staff/session"
