"""`/docs` in a browser: under the strict policy, nothing from elsewhere, on small screens too."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.office import Office
from tests.support.browser_checks import TAGS, Looker

pytestmark = pytest.mark.slow

OWN_PART = ["header", "#start", "#operations > nav"]
OF_RENDERER = {"nested-interactive", "scrollable-region-focusable", "select-name"}
"""Rules that Swagger UI 5.35.0 violates: a link within a button, blocks that scroll and cannot be
focused, selects without a name. Nothing else may be added."""
OPERATION = "#operations-recommendations-recommend"
VIOLATED = "([at, tags]) => axe.run(at, {runOnly: tags}).then(f => f.violations.map(v => v.id))"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport=WIDE)
    yield page
    page.close()


def test_an_operation_is_opened_and_called_and_the_policy_refuses_nothing(
    page: Page, counter: Office, axe: str
) -> None:
    looker = Looker(page, axe, counter.url)
    page.goto(f"{counter.url}/docs")
    page.locator(f"{OPERATION} button").first.click()
    page.locator(f"{OPERATION} .opblock-description").wait_for()
    page.evaluate(axe)
    assert page.evaluate(VIOLATED, [OWN_PART, TAGS]) == []
    assert set(page.evaluate(VIOLATED, ["#reference", TAGS])) <= OF_RENDERER
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(f"{OPERATION} .live-responses-table")
    answer.wait_for()
    assert '"shortlist"' in answer.inner_text()
    assert (looker.heard.errors, looker.heard.elsewhere) == ([], [])


def test_nothing_reaches_over_the_edge_of_a_small_screen(page: Page, counter: Office) -> None:
    page.goto(f"{counter.url}/docs?role=browser")
    page.locator(f"{OPERATION} button").first.click()
    page.locator(f"{OPERATION} .opblock-description").wait_for()
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_javascript_the_quick_start_and_the_list_of_operations_are_read(
    browser: Browser, counter: Office
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{counter.url}/docs")
    read = page.locator("main").inner_text()
    assert f"curl {counter.url}/v1/recommendations" in read
    assert "Recommend clinicians for one client" in read
    page.close()
