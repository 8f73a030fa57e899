"""Signing in with an OpenID provider, in a real browser."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.walk import sign_out
from recommender.security.accounts import add_account
from recommender.security.linked_identities import identity_code, link_identity
from recommender.security.scopes import Role
from tests.support.openid_provider import CLIENT_SECRET, OpenidProvider
from tests.support.server import PEPPER, store_with_schema
from tests.support.server_process import running_server

pytestmark = pytest.mark.slow

SUBJECT = "8c1f-ines-at-example"


@pytest.fixture(scope="module")
def address(
    provider: OpenidProvider, practice_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server without passwords, with one account that is linked."""
    url = f"sqlite:///{tmp_path_factory.mktemp('provider')}/recommender.db"
    now, code = datetime.now(UTC), identity_code(provider.issuer, SUBJECT)
    with closing(store_with_schema(url)) as store, store.writing() as connection:
        add_account(connection, "intake.desk", Role.STAFF, None, now=now, actor="test")
        link_identity(connection, "intake.desk", code, now=now, actor="test")
    given = provider.settings | {
        "bundle": practice_files / "bundle",
        "roster": practice_files / "clinicians.csv",
        "store": url,
        "pepper": PEPPER,
        "oidc_client_secret": CLIENT_SECRET,
        "passwords": "false",
    }
    with running_server(**given) as port:
        yield f"http://localhost:{port}/staff"


def test_a_person_signs_in_out_and_cancels_with_the_policy_of_pages_in_force(
    browser: Browser, address: str
) -> None:
    # Another host than the provider's: its page is of another site, as in a practice.
    page, complaints = browser.new_page(viewport=WIDE, locale="en-AU"), list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 40" not in message.text:
            complaints.append(message.text)

    page.on("console", note)
    page.goto(address)
    assert page.get_by_label("Password").count() == 0
    for answer, heading in (("Continue", "Requests"), ("Cancel", "You are not signed in")):
        page.get_by_role("link", name="Sign in with Example").click()
        page.get_by_label("Account").fill(SUBJECT)
        page.get_by_role("button", name=answer).click()
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        if answer == "Continue":
            held = page.context.cookies()
            assert [(each["name"], each["sameSite"]) for each in held] == [("recommender", "Lax")]
            sign_out(page)
    page.get_by_role("link", name="Back to signing in").click()
    page.get_by_role("link", name="Sign in with Example").click()
    page.get_by_label("Account").fill("somebody else")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Your account is not linked here").wait_for()
    assert complaints == []
    page.close()
