"""With script, an answer takes its place on the page; the page stays as the reader left it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import fill, press, send
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request
from tests.support.browser_checks import Looker

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Browser, counter: Office) -> Iterator[Page]:
    """A request somebody reads."""
    page = browser.new_page(viewport=WIDE)
    new_request(page, counter)
    send(page, ANSWERS)
    yield page
    page.close()


def fitting(page: Page) -> list[str]:
    ticks = page.locator('[name="compare"][type="checkbox"]')
    return [str(each) for each in ticks.evaluate_all("all => all.map(each => each.value)")]


def test_an_answer_takes_its_place_and_nothing_else_moves(page: Page, counter: Office) -> None:
    looker = Looker(page, "", counter.url)
    page.reload()
    page.evaluate("window.same = true")
    page.locator("#used > summary").click()
    fill(page, {"why_not": fitting(page)[-1]})
    press(page, "Show why")
    page.locator("#why-not-shown .compared").wait_for()
    assert page.evaluate("window.same")
    assert page.evaluate("document.activeElement.innerText") == "Show why"
    assert page.locator("#used[open]").count() == 1
    assert "why_not=" in page.url
    fill(page, {"compare": fitting(page)[:2]})
    press(page, "Compare")
    page.locator("#compared .compared").first.wait_for()
    assert page.locator("#why-not-shown .compared").count() == 1
    assert (looker.heard.errors, looker.heard.elsewhere) == ([], [])


def test_what_was_asked_is_there_when_the_address_is_opened_again(page: Page) -> None:
    fill(page, {"why_not": fitting(page)[-1]})
    press(page, "Show why")
    told = page.locator("#why-not-shown")
    told.locator(".compared").wait_for()
    said = told.inner_text()
    page.reload()
    assert told.inner_text() == said
    page.go_back()
    page.locator("#why-not-shown:empty, #why-not-shown:not(:has(*))").wait_for(state="attached")


def test_the_browser_keeps_where_it_is_and_nothing_of_what_it_shows(page: Page) -> None:
    fill(page, {"why_not": fitting(page)[-1]})
    press(page, "Show why")
    page.locator("#why-not-shown .compared").wait_for()
    kept = page.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)]")
    assert all(page.url.endswith(each) for each in kept)


def test_a_refusal_takes_the_place_of_the_page(page: Page) -> None:
    page.locator("#why_not").evaluate("each => { each.options[1].value = 'nobody'; }")
    fill(page, {"why_not": "nobody"})
    page.locator("main").get_by_role("button", name="Show why", exact=True).click()
    page.get_by_text("quote this number when you ask for help").wait_for()
    assert page.locator("main").count() == 1
