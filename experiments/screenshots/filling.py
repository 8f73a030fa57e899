"""Filling in forms of the staff pages as a person does. Imported by the walk and the tests."""

from collections.abc import Mapping

from playwright.sync_api import Locator, Page

from recommender.serving.staff import words

Filled = Mapping[str, str | list[str]]

ANSWERS: Filled = {
    "client_id": "c4711",
    "answer.main_concern": "anxiety",
    "answer.concerns": ["anxiety", "stress_burnout"],
    "answer.gad7": "13",
    "answer.phq9": "9",
    "answer.cnip_directiveness": "6",
    "answer.cnip_support": "3",
    "answer.modalities_wanted": ["act", "cbt"],
    "answer.languages_needed": ["english"],
    "answer.age_years": "34",
    "answer.service": "individual",
    "answer.risk_level": "level_2",
    "answer.funding": "medicare",
    "answer.referral_held": "yes",
    "answer.rebates_left": "10",
    "answer.max_fee": "240",
    "answer.modes_wanted": ["in_person"],
    "answer.home": "-33.898, 151.179",
    "answer.max_km": "12",
    "answer.jurisdiction": "nsw",
    "answer.hours_free.mon.start": "17:00",
    "answer.hours_free.mon.end": "20:00",
    "answer.hours_free.tue.start": "09:00",
    "answer.hours_free.tue.end": "12:30",
    "answer.hours_free.thu.start": "13:00",
    "answer.hours_free.thu.end": "20:00",
    "answer.model_consent": "yes",
}
"""What a client said on the phone."""


def fill(page: Page, filled: Filled) -> None:
    """Fills in fields by the names they are sent under."""
    for name, value in filled.items():
        fields = page.locator(f'main [name="{name}"]')
        if isinstance(value, list):
            for each in value:
                page.locator(f'main [name="{name}"][value="{each}"]').check()
        else:
            _fill(fields.first, value)


def press(page: Page, name: str) -> None:
    """Presses the first button of a name, and waits for what comes of it."""
    follow(page, page.locator("main").get_by_role("button", name=name, exact=True).first)


def follow(page: Page, button: Locator) -> None:
    """Presses what leads on, and waits for the page it leads to."""
    with page.expect_navigation():
        button.click()


def send(page: Page, filled: Filled, button: str = words.ASK) -> None:
    """Fills in a form and sends it."""
    fill(page, filled)
    press(page, button)


def _fill(field: Locator, value: str) -> None:
    if field.evaluate("each => each.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
