"""From signing in to a rating, with the keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.office import STAFF, Office

pytestmark = pytest.mark.slow

MOST_STOPS = 250
_FOCUSED = """
() => {
    const at = document.activeElement, style = getComputedStyle(at);
    const box = at.getBoundingClientRect();
    const named = at.getAttribute("aria-label") || (at.labels && at.labels[0]?.innerText)
        || at.innerText || "";
    return {
        name: named.trim(), tag: at.tagName, sent: at.name || "", id: at.id,
        ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        visible: box.top < innerHeight && box.bottom > 0,
    };
}
"""


class Hands:
    """Somebody who has a keyboard and no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, *, sent: str = "", name: str = "", id: str = "") -> None:
        """Moves on to a field, a button or a link; every stop on the way shows where it is."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(_FOCUSED)
            if at["tag"] == "BODY":
                continue
            assert at["ringed"], at
            assert at["visible"], at
            there = sent in ("", at["sent"]) and id in ("", at["id"])
            if there and at["name"].startswith(name):
                return
        raise AssertionError(f"no stop at {sent or name or id}")

    def type(self, sent: str, text: str, id: str = "") -> None:
        self.go(sent=sent, id=id)
        self.page.keyboard.type(text)

    def press(self, name: str, key: str = "Enter") -> None:
        self.go(name=name)
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def heading(self, name: str) -> None:
        self.page.get_by_role("heading", name=name, exact=True).first.wait_for()


@pytest.fixture
def hands(browser: Browser) -> Iterator[Hands]:
    page = browser.new_page(viewport=WIDE, locale="en-AU")
    yield Hands(page)
    page.close()


def signed_in(hands: Hands, office: Office) -> None:
    hands.page.goto(f"{office.url}/staff")
    hands.type("name", STAFF)
    hands.type("password", office.password)
    with hands.page.expect_navigation():
        hands.page.keyboard.press("Enter")
    hands.heading("Requests")


def asked(hands: Hands) -> None:
    hands.press("New request")
    hands.heading("New request")
    hands.page.keyboard.type("34")
    hands.type("answer.main_concern", "anx")
    hands.go(sent="answer.risk_level")
    hands.page.keyboard.press("ArrowDown")
    hands.type("answer.funding", "priv")
    hands.go(sent="answer.model_consent")
    hands.page.keyboard.press("ArrowRight")
    hands.press("Show clinicians")
    hands.heading("Who fits")


def test_the_first_stop_leads_past_the_navigation(hands: Hands, office: Office) -> None:
    hands.page.goto(f"{office.url}/staff/session")
    hands.press("Skip to the content")
    assert hands.page.evaluate("document.activeElement.id") == "content"
    hands.page.keyboard.press("Tab")
    assert hands.page.evaluate("document.activeElement.name") == "name"


def test_a_client_is_matched_followed_and_rated_by_keyboard(hands: Hands, office: Office) -> None:
    signed_in(hands, office)
    asked(hands)
    shown = hands.page.locator("article.card h2 a").all_inner_texts()
    hands.press("Choose")
    hands.heading(f"First appointment with {shown[0]}")
    stands = hands.page.locator("#decide ~ .wide tbody th").all_inner_texts()
    assert stands == [shown[0]]
    hands.type("client_id", "c8888")
    hands.press("Record first appointment")
    hands.heading("What happened")
    hands.type("session", "3", id="event-session")
    hands.press("Add")
    hands.type("session", "3", id="score-session")
    hands.type("score", "47")
    hands.press("Add")
    hands.page.get_by_text("47 (sum)").first.wait_for()


def test_another_is_asked_about_and_two_are_compared_by_keyboard(
    hands: Hands, office: Office
) -> None:
    signed_in(hands, office)
    asked(hands)
    hands.go(sent="why_not")
    hands.page.keyboard.press("ArrowDown")
    hands.press("Show why")
    hands.page.locator("#why-not-shown h3").wait_for()
    hands.page.locator("#content").focus()
    for _ in range(2):
        hands.go(sent="compare")
        hands.page.keyboard.press("Space")
    hands.press("Compare")
    hands.page.locator("#compared table").first.wait_for()
