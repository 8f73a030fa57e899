import itertools
import re

import pytest
from fastapi import FastAPI

from recommender.security.scopes import Role
from recommender.serving.authorization import NEEDS, Unrestricted, is_page
from tests.support.page_reader import ANSWERS, Reader, read, send, sign_in
from tests.support.server import PASSWORD, SAME_SITE, LockedServer, TestClient, operations

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def text_of_scripts(page: str) -> set[str]:
    """What is written between the tags of a page's scripts."""
    return {"", *re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)}


def test_neither_a_key_nor_nothing_opens_a_page(locked: LockedServer) -> None:
    assert isinstance(locked.client.app, FastAPI)
    pages = [each for each in operations(locked.client.app) if is_page(each[1])]
    assert pages
    keys = [None, *(key.text for key in locked.keys.values())]
    for (method, path), key in itertools.product(pages, keys):
        if NEEDS[f"{method} {path}"] is Unrestricted.ANYBODY:
            continue
        response = locked.ask(
            method, path.replace("{", "").replace("}", ""), key, follow_redirects=False
        )
        then = response.headers["location"].partition("?then=")
        assert (response.status_code, then[0]) == (303, "/staff/session")
        assert then[2] in ("", path.replace("{", "").replace("}", ""))


def test_a_refused_sign_in_does_not_say_what_was_wrong(locked: LockedServer) -> None:
    form = read(locked.client, "/staff/session").form("/session")
    wrong = send(locked.client, form, name="intake.desk", password="another four words")
    unknown = send(locked.client, form, name="<b>nobody</b>", password=PASSWORD)
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text == unknown.text
    assert "set-cookie" not in wrong.headers


def test_another_site_can_neither_sign_in_nor_send_a_form(staff: TestClient) -> None:
    form = read(staff, "/staff/requests/new").form("/staff/requests")
    foreign = {"sec-fetch-site": "cross-site"}
    for address in ("/staff/session", form.action):
        response = staff.post(address, data=form.fields | ANSWERS, headers=foreign)
        assert response.status_code == 403, address
    without = staff.post(form.action, data=ANSWERS, headers=SAME_SITE)
    assert without.status_code == 403


def test_signing_out_ends_the_session(staff: TestClient) -> None:
    form = read(staff, "/staff").form("/session/end")
    send(staff, form)
    assert staff.get("/staff", follow_redirects=False).headers["location"] == "/staff/session"


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/session", "/staff/requests/new", "/staff/requests/none"]
)
def test_a_page_may_load_style_and_scripts_of_this_server_and_nothing_else(
    staff: TestClient, path: str
) -> None:
    response = staff.get(path)
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    found = Reader(response.text)
    assert not {"style", "iframe", "object"} & set(found.tags)
    assert text_of_scripts(response.text) == {""}
    own = [value for name, value in found.attributes if name == "src"]
    assert len(own) == found.tags.count("script")
    assert all(each.startswith("/staff/static/") for each in own)
    names = {name for name, _ in found.attributes}
    assert "style" not in names
    assert not {name for name in names if name.startswith("on")}
    hrefs = [value for name, value in found.attributes if name in ("href", "src", "action")]
    assert all(each.startswith(("/staff", "#")) for each in hrefs)


def test_who_may_not_see_clients_gets_no_list_of_them(locked: LockedServer) -> None:
    from recommender.security.accounts import add_account

    with locked.store.writing() as connection:
        add_account(connection, "data.desk", Role.SCIENTIST, PASSWORD, now=locked.now, actor="test")
    sign_in(locked.client, "data.desk")
    assert "Requests" not in read(locked.client, "/staff").text
    assert locked.client.get("/staff/requests/new").status_code == 403
