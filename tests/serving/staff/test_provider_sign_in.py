from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from recommender.errors import RecommenderError
from recommender.security.accounts import account_names, add_account, remove_account
from recommender.security.linked_identities import (
    identity_code,
    link_identity,
    linked_staff,
    unlink_identities,
)
from recommender.security.scopes import Role
from recommender.serving.auth_backend import LOGINS_PER_MINUTE
from recommender.serving.http.rate_limiter import RateLimiter
from recommender.serving.oidc.opening import open_provider
from recommender.serving.staff.page import MINE
from recommender.settings import Settings
from recommender.store.schema import audit, staff_identities
from tests.support.openid_provider import FAULTS, OpenidProvider, query_of
from tests.support.page_reader import read, send, sign_in, signed_in
from tests.support.server import (
    PASSWORD,
    SAME_SITE,
    LockedServer,
    TestClient,
    captured_logs,
    locked_server,
    locked_settings,
    log_lines,
)

START = "/staff/session/provider"
RETURN = f"{START}/return"
SUBJECT = "8c1f-ines-at-example"
REFUSED = {
    "nonce": ("untrusted", "could not be checked"),
    "no_nonce": ("untrusted", "could not be checked"),
    "issuer": ("untrusted", "could not be checked"),
    "audience": ("untrusted", "could not be checked"),
    "signature": ("untrusted", "could not be checked"),
    "symmetric": ("untrusted", "could not be checked"),
    "no_token": ("untrusted", "could not be checked"),
    "unknown_key": ("unknown_key", "could not be checked"),
    "expired": ("clocks", "clocks of this server and of Example differ"),
    "future": ("clocks", "clocks of this server and of Example differ"),
    "refused_client": ("misconfigured", "did not accept this server"),
    "broken": ("unreachable", "Example cannot be reached"),
}
"""What the log and the page say of each fault of the provider."""


@pytest.fixture(scope="module")
def server(
    provider: OpenidProvider, practice_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LockedServer]:
    store = f"sqlite:///{tmp_path_factory.mktemp('linked')}/recommender.db"
    settings = locked_settings(practice_files, store=store, **provider.settings)
    with locked_server(settings) as running:
        with running.store.writing() as connection:
            code = identity_code(provider.issuer, SUBJECT)
            link_identity(connection, "intake.desk", code, now=running.now, actor="test")
        yield running


@pytest.fixture(autouse=True)
def _as_before(request: pytest.FixtureRequest) -> None:
    """A provider without a fault, a browser without cookies, and nothing counted."""
    if "server" in request.fixturenames:
        running: LockedServer = request.getfixturevalue("server")
        request.getfixturevalue("provider").change(fault="")
        running.client.cookies.clear()
        running.auth.logins = RateLimiter(LOGINS_PER_MINUTE)
        running.auth.provider_starts = RateLimiter(LOGINS_PER_MINUTE)


def begin(server: LockedServer) -> str:
    """The address at the provider that the button leads to."""
    response = server.client.get(START, follow_redirects=False)
    assert response.status_code == 303
    return str(response.headers["location"])


def returned(
    server: LockedServer, provider: OpenidProvider, subject: str | None = SUBJECT, **changes: str
) -> Any:
    """What the browser gets when it comes back from the provider."""
    back = query_of(provider.sign_in(begin(server), subject)) | changes
    return server.client.get(RETURN, params=back, follow_redirects=False)


def test_a_linked_person_signs_in_and_has_the_session_of_a_password(
    server: LockedServer, provider: OpenidProvider
) -> None:
    response = returned(server, provider)
    assert (response.status_code, response.headers["location"]) == (303, "/staff")
    of_session, of_attempt = response.headers.get_list("set-cookie")
    assert of_session.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert of_attempt.startswith("recommender-attempt=; Max-Age=0; ")
    home = read(server.client, "/staff")
    assert "Requests" in home.text
    send(server.client, home.form("/session/end"))
    again = server.client.get("/staff", follow_redirects=False)
    assert again.headers["location"] == "/staff/session"
    with server.store.reading() as connection:
        last = select(audit.c.action).order_by(audit.c.seq.desc()).limit(2)
        assert list(connection.execute(last).scalars()) == ["session.closed", "session.opened"]


def test_it_leads_to_the_page_that_was_asked_for_and_to_no_other_site(
    server: LockedServer, provider: OpenidProvider
) -> None:
    asked = server.client.get("/staff/model", follow_redirects=False).headers["location"]
    assert f"{START}?then=/staff/model" in server.client.get(asked).text
    for then, led_to in (("/staff/model", "/staff/model"), ("https://example.org", "/staff")):
        there = server.client.get(START, params={"then": then}, follow_redirects=False)
        back = provider.sign_in(there.headers["location"], SUBJECT)
        response = server.client.get(RETURN, params=query_of(back), follow_redirects=False)
        assert response.headers["location"] == led_to


def test_the_sign_in_page_offers_the_provider_beside_the_password(server: LockedServer) -> None:
    page = read(server.client, "/staff/session")
    assert "Sign in with Example" in page.text
    assert page.form("/session")


def test_the_way_there_has_state_nonce_and_pkce_and_a_cookie_for_that_path_alone(
    server: LockedServer, provider: OpenidProvider
) -> None:
    response = server.client.get(START, follow_redirects=False)
    sent, there = query_of(response.headers["location"]), response.headers["location"]
    assert there.startswith(f"{provider.issuer}/authorize?")
    assert urlsplit(sent["redirect_uri"]).path == RETURN
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert len({sent[each] for each in ("state", "nonce", "code_challenge")}) == 3
    cookie = response.headers["set-cookie"]
    name, _, rules = cookie.partition("; ")
    assert rules == f"Max-Age=600; Path={START}; HttpOnly; SameSite=Lax"
    assert not {sent["state"], sent["nonce"]} & {name.partition("=")[2]}


def test_behind_tls_the_cookie_is_secure(server: LockedServer) -> None:
    address = f"https://localhost{START}"
    cookie = server.client.get(address, follow_redirects=False).headers["set-cookie"]
    assert cookie.startswith("__Secure-recommender-attempt=")
    assert cookie.endswith("; Secure")


def test_an_unknown_person_gets_a_code_with_which_an_owner_links_them(
    server: LockedServer, provider: OpenidProvider
) -> None:
    response = returned(server, provider, "somebody-else")
    assert response.status_code == 403
    assert "Your organisation's account is not linked here" in response.text
    assert "somebody-else" not in response.text
    code = identity_code(provider.issuer, "somebody-else")
    assert code in response.text
    with server.store.writing() as connection:
        add_account(connection, "second.desk", Role.STAFF, None, now=server.now, actor="test")
        link_identity(connection, "second.desk", code.lower(), now=server.now, actor="test")
    assert returned(server, provider, "somebody-else").status_code == 303
    assert "Requests" in read(server.client, "/staff").text
    with server.store.writing() as connection:
        unlink_identities(connection, "second.desk", actor="test")
    ended = server.client.get("/staff", follow_redirects=False)
    assert ended.headers["location"] == "/staff/session"
    assert returned(server, provider, "somebody-else").status_code == 403


def test_a_removed_account_is_refused_and_its_link_is_deleted(
    server: LockedServer, provider: OpenidProvider
) -> None:
    code = identity_code(provider.issuer, "leaver")
    with server.store.writing() as connection:
        add_account(connection, "leaver", Role.ADMIN, PASSWORD, now=server.now, actor="test")
        link_identity(connection, "leaver", code, now=server.now, actor="test")
    assert returned(server, provider, "leaver").status_code == 303
    with server.store.writing() as connection:
        remove_account(connection, "leaver", now=server.now, actor="test")
    ended = server.client.get("/staff", follow_redirects=False)
    assert ended.headers["location"] == "/staff/session"
    assert returned(server, provider, "leaver").status_code == 403
    with server.store.reading() as connection:
        rows = connection.execute(select(staff_identities)).all()
    assert len(rows) == 1
    assert SUBJECT.encode() not in rows[0].identity_hash


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_answer_of_the_provider_opens_nothing(
    server: LockedServer, provider: OpenidProvider, fault: str
) -> None:
    outcome, words = REFUSED[fault]
    address = begin(server)
    provider.change(fault=fault)
    back = provider.sign_in(address, SUBJECT)
    with captured_logs() as stream:
        response = server.client.get(
            RETURN, params=query_of(back), headers={"accept": "text/html"}, follow_redirects=False
        )
    assert response.status_code == (503 if fault == "broken" else 401)
    assert words in response.text
    assert "Traceback" not in response.text
    assert len(response.headers.get_list("set-cookie")) == 1
    (line,) = [each for each in log_lines(stream) if each["event"] == "sign_in_refused"]
    assert line["outcome"] == outcome
    assert SUBJECT not in stream.getvalue()


def test_cancelling_at_the_provider_leads_to_a_plain_page(
    server: LockedServer, provider: OpenidProvider
) -> None:
    response = returned(server, provider, None)
    assert response.status_code == 401
    assert "was cancelled or not allowed" in response.text


@pytest.mark.parametrize("wrong", ["state", "cookie", "no_cookie", "late", "twice"])
def test_a_return_that_is_not_of_this_browser_and_time_is_refused(
    server: LockedServer, provider: OpenidProvider, wrong: str
) -> None:
    back = query_of(provider.sign_in(begin(server), SUBJECT))
    if wrong == "state":
        back["state"] = back["state"][::-1]
    elif wrong == "cookie":
        begin(server)
    elif wrong == "no_cookie":
        server.client.cookies.clear()
    elif wrong == "late":
        server.later(timedelta(minutes=10))
    elif wrong == "twice":
        server.client.get(RETURN, params=back, follow_redirects=False)
    response = server.client.get(RETURN, params=back, follow_redirects=False)
    assert response.status_code == 401
    assert "took too long" in response.text
    assert "recommender=" not in response.headers["set-cookie"]


def test_a_code_without_the_verifier_of_its_browser_is_worth_nothing(
    server: LockedServer, provider: OpenidProvider
) -> None:
    stolen = query_of(provider.sign_in(begin(server), SUBJECT))["code"]
    own = query_of(provider.sign_in(begin(server), "attacker"))
    response = server.client.get(RETURN, params=own | {"code": stolen}, follow_redirects=False)
    assert response.status_code == 401


def test_new_keys_of_the_provider_are_read_at_once(
    server: LockedServer, provider: OpenidProvider
) -> None:
    assert returned(server, provider).status_code == 303
    provider.change(rotate=True)
    assert returned(server, provider).status_code == 303


def test_starts_and_returns_are_counted_like_passwords(server: LockedServer) -> None:
    for _ in range(LOGINS_PER_MINUTE):
        begin(server)
        server.client.get(RETURN, follow_redirects=False)
    for address in (START, RETURN):
        assert server.client.get(address, follow_redirects=False).status_code == 429
    form = {"name": "intake.desk", "password": PASSWORD}
    assert server.client.post("/staff/session", data=form, headers=SAME_SITE).status_code == 429


def test_without_passwords_only_the_provider_opens_a_session(
    server: LockedServer, provider: OpenidProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.auth, "passwords", False)
    assert "Password" not in read(server.client, "/staff/session").text
    form = {"name": "intake.desk", "password": PASSWORD}
    sent = server.client.post("/staff/session", data=form, headers=SAME_SITE)
    assert (sent.status_code, server.log_in().status_code) == (401, 401)
    assert returned(server, provider).status_code == 303


def test_a_provider_that_is_away_leads_to_a_plain_page(
    server: LockedServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = OpenidProvider(1).settings | {"store": "sqlite:///none.db"}
    away = open_provider(settings.model_copy(update=given))
    monkeypatch.setattr(server.auth, "provider", away)
    response = server.client.get(START, follow_redirects=False)
    assert response.status_code == 503
    assert "Example cannot be reached" in response.text
    assert read(server.client, "/staff/session").form("/session")


def test_without_a_provider_its_addresses_are_no_pages(locked: LockedServer) -> None:
    assert locked.client.get(START, headers={"accept": "text/html"}).status_code == 404
    assert locked.client.get(RETURN, headers={"accept": "text/html"}).status_code == 404
    assert "Sign in with" not in read(locked.client, "/staff/session").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"oidc_client_secret": None}, "oidc_client_secret"),
        ({"oidc_issuer": None}, "oidc_issuer"),
        ({"oidc_issuer": "http://login.example.org"}, "oidc_issuer"),
        ({"store": None}, "oidc_issuer"),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_the_start(
    settings: Settings, changes: dict[str, Any], field: str
) -> None:
    given = OpenidProvider(1).settings | {"store": "sqlite:///none.db"}
    with pytest.raises(RecommenderError) as refused:
        open_provider(settings.model_copy(update=given | changes))
    assert refused.value.field == field


def test_passwords_cannot_be_switched_off_without_a_provider(settings: Settings) -> None:
    with pytest.raises(RecommenderError, match="passwords: are off without a provider"):
        open_provider(settings.model_copy(update={"passwords": False}))


def test_empty_settings_are_none(settings: Settings) -> None:
    given = {"oidc_issuer": "", "oidc_client_id": "", "oidc_client_secret": SecretStr("")}
    assert open_provider(settings.model_copy(update=given)) is None


def linking(client: TestClient, provider: OpenidProvider, **headers: str) -> Any:
    """What comes of the button, up to the return from the provider."""
    way = client.get(f"{MINE}/identity", headers=headers or SAME_SITE, follow_redirects=False)
    if way.status_code != 303:
        return way
    back = query_of(provider.sign_in(way.headers["location"], "ines"))
    return client.get("/staff/session/provider/return", params=back)


def test_an_account_is_linked_by_a_button_and_unlinked_with_its_password(
    server: LockedServer, provider: OpenidProvider
) -> None:
    client = signed_in(server, Role.ADMIN)
    assert linking(client, provider, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert "you can sign in with Example" in linking(client, provider).text
    form = read(client, MINE).form("/identity/removal")
    assert "This is not the password" in send(client, form, password="wrong").text
    removed = send(client, form, password=PASSWORD)
    assert "The link is removed" in removed.text
    with server.store.reading() as connection:
        (mine,) = (i for i, name in account_names(connection).items() if name == "a.admin")
        assert mine not in linked_staff(connection)


def test_an_identity_of_somebody_else_is_not_linked_a_second_time(
    server: LockedServer, provider: OpenidProvider
) -> None:
    first = signed_in(server, Role.SCIENTIST)
    linking(first, provider)
    sign_in(server.client, "intake.desk")
    refused = linking(server.client, provider)
    assert refused.status_code == 409
    assert "already linked to another account here" in refused.text


def test_an_attempt_to_link_that_ends_in_another_session_links_nothing(
    server: LockedServer, provider: OpenidProvider
) -> None:
    client = server.client
    sign_in(client, "intake.desk")
    way = client.get(f"{MINE}/identity", headers=SAME_SITE, follow_redirects=False)
    back = query_of(provider.sign_in(way.headers["location"], "nora"))
    del client.cookies["recommender"]
    refused = client.get("/staff/session/provider/return", params=back)
    assert refused.status_code == 401
    assert "You are not signed in" in refused.text
