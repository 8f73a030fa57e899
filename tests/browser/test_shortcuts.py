"""Keyboard shortcuts, and the menu of a narrow window, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.office import Office
from experiments.screenshots.walk import sign_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser: Browser, office: Office) -> Iterator[Page]:
    page = browser.new_page(viewport=WIDE)
    sign_in(page, office)
    yield page
    page.close()


def test_keys_open_pages_and_the_search(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/staff")
    with page.expect_navigation():
        page.keyboard.press("n")
    assert page.url.endswith("/staff/requests/new")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("c")
    assert page.url.endswith("/staff/clinicians")
    with page.expect_navigation():
        page.keyboard.press("/")
    expect(page.locator("#sought")).to_be_focused()


def test_a_letter_typed_into_a_field_is_only_a_letter(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/staff#search")
    page.keyboard.type("n?")
    expect(page.locator("#sought")).to_have_value("n?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_list_of_keys_can_switch_them_off(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/staff/clinicians")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("New request")
    box = keys.get_by_label("Use keyboard shortcuts on this computer")
    box.uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("n")
    page.keyboard.press("?")
    assert page.url.endswith("/staff/clinicians")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    box.check()
    keys.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(keys).to_be_visible()


def test_a_narrow_window_has_its_pages_in_a_menu(page: Page, office: Office) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(f"{office.url}/staff")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(pages.get_by_role("link", name="Requests")).to_have_attribute("aria-current", "page")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    with page.expect_navigation():
        pages.get_by_role("link", name="Clinicians", exact=True).click()
    page.set_viewport_size(WIDE)


def test_the_name_has_the_focus_where_one_signs_in(browser: Browser, office: Office) -> None:
    page = browser.new_page()
    page.goto(office.url)
    expect(page.get_by_label("Name")).to_be_focused()
    page.close()
