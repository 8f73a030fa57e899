"""A renderer of forms that knows nothing of us shows the questions of a practice, and its answers
are those of a request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.office import Office
from tests.support.browser_checks import missing

pytestmark = pytest.mark.slow

BUNDLE = Path(__file__).parents[2] / "var" / "browser" / "questions_form.bundle.js"
EMPTY_PAGE = '<!doctype html><html lang="en"><title>Form</title><body></body></html>'
FUNDING, REFERRAL = "How will sessions be paid for?", "Do you have a referral"
NDIS = "How is your NDIS plan managed?"


@pytest.fixture
def questions(counter: Office) -> dict[str, Any]:
    """The questions to clients of a live server."""
    response = httpx.get(f"{counter.url}/v1/questions?audience=client")
    assert response.status_code == 200
    return dict(response.json())


@pytest.fixture
def page(browser: Browser, questions: dict[str, Any]) -> Iterator[Page]:
    """The form, as react-jsonschema-form shows it."""
    if not BUNDLE.exists():
        missing("no renderer of forms in var/browser: run `make browser`, which needs npm")
    page = browser.new_page(viewport=WIDE)
    page.set_content(EMPTY_PAGE)
    page.add_script_tag(path=BUNDLE)
    page.evaluate("questions => showQuestions(questions)", questions)
    page.get_by_label("How old are you?").wait_for()
    yield page
    page.close()


def test_a_public_renderer_shows_the_form_and_its_answers_bring_a_shortlist(
    page: Page, counter: Office, questions: dict[str, Any]
) -> None:
    referral = page.get_by_label(REFERRAL)
    page.get_by_label("How old are you?").fill("34")
    page.get_by_label("What would you most like help with?").select_option("Anxiety or worry")
    page.get_by_label("Video").check()

    expect(referral).to_have_count(0)
    page.get_by_label(FUNDING).select_option("Medicare (with a GP referral)")
    referral.select_option("Yes")
    page.get_by_label(FUNDING).select_option("NDIS plan")
    expect(referral).to_have_count(0)
    expect(page.get_by_label(NDIS)).to_have_count(1)
    page.get_by_label(FUNDING).select_option("Private, or private health insurance")
    expect(page.get_by_label(NDIS)).to_have_count(0)

    page.locator("#root_hours_free").get_by_role("button").click()
    for part, choice in (("day", "Thursday"), ("start", "09:00"), ("end", "17:30")):
        page.locator(f"#root_hours_free_0_{part}").select_option(choice)
    page.locator("#root_home").get_by_role("button").click()
    page.get_by_label("Postcode").select_option("2042 Newtown")
    page.get_by_label("May we use your answers").select_option("Yes")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_function("window.answers !== undefined || window.faults !== undefined")

    assert page.evaluate("window.faults ?? []") == []
    answers = page.evaluate("window.answers")
    assert answers == {
        "age_years": 34,
        "main_concern": "anxiety",
        "modes_wanted": ["video"],
        "home": [{"postcode": "2042"}],
        "hours_free": [{"day": "thu", "start": "09:00", "end": "17:30"}],
        "funding": "private",
        "model_consent": True,
    }
    # The client answered no to each question on safety.
    whole = {"answers": answers | questions["safety"]["answers"]}
    made = httpx.post(f"{counter.url}/v1/recommendations", json=whole)
    assert made.is_success
    assert made.json()["shortlist"]
