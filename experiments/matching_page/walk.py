"""Every step and state of the matching page, one after the other, as clients come to see it.

It needs no script, so it is walked with and without.
"""

from collections.abc import Iterator, Mapping

from playwright.sync_api import Page

from experiments.screenshots.answers import Filled
from experiments.screenshots.filling import fill, follow

AGREES, DECLINES = "Yes, use my answers", "No, show who is free first"
CONTINUE, SHOW = "Continue", "Show who fits"
NAMES: Mapping[str, str] = {
    "answer.age_years": "age",
    "answer.main_concern": "about you",
    "answer.modes_wanted": "where to meet",
    "answer.hours_free": "times",
    "answer.funding": "paying",
    "answer.referral_held": "referral and gap",
    "answer.genders_wished": "who to see",
}
"""What a step is called, by a question on it."""
ANSWERS: Filled = {
    "answer.age_years": "34",
    "answer.main_concern": "anxiety",
    "answer.modes_wanted": ["in_person", "video"],
    "answer.home": "Newtown",
    "answer.hours_free": ["mon-2", "tue-0", "wed-1", "wed-2", "thu-2"],
    "answer.funding": "medicare",
    "answer.referral_held": "yes",
    "answer.max_gap": "150",
    "answer.modalities_wanted": ["cbt"],
}
"""What a client answers of the first questions; the others are left blank."""
IN_SIGHT: Filled = {
    name: answer for name, answer in ANSWERS.items() if name != "answer.modalities_wanted"
}
"""The same without lists that are opened on demand."""
NOBODY: Filled = {
    **ANSWERS,
    "answer.modes_wanted": ["in_person"],
    "answer.hours_free": ["mon-2", "tue-2"],
    "answer.max_gap": "60",
}
"""Evenings in the rooms for a gap that nobody of the sample practice asks for then."""
QUICK_MS = 3_000
"""A list is refused in less time than a person needs."""


def press(page: Page, name: str) -> None:
    """Presses the first button whose name begins so, and waits for the page that follows."""
    follow(page, page.locator("main").get_by_role("button", name=name).first)


def begin(page: Page, url: str, consent: str = AGREES) -> None:
    """From the first page to the first question, for a client who is safe."""
    page.goto(f"{url}/match")
    press(page, consent)
    page.locator('[name="safety.0"][value="no"]').check()
    press(page, CONTINUE)


def questions(page: Page, answers: Filled = ANSWERS) -> Iterator[str]:
    """The name of each step of the questions, while it is filled in; ends at the last look."""
    while page.get_by_role("button", name=CONTINUE, exact=True).count():
        yield _fill(page, answers)
        press(page, CONTINUE)


def to_list(page: Page, url: str, answers: Filled = ANSWERS, consent: str = AGREES) -> None:
    """The whole way to a list."""
    begin(page, url, consent)
    for _ in questions(page, answers):
        pass
    show(page)


def show(page: Page) -> None:
    """From the last look to the list, at the pace of a person."""
    press(page, SHOW)
    if page.get_by_role("button", name=SHOW, exact=True).count():
        page.wait_for_timeout(QUICK_MS)
        press(page, SHOW)


def walk(page: Page, url: str) -> Iterator[str]:
    """The name of each state, while the page shows it."""
    page.goto(f"{url}/match")
    yield "agree"
    press(page, AGREES)
    yield "safety"
    press(page, CONTINUE)
    yield "safety, left open"
    page.locator('[name="safety.0"][value="yes"]').check()
    press(page, CONTINUE)
    yield "at risk"
    begin(page, url)
    yield from _ages(page)
    for name in questions(page):
        if name != "age":
            yield name
    yield "check"
    press(page, "Answer more questions")
    yield "more questions"
    press(page, "Back")
    for _ in questions(page):
        pass
    show(page)
    yield "list"
    press(page, "Ask for this psychologist")
    yield "asked"
    press(page, "Back to the list")
    press(page, "Help me choose")
    yield "help"
    yield from _others(page, url)


def _ages(page: Page) -> Iterator[str]:
    page.locator('[name="answer.age_years"]').fill("many")
    press(page, CONTINUE)
    yield "age, not read"
    page.locator('[name="answer.age_years"]').fill("15")
    press(page, CONTINUE)
    yield "minor"
    press(page, "Change my age")
    yield "age"


def _others(page: Page, url: str) -> Iterator[str]:
    to_list(page, url, ANSWERS, DECLINES)
    yield "list, declined"
    to_list(page, url, NOBODY)
    yield "nobody fits"
    follow(page, page.locator('button[value^="change:"]').first)
    yield "list, changed"
    for name, state in {"token": "expired", "website": "trapped"}.items():
        page.goto(f"{url}/match")
        page.locator(f'[name="{name}"]').evaluate("each => { each.value = 'other' }")
        press(page, AGREES)
        yield state
    page.goto(f"{url}/match/leave")
    yield "left"
    page.goto(f"{url}/match/nowhere")
    yield "not found"


def _fill(page: Page, answers: Filled) -> str:
    """Fills in what is asked here, and gives the name of the step."""

    def asked(field: str) -> bool:
        return page.locator(f'main [name="{field}"]').count() > 0

    name = "more questions"
    for field, step in NAMES.items():
        if asked(field):
            name = step
    for field, answer in answers.items():
        if asked(field):
            fill(page, {field: answer})
    return name
