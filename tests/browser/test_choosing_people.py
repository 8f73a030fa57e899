"""Clinicians are found by name among many: with the keyboard, on a phone, and without script."""

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import follow, press, send
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request
from tests.support.browser_checks import NARROW, Looker

pytestmark = pytest.mark.slow

FIELD = "answer.blocked_clinicians"
TICKED = f'[name="{FIELD}"]:checked'
WISHES = "#more-wishes > summary"
CLINICIANS = 24


def first_shown(page: Page, counter: Office) -> tuple[str, str]:
    """Id and name of the clinician shown first to a client who blocked nobody."""
    new_request(page, counter)
    send(page, ANSWERS)
    shown = page.locator("#why_not optgroup[label=Fits] option").first
    return shown.get_attribute("value") or "", shown.inner_text()


def fitting(page: Page) -> list[str]:
    offered = page.locator("#why_not optgroup[label=Fits] option")
    return [each.get_attribute("value") or "" for each in offered.all()]


def test_somebody_is_found_and_blocked_with_the_keyboard(
    browser: Browser, axe: str, counter: Office
) -> None:
    page = browser.new_page(viewport=WIDE)
    looker = Looker(page, axe, counter.url)
    clinician_id, name = first_shown(page, counter)
    assert clinician_id in fitting(page)
    new_request(page, counter)
    page.locator(WISHES).click()
    line, ticked = page.locator(f'[list="people"][name="{FIELD}"]'), page.locator(TICKED)
    line.focus()
    page.keyboard.type(name.split(" (")[0].upper())
    page.keyboard.press("Enter")
    assert page.url.endswith("/new")
    expect(line).to_have_value("")
    expect(ticked).to_have_value(clinician_id)
    expect(page.get_by_label(clinician_id)).to_be_checked()
    page.keyboard.type(clinician_id)
    page.keyboard.press("Tab")
    expect(ticked).to_have_count(1)
    expect(line).to_have_value("")
    assert looker.look().barriers == []
    send(page, ANSWERS)
    assert clinician_id not in fitting(page)
    assert name.split(" (")[0] in (page.locator("#used table").first.text_content() or "")
    page.close()


def test_on_a_phone_without_script_everybody_is_there(browser: Browser, counter: Office) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=NARROW, has_touch=True)
    page = context.new_page()
    clinician_id, _ = first_shown(page, counter)
    new_request(page, counter)
    assert page.locator("#people option").count() == CLINICIANS
    page.locator(WISHES).tap()
    page.locator(f'[list="people"][name="{FIELD}"]').fill(clinician_id)
    send(page, ANSWERS)
    assert clinician_id not in fitting(page)
    follow(page, page.get_by_role("link", name="Change answers"))
    ticked = page.locator(TICKED)
    expect(ticked).to_have_count(1)
    expect(ticked).to_be_visible()
    press(page, "Show clinicians")
    assert clinician_id not in fitting(page)
    context.close()
