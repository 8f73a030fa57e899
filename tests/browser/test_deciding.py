"""Deciding, starting, undoing and finding again, as a front desk does it in a browser."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.filling import press, send
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request, sign_in
from tests.support.browser_checks import WIDE, Looker

pytestmark = pytest.mark.slow

CLIENT = "C-1042"
FAULT = "document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ')[0]).innerText"


@pytest.fixture(scope="module", params=[True, False], ids=["script", "no script"])
def desk(browser: Browser, new_office: Office, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A request of C-1042 on which nothing is decided, with and without script."""
    context = browser.new_context(viewport=WIDE, java_script_enabled=request.param)
    page = context.new_page()
    sign_in(page, new_office)
    new_request(page, new_office)
    send(page, {**ANSWERS, "client_id": CLIENT})
    yield page
    context.close()


def focused(page: Page) -> str:
    return str(page.locator(":focus").get_attribute("id"))


def override(page: Page) -> None:
    page.locator("#override-clinician_id").select_option(index=2)
    press(page, "Override")


def test_a_front_desk_decides_starts_undoes_and_finds_it_again(
    desk: Page, axe: str, new_office: Office
) -> None:
    page, address = desk, desk.url
    seen = []
    has_script = page.evaluate("1") == 1 if False else True
    del has_script
    looker = Looker(page, axe, new_office.url)

    override(page)
    chosen = page.locator("#override-clinician_id").input_value()
    assert chosen
    assert focused(page) == "override-reason"
    expect(page.locator("#override-reason-fault")).to_be_in_viewport()
    seen.append(looker.look())
    page.locator("#override-reason").select_option("client_asked")
    press(page, "Override")
    assert page.url == f"{address}#decide"
