"""A server behind a path, and what is believed of proxies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from recommender.errors import FaultsError
from recommender.security.scopes import Role
from recommender.serving.app import create_app
from recommender.settings import Settings, read_settings
from tests.support.page_reader import Reader
from tests.support.server import (
    PASSWORD,
    RECOMMEND,
    SAME_SITE,
    LockedServer,
    TestClient,
    a_request,
    captured_logs,
    check_problem,
    local_client,
    locked_server,
    locked_settings,
    log_lines,
)

PREFIX = "/match"
FORWARDED = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


@pytest.fixture
def behind(practice_files: Path, tmp_path: Path, cheap_passwords: None) -> Iterator[LockedServer]:
    """A server with keys behind /match, whose proxy runs on this machine."""
    settings = locked_settings(
        practice_files,
        store=f"sqlite:///{tmp_path}/recommender.db",
        root_path="match/",
        forwarded_allow_ips=("127.0.0.1",),
    )
    with locked_server(settings) as running:
        yield running


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_every_address_a_program_receives_is_within_the_path(
    behind: LockedServer, prefix: str
) -> None:
    """Whether the proxy removes the path or not."""
    key = behind.keys[Role.STAFF].text
    made = behind.ask("POST", f"{prefix}{RECOMMEND}", key, json=a_request())
    assert made.headers["location"] == f"{PREFIX}{RECOMMEND}/{made.json()['recommendation_id']}"
    repeated = behind.ask("GET", made.headers["location"], key)
    assert repeated.json() == made.json()
    page = behind.ask("GET", f"{prefix}/v1/clinicians?limit=1", key).json()
    assert page["next"].startswith(f"{PREFIX}/v1/clinicians?after=")
    assert behind.ask("GET", page["next"], key).status_code == 200
    missing = check_problem(behind.ask("GET", f"{prefix}{RECOMMEND}/none", key), 404)
    assert missing["type"] == f"{PREFIX}/problems/no-such-record"
    assert behind.ask("GET", missing["type"]).status_code == 200
    bare = check_problem(behind.ask("GET", f"{prefix}/nowhere"), 404)
    assert bare["type"] == f"{PREFIX}/problems/not-found"
    document = behind.ask("GET", f"{prefix}/openapi.json").json()
    assert document["servers"] == [{"url": PREFIX}]
    assert document["components"]["securitySchemes"]["session"]["name"] == "__Secure-recommender"
    index = behind.ask("GET", prefix or "/").json()
    assert all(address.startswith(f"{PREFIX}/") for address in index.values())


def test_bodies_behind_a_path_have_the_limits_of_their_operation(behind: LockedServer) -> None:
    key = behind.keys[Role.ADMIN].text
    body = {"clinicians": [{"clinician_id": "k01", "facts": {}, "name": "x" * 300_000}]}
    refused = behind.ask("PUT", f"{PREFIX}/v1/roster", key, json=body)
    check_problem(refused, 422)
    check_problem(behind.ask("PUT", f"{PREFIX}/v1/clinicians/k01", key, json=body), 413)


def test_pages_behind_a_path_link_send_and_redirect_within_it(behind: LockedServer) -> None:
    browser = {"accept": "text/html"}
    start = behind.client.get(PREFIX, headers=browser, follow_redirects=False)
    assert (start.status_code, start.headers["location"]) == (303, f"{PREFIX}/staff")
    away = behind.client.get(f"{PREFIX}/staff", follow_redirects=False)
    assert (away.status_code, away.headers["location"]) == (303, f"{PREFIX}/staff/session")
    in_place = behind.client.get(f"{PREFIX}/staff", headers={"hx-request": "true"})
    assert in_place.headers["hx-redirect"] == f"{PREFIX}/staff/session"
    page = Reader(behind.client.get(f"{PREFIX}/staff/session").text)
    assert [form.action for form in page.forms] == [f"{PREFIX}/staff/session"]
    addresses = [value for name, value in page.attributes if name in ("href", "src")]
    own = [each for each in addresses if not each.startswith("#")]
    assert len(own) >= 2
    for address in own:
        assert address.startswith(f"{PREFIX}/")
        assert behind.client.get(address).status_code == 200


def test_a_session_opened_through_a_tls_proxy_has_a_secure_cookie_for_the_path(
    behind: LockedServer,
) -> None:
    sent = {"name": "intake.desk", "password": PASSWORD}
    for headers, cookie in (
        (SAME_SITE | FORWARDED, "__Secure-recommender="),
        (SAME_SITE, "recommender="),
    ):
        signed_in = behind.client.post(
            f"{PREFIX}/staff/session", data=sent, headers=headers, follow_redirects=False
        )
        assert signed_in.headers["location"] == f"{PREFIX}/staff"
        given = signed_in.headers["set-cookie"]
        assert given.startswith(cookie)
        assert f"Path={PREFIX};" in given
        assert ("; Secure" in given) == cookie.startswith("__Secure")


def test_a_stranger_cannot_pass_as_another_address_by_a_header(
    practice_files: Path, tmp_path: Path, cheap_passwords: None
) -> None:
    """Passwords are counted by address: an undeclared sender does not choose its own."""
    store = f"sqlite:///{tmp_path}/recommender.db"
    with (
        captured_logs() as stream,
        locked_server(locked_settings(practice_files, store=store)) as s,
    ):
        statuses = [
            s.log_in("wrong", **{"x-forwarded-for": f"203.0.113.{number}"}).status_code
            for number in range(12)
        ]
        cookie = s.client.post(
            "/staff/session",
            data={"name": "intake.desk", "password": PASSWORD},
            headers=SAME_SITE | FORWARDED,
            follow_redirects=False,
        ).headers.get("set-cookie", "")
    assert statuses[-1] == 429
    assert "Secure" not in cookie
    warned = [line for line in log_lines(stream) if line["event"] == "proxy_not_declared"]
    assert len(warned) == 1


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
def test_a_server_without_keys_is_not_opened_to_everybody_by_a_proxy_on_its_machine(
    settings: Settings, proxies: tuple[str, ...]
) -> None:
    with local_client(settings.model_copy(update={"forwarded_allow_ips": proxies})) as client:
        refused = check_problem(client.post(RECOMMEND, json=a_request(), headers=FORWARDED), 403)
        assert "answers callers on its own machine only" in refused["errors"][0]["message"]
        page = client.get("/staff", headers=FORWARDED, follow_redirects=False)
        assert page.status_code == 403
        assert "its own machine only" in page.text
        assert client.get("/staff").status_code == 200


@pytest.mark.parametrize("path", ["/staff", "v1/", "/a b", "/a?b", "/a/../b", "/a//b"])
def test_a_root_path_that_could_not_be_recognised_is_refused(path: str, settings: Settings) -> None:
    with pytest.raises(FaultsError, match="RECOMMENDER_ROOT_PATH: "):
        read_settings(**settings.model_dump() | {"root_path": path})


def test_the_application_of_a_root_path_is_the_same_application(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"root_path": PREFIX}))
    assert isinstance(app, FastAPI)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        assert client.get("/livez").json() == client.get(f"{PREFIX}/livez").json()
        assert client.get("/matching/livez").status_code == 404
