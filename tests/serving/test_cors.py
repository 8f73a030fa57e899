"""Pages of declared origins ask with a publishable key; nothing else of another site does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.security.keys import revoke_key
from recommender.security.scopes import ROLES, Role
from recommender.serving.auth_backend import ORIGINS_SECONDS
from recommender.serving.authorization import NEEDS, is_page
from recommender.serving.cors import PREFLIGHT_SECONDS, methods_for_pages
from recommender.serving.http.caller_address import caller_network
from tests.support.server import (
    PAGE_ORIGIN,
    RECOMMEND,
    LockedServer,
    a_request,
    check_problem,
    locked_server,
    locked_settings,
)

OTHER = "https://other.example"
ALLOW = "access-control-allow-origin"


@pytest.fixture(scope="module")
def pages(practice_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedServer]:
    store = f"sqlite:///{tmp_path_factory.mktemp('pages')}/recommender.db"
    settings = locked_settings(practice_files, store=store, browser_calls_per_address=1000)
    with locked_server(settings) as running:
        yield running


def key_of(server: LockedServer, role: Role) -> str:
    return server.keys[role].text


def ask(
    server: LockedServer,
    key: str,
    origin: str | None = PAGE_ORIGIN,
    at: str = RECOMMEND,
    **options: Any,
) -> Any:
    """A request for a recommendation, as a page of this origin sends it."""
    headers = {"authorization": f"Bearer {key}"} | ({"origin": origin} if origin else {})
    headers |= options.pop("headers", {})
    return server.client.post(at, json=a_request(**options), headers=headers)


def preflight(server: LockedServer, path: str, method: str, origin: str = PAGE_ORIGIN) -> Any:
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    return server.client.options(path, headers=headers)


def test_a_page_of_a_declared_origin_asks_and_may_read_the_answer(pages: LockedServer) -> None:
    asked = preflight(pages, RECOMMEND, "POST")
    assert asked.status_code == 204
    assert asked.headers[ALLOW] == PAGE_ORIGIN
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    assert asked.headers["access-control-max-age"] == str(PREFLIGHT_SECONDS)
    made = ask(pages, key_of(pages, Role.BROWSER), headers={"idempotency-key": "page-1"})
    assert made.status_code == 201
    for response in (asked, made):
        assert "Origin" in response.headers["vary"].split(", ")
        assert "access-control-allow-credentials" not in response.headers
    assert made.headers[ALLOW] == PAGE_ORIGIN
    exposed = made.headers["access-control-expose-headers"].lower().split(", ")
    assert {"location", "ratelimit", "idempotent-replayed", "etag"} <= set(exposed)
    again = ask(pages, key_of(pages, Role.BROWSER), headers={"idempotency-key": "page-1"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == made.content


def test_a_page_receives_no_score_and_no_order_within_a_tie(pages: LockedServer) -> None:
    asked: dict[str, Any] = {"top_k": 50}
    at = f"{RECOMMEND}?include=facts"
    page = ask(pages, key_of(pages, Role.BROWSER), at=at, **asked).json()
    tool = pages.ask("POST", at, key_of(pages, Role.TOOL), json=a_request(**asked)).json()
    hidden = {"rank", "predicted_alliance", "range"}
    assert any("tie_text" in full for full in tool["shortlist"])
    for shown, full in zip(page["shortlist"], tool["shortlist"], strict=True):
        assert set(full) - set(shown) - {"tie_text"} == hidden
        assert "tie_text" not in shown
        assert full["predicted_alliance"] is not None
        assert shown["tie"] == full["tie"]
    at = f"{RECOMMEND}?include=exclusions"
    check_problem(ask(pages, key_of(pages, Role.BROWSER), at=at, **asked), 403)
    at = f"{RECOMMEND}?include=relaxations"
    few = ask(pages, key_of(pages, Role.BROWSER), at=at, answers={"max_fee": 1}).json()
    assert few["relaxations"]
    assert all("predicted_alliance" not in each for each in few["relaxations"])


def test_staff_go_on_with_the_whole_answer_of_what_a_page_asked_for(pages: LockedServer) -> None:
    where = ask(pages, key_of(pages, Role.BROWSER)).headers["location"]
    whole = pages.ask("GET", where, key_of(pages, Role.STAFF)).json()
    assert [each["rank"] for each in whole["shortlist"]] == [1, 2, 3, 4, 5]
    assert all(each["range"] for each in whole["shortlist"])


def test_a_page_reads_nothing_back_and_names_no_client(pages: LockedServer) -> None:
    key = key_of(pages, Role.BROWSER)
    where = ask(pages, key).headers["location"]
    check_problem(pages.ask("GET", where, key), 403)
    named = {"answers": a_request()["answers"], "clinician_ids": ["k01"]}
    check_problem(pages.ask("POST", "/v1/predictions", key, json=named), 403)
    refused = check_problem(ask(pages, key, client_id="c1"), 422)
    assert refused["errors"][0]["pointer"] == "/client_id"


def test_a_page_leaves_a_wish_for_what_it_asked_and_for_nothing_of_others(
    pages: LockedServer,
) -> None:
    key = key_of(pages, Role.BROWSER)
    made = ask(pages, key)
    wish = {"clinician_id": made.json()["shortlist"][0]["clinician_id"]}
    wishes = f"{made.headers['location']}/wishes"
    assert ALLOW in preflight(pages, wishes, "POST").headers
    assert pages.ask("POST", wishes, key, json=wish).status_code == 201
    check_problem(pages.ask("GET", wishes, key), 403)
    others = pages.ask("POST", RECOMMEND, key_of(pages, Role.TOOL), json=a_request())
    check_problem(pages.ask("POST", f"{others.headers['location']}/wishes", key, json=wish), 404)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        OTHER,
        "http://www.practice.example",
        "https://www.practice.example:8443",
        "https://www.practice.example/",
        "https://WWW.PRACTICE.EXAMPLE",
        "https://practice.example",
        "https://www.practice.example.other.example",
    ],
)
def test_a_publishable_key_is_refused_outside_its_pages(
    pages: LockedServer, origin: str | None
) -> None:
    refused = ask(pages, key_of(pages, Role.BROWSER), origin)
    assert check_problem(refused, 403)["type"] == "/problems/undeclared-origin"
    assert ALLOW not in refused.headers


def test_a_secret_key_in_a_page_of_another_site_is_refused_and_says_why(
    pages: LockedServer,
) -> None:
    for role in (Role.TOOL, Role.STAFF):
        for origin in (PAGE_ORIGIN, OTHER, "null", "http://localhost:3000"):
            refused = check_problem(ask(pages, key_of(pages, role), origin), 403)
            assert refused["type"] == "/problems/secret-key-in-page"
            assert "revoke it" in refused["detail"]
    assert ask(pages, key_of(pages, Role.TOOL), "http://localhost").status_code == 201


def test_only_operations_of_a_page_are_open_to_other_origins(pages: LockedServer) -> None:
    for operation, need in NEEDS.items():
        method, path = operation.split(" ")
        of_page = need in ROLES[Role.BROWSER] and not is_page(path)
        assert (method in methods_for_pages(path)) == of_page
        asked = preflight(pages, path, method)
        assert (ALLOW in asked.headers) == of_page
        assert (asked.headers.get("access-control-allow-methods") is not None) == of_page
    assert ALLOW not in preflight(pages, RECOMMEND, "DELETE").headers
    assert ALLOW not in preflight(pages, RECOMMEND, "POST", OTHER).headers
    assert ALLOW not in pages.client.get("/livez", headers={"origin": PAGE_ORIGIN}).headers


def test_a_page_can_read_why_it_was_refused(pages: LockedServer) -> None:
    wrong = ask(pages, key_of(pages, Role.BROWSER), answers={"colour": "blue"})
    check_problem(wrong, 422)
    unknown = ask(pages, "pk_zzzzzzzz_" + "A" * 43)
    check_problem(unknown, 401)
    for refused in (wrong, unknown):
        assert refused.headers[ALLOW] == PAGE_ORIGIN


def test_a_revoked_key_is_refused_at_once_and_its_origin_within_seconds(
    pages: LockedServer,
) -> None:
    made = pages.make_key("short-lived", Role.BROWSER, origins=(OTHER,))
    clock = [pages.auth.elapsed() + ORIGINS_SECONDS]
    pages.auth.elapsed = lambda: clock[0]
    assert preflight(pages, RECOMMEND, "POST", OTHER).headers[ALLOW] == OTHER
    assert ask(pages, made.text, OTHER).status_code == 201
    # A key is for its own origins, not for those of other keys.
    check_problem(ask(pages, made.text, PAGE_ORIGIN), 403)
    with pages.store.writing() as connection:
        revoke_key(connection, made.facts.key_id, now=pages.now, actor="test")
    check_problem(ask(pages, made.text, OTHER), 401)
    clock[0] += ORIGINS_SECONDS
    assert ALLOW not in preflight(pages, RECOMMEND, "POST", OTHER).headers


def test_calls_of_a_publishable_key_are_limited_by_address_and_by_key(
    practice_files: Path, tmp_path: Path
) -> None:
    changes = {"browser_calls_per_address": 2, "browser_calls_per_minute": 3}
    store = f"sqlite:///{tmp_path}/recommender.db"
    with locked_server(locked_settings(practice_files, store=store, **changes)) as server:
        key, wrong = key_of(server, Role.BROWSER), {"colour": "blue"}
        seen = [ask(server, key, answers=wrong) for _ in range(3)]
        assert [each.status_code for each in seen] == [422, 422, 429]
        assert seen[0].headers["ratelimit-policy"] == '"calls";q=2;w=60'
        assert seen[2].headers["retry-after"]
        assert seen[2].headers[ALLOW] == PAGE_ORIGIN
        # From other addresses, the calls of the key itself come to an end.
        limiter = server.auth.browser_calls
        credential = server.keys[Role.BROWSER].facts.key_id
        assert [limiter.spend(credential).allowed for _ in range(2)] == [True, False]
        # A secret key has its own limit.
        tool = key_of(server, Role.TOOL)
        assert server.ask("POST", RECOMMEND, tool, json=a_request()).status_code == 201


def test_addresses_of_one_household_are_counted_together() -> None:
    assert caller_network("2001:db8::1") == caller_network("2001:db8::ffff")
    assert caller_network("2001:db8::1") != caller_network("2001:db8:0:1::1")
    assert caller_network(None) == caller_network("/a/socket") == "unknown"
