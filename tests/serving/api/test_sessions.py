from datetime import timedelta
from typing import Any

import pytest

from recommender.security.accounts import FREE_FAILURES
from recommender.security.sessions import MAX_AGE, MAX_IDLE
from recommender.serving.auth_backend import LOGINS_PER_MINUTE
from tests.support.server import (
    PASSWORD,
    SAME_SITE,
    WHOLE,
    LockedServer,
    TestClient,
    a_request,
    captured_logs,
    check_problem,
)

SESSION = "/v1/session"


def recommended(locked: LockedServer, **headers: str) -> Any:
    return locked.client.post(WHOLE, json=a_request(), headers=headers)


def test_a_password_opens_a_session_that_asks_as_staff(locked: LockedServer) -> None:
    opened = locked.log_in()
    assert opened.status_code == 201
    token = opened.json()["csrf_token"]
    answer = recommended(locked, **SAME_SITE, **{"x-csrf-token": token})
    assert answer.status_code == 201
    assert "groups" in answer.json()["shortlist"][0]
    assert locked.client.get("/v1/models/current").status_code == 200
    told = locked.client.get(SESSION).json()
    assert told["role"] == "staff"
    assert "explain:read" in told["scopes"]


def test_a_sessions_cookie_is_kept_from_scripts_and_other_sites(locked: LockedServer) -> None:
    rules = locked.log_in().headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(rules)
    assert locked.client.get(SESSION).json()["csrf_token"] not in str(locked.client.cookies)


def test_a_wrong_name_and_a_wrong_password_are_told_alike(locked: LockedServer) -> None:
    wrong = locked.log_in("another four words")
    told = {"name": "nobody", "password": PASSWORD}
    unknown = locked.client.post(SESSION, json=told, headers=SAME_SITE)
    one, other = (check_problem(each, 401) | {"instance": ""} for each in (wrong, unknown))
    assert one == other
    assert "set-cookie" not in wrong.headers


def test_a_locked_account_is_told_as_a_wrong_password(locked: LockedServer) -> None:
    for _ in range(FREE_FAILURES):
        locked.log_in("another four words")
    check_problem(locked.log_in(), 401)
    locked.later(timedelta(minutes=1))
    assert locked.log_in().status_code == 201


def test_an_address_that_tries_too_often_waits(locked: LockedServer) -> None:
    tried = [locked.log_in("another four words") for _ in range(LOGINS_PER_MINUTE + 1)]
    check_problem(tried[-1], 429)
    assert tried[-1].headers["retry-after"]


def test_a_household_cannot_try_again_from_another_of_its_addresses(locked: LockedServer) -> None:
    """Attempts were counted by the whole address, of which a household has 2**64."""
    told, there = {"name": "nobody", "password": "another four words"}, locked.client.base_url
    tried = []
    for number in range(LOGINS_PER_MINUTE + 1):
        address = f"2001:db8:1:2::{number:x}", 1
        caller = TestClient(locked.client.app, client=address, base_url=str(there))
        tried.append(caller.post(SESSION, json=told, headers=SAME_SITE))
    assert [each.status_code for each in tried[:-1]] == [401] * LOGINS_PER_MINUTE
    check_problem(tried[-1], 429)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "http://localhost:81"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost"},
    ],
)
def test_what_another_site_sends_changes_nothing_and_opens_nothing(
    locked: LockedServer, headers: dict[str, str]
) -> None:
    told = {"name": "intake.desk", "password": PASSWORD}
    check_problem(locked.client.post(SESSION, json=told, headers=headers), 403)
    token = locked.log_in().json()["csrf_token"]
    check_problem(recommended(locked, **headers, **{"x-csrf-token": token}), 403)
    check_problem(locked.client.delete(SESSION, headers=headers | {"x-csrf-token": token}), 403)
    assert locked.client.get(SESSION).status_code == 200


def test_an_older_browser_is_known_by_its_origin(locked: LockedServer) -> None:
    token = locked.log_in().json()["csrf_token"]
    sent = recommended(locked, origin="http://localhost", **{"x-csrf-token": token})
    assert sent.status_code == 201


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64])
def test_a_changing_call_must_repeat_the_sessions_token(
    locked: LockedServer, token: str | None
) -> None:
    locked.log_in()
    headers = SAME_SITE if token is None else SAME_SITE | {"x-csrf-token": token}
    check_problem(recommended(locked, **headers), 403)


def test_a_form_without_script_repeats_the_token_in_a_field(locked: LockedServer) -> None:
    token = locked.log_in().json()["csrf_token"]
    form = {"content-type": "application/x-www-form-urlencoded"} | SAME_SITE
    for body, status in ((f"csrf_token={token}", 204), ("csrf_token=x", 403), ("\xff=", 403)):
        locked.log_in()
        token_of = locked.client.get(SESSION).json()["csrf_token"]
        sent = body.replace(token, token_of).encode("latin-1")
        response = locked.client.request("DELETE", SESSION, content=sent, headers=form)
        assert response.status_code == status


def test_a_session_ends_when_it_is_not_used_and_at_the_end_of_a_day(locked: LockedServer) -> None:
    locked.log_in()
    locked.later(MAX_IDLE - timedelta(seconds=1))
    assert locked.client.get(SESSION).status_code == 200
    locked.later(MAX_IDLE)
    check_problem(locked.client.get(SESSION), 401)
    locked.log_in()
    for _ in range(int(MAX_AGE / timedelta(minutes=20)) - 1):
        locked.later(timedelta(minutes=20))
        assert locked.client.get(SESSION).status_code == 200
    locked.later(timedelta(minutes=20))
    check_problem(locked.client.get(SESSION), 401)


def test_logging_out_ends_the_session_for_good(locked: LockedServer) -> None:
    token = locked.log_in().json()["csrf_token"]
    cookie = locked.client.cookies[locked.auth.cookie("http").name]
    out = locked.client.delete(SESSION, headers=SAME_SITE | {"x-csrf-token": token})
    assert out.status_code == 204
    locked.client.cookies.set(locked.auth.cookie("http").name, cookie)
    check_problem(locked.client.get(SESSION), 401)


def test_no_password_and_no_token_is_logged_or_told(locked: LockedServer) -> None:
    with captured_logs() as stream:
        replies = [
            locked.log_in(),
            locked.log_in("a canary of four words"),
            locked.log_in("x" * 300),
        ]
        locked.client.get(SESSION)
    cookie = locked.client.cookies[locked.auth.cookie("http").name]
    seen = stream.getvalue() + "".join(reply.text for reply in replies)
    for secret in (PASSWORD, "canary", "xxxx", cookie):
        assert secret not in seen
    check_problem(replies[2], 422)


def test_a_server_without_keys_has_no_sessions(caller: TestClient) -> None:
    told = {"name": "intake.desk", "password": PASSWORD}
    check_problem(caller.post(SESSION, json=told, headers=SAME_SITE), 404)
    check_problem(caller.get(SESSION), 401)
