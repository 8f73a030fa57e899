"""A call: the form in the order of the questions on the phone, few keys, and who fits so far."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from experiments.screenshots.chromium import PHONE, WIDE
from experiments.screenshots.filling import unfold
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request, sign_in
from tests.support.browser_checks import Looker
from tests.support.reading import new_words

pytestmark = pytest.mark.slow

MOST_SCREENS = {1280: 2.0, 390: 4.0}
MOST_KEYS, MOST_TABS = 60, 25
MOST_FORM_WORDS, MOST_MINUTES = 150, 2.0
WORDS_A_MINUTE, KEYS_A_MINUTE = 200, 200
"""Reading, and typing of 40 words a minute with five keys each."""
CALL = (
    ("answer.age_years", "34"),
    ("answer.main_concern", "a"),
    ("answer.risk_level", "ArrowDown ArrowDown"),
    ("answer.funding", "m"),
    ("answer.referral_held", "ArrowDown"),
    ("answer.max_gap", "90"),
    ("answer.modes_wanted", "Space"),
    ("answer.home", "2042"),
    ("answer.hours_free.times", "tue thu arvo"),
    ("answer.genders_wished", "Space"),
    ("answer.model_consent", "ArrowDown"),
    ("client_id", "c1042"),
)
"""Each question with the keys that answer it: the names of keys, or letters to type."""
SENT = {
    "answer.age_years": ["34"],
    "answer.main_concern": ["anxiety"],
    "answer.risk_level": ["level_2"],
    "answer.funding": ["medicare"],
    "answer.referral_held": ["yes"],
    "answer.max_gap": ["90"],
    "answer.modes_wanted": ["in_person"],
    "answer.home": ["2042"],
    "answer.hours_free.times": ["tue thu arvo"],
    "answer.genders_wished": ["woman"],
    "answer.model_consent": ["yes"],
    "client_id": ["c1042"],
}
_SENT = """
() => {
    const sent = {};
    for (const [name, value] of new FormData(document.getElementById("intake")))
        if (value && !/^(csrf_token|draft_writer|top_k|mode[.].*)$/.test(name))
            (sent[name] ??= []).push(value);
    return sent;
}
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport=WIDE, locale="en-AU")
    yield page
    page.close()


@pytest.fixture
def without_script(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=False, viewport=WIDE)
    yield context
    context.close()


def fits(page: Page, text: str) -> None:
    expect(page.locator("#fits")).to_contain_text(re.compile(text))


def field(page: Page, name: str, value: str = "") -> str:
    chosen = f'[value="{value}"]' if value else ""
    return f'main [name="{name}"]{chosen}'


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["desk", "phone"])
def test_the_questions_of_a_call_take_few_screens(
    browser: Browser, counter: Office, screen: ViewportSize
) -> None:
    page = browser.new_page(viewport=screen)
    new_request(page, counter)
    box = page.locator("#more").bounding_box()
    assert box is not None
    assert box["y"] / screen["height"] <= MOST_SCREENS[screen["width"]]
    page.close()


@dataclass(frozen=True, slots=True)
class Call:
    """What a call took: keys, of them Tab, and words read of the form and of the result."""

    sent: dict[str, list[str]]
    keys: int
    tabs: int
    form_words: int
    result_words: int

    @property
    def minutes(self) -> float:
        """Reading and typing, one after the other."""
        read = (self.form_words + self.result_words) / WORDS_A_MINUTE
        return read + self.keys / KEYS_A_MINUTE


@pytest.fixture(scope="module")
def call(browser: Browser, office: Office) -> Call:
    """A call from an empty form to a decision written down, with the keyboard."""
    page = browser.new_page(viewport=WIDE, locale="en-AU")
    sign_in(page, office)
    new_request(page, office)
    fits(page, "still needed")
    form_words, keys, tabs = new_words(page, "#more", within="body"), 0, 0
    for name, answer in CALL:
        while page.evaluate("document.activeElement.name") != name:
            page.keyboard.press("Tab")
            tabs += 1
            assert tabs <= MOST_TABS, name
        named = re.fullmatch(r"(Space|Arrow\w+)( Arrow\w+)*", answer)
        for key in answer.split() if named else answer:
            page.keyboard.press(key)
            keys += 1
    expect(page.locator('[id="answer.hours_free-read"]')).to_contain_text("Read as")
    form_words += new_words(page, "#more")
    sent = page.evaluate(_SENT)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    result_words = new_words(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Choose", exact=True).first.click()
    expect(page.locator("main")).to_contain_text("Chosen")
    page.close()
    return Call(sent, keys + tabs + 2, tabs, form_words, result_words)


def test_a_call_of_twelve_answers_takes_few_keys(call: Call) -> None:
    assert call.sent == SENT
    assert call.tabs <= MOST_TABS
    assert call.keys <= MOST_KEYS


def test_from_an_empty_form_to_a_decision_written_down_takes_two_minutes(call: Call) -> None:
    """Words shown, at 200 a minute, and keys, of which 200 make 40 words a minute.

    Read are all words of the form's first part with the navigation, those that an answer adds, and
    the first screen of the result without the navigation, which is the same; typed are the answers,
    the Tab keys between them, Enter, and the press on *Choose*. 150 words of the form and 195 of
    the result take 1.73 minutes, 51 keys another 0.26.
    """
    print(call, f"{call.minutes:.2f} minutes")  # noqa: T201
    assert call.form_words <= MOST_FORM_WORDS
    assert call.minutes <= MOST_MINUTES


def test_only_questions_that_apply_are_shown_and_sent(page: Page, counter: Office) -> None:
    new_request(page, counter)
    referral = page.locator('[id="answer.referral_held"]')
    expect(referral).to_be_hidden()
    page.select_option(field(page, "answer.funding"), "medicare")
    expect(referral).to_be_visible()
    page.check(field(page, "answer.referral_held", "yes"))
    page.select_option(field(page, "answer.funding"), "ndis")
    expect(referral).to_be_hidden()
    expect(page.locator('[id="answer.ndis_management"]')).to_be_visible()
    assert page.evaluate(_SENT) == {"answer.funding": ["ndis"]}


def test_the_count_follows_the_answers_and_leads_to_what_is_missing(
    page: Page, axe: str, counter: Office
) -> None:
    looker = Looker(page, axe, counter.url)
    new_request(page, counter)
    fits(
        page,
        r"\d+ of 24 fit; still needed: age, level of care",
    )
    page.fill(field(page, "answer.age_years"), "34")
    page.get_by_role("link", name="level of care (IAR)").click()
    assert page.evaluate("document.activeElement.id") == "answer.risk_level"
    page.select_option(field(page, "answer.risk_level"), "level_1")
    page.select_option(field(page, "answer.funding"), "private")
    page.fill(field(page, "answer.hours_free.times"), "weekdays after 5pm; not Fri")
    expect(page.locator('[id="answer.hours_free-read"]')).to_have_text(
        "Read as: Monday to Thursday from 5 pm."
    )
    fits(page, r"^\s*\d+ of 24 fits?\s*$")
    page.fill(field(page, "answer.hours_free.times"), "whenever")
    fits(page, "cannot be read yet: times of the week that suit")
    seen = looker.look()
    assert (seen.barriers, seen.errors, seen.elsewhere, seen.overflowing) == ([], [], [], [])
    assert (seen.faint, seen.unprinted, seen.lost) == ([], [], False)


def test_the_count_is_that_of_the_request(page: Page, counter: Office) -> None:
    new_request(page, counter)
    page.fill(field(page, "answer.age_years"), "34")
    page.select_option(field(page, "answer.risk_level"), "level_1")
    page.select_option(field(page, "answer.funding"), "private")
    fits(page, r"^\s*\d+ of 24 fits?\s*$")
    count = page.locator("#fits strong").inner_text().split()[0]
    with page.expect_navigation():
        page.get_by_role("button", name="Show clinicians").click()
    assert f"{count} of 24 clinicians fit" in page.locator("main").inner_text()


def test_a_refused_form_has_the_focus_on_what_is_wrong_and_everything_typed(
    page: Page, axe: str, counter: Office
) -> None:
    looker = Looker(page, axe, counter.url)
    new_request(page, counter)
    page.fill(field(page, "answer.hours_free.times"), "whenever")
    page.fill(field(page, "answer.max_gap"), "sixty")
    unfold(page, "answer.max_km")
    page.fill(field(page, "answer.max_km"), "7")
    page.check(field(page, "answer.hours_free", "sat-1"))
    before = page.evaluate(_SENT)
    with page.expect_navigation():
        page.get_by_role("button", name="Show clinicians").click()
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert page.evaluate(_SENT) == before
    expect(page.locator(field(page, "answer.max_km"))).to_be_visible()
    for name in ("answer.age_years", "answer.max_gap", "answer.hours_free.times"):
        expect(page.locator(f'[id="{name}-fault"]')).to_be_visible()
        page.locator(f'.wrong a[href="#{name}"]').click()
        assert page.evaluate("document.activeElement.id") == name
    seen = looker.look()
    assert (seen.barriers, seen.errors, seen.overflowing, seen.lost) == ([], [], [], False)


def test_an_unanswered_question_that_decides_is_one_link_away_from_the_result(
    page: Page, counter: Office
) -> None:
    new_request(page, counter)
    page.fill(field(page, "answer.age_years"), "34")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "triage" not in page.locator("main").inner_text()
    with page.expect_navigation():
        page.get_by_role("link", name="Level of care needed").first.click()
    assert page.url.endswith("/again#answer.risk_level")
    expect(page.locator('[id="answer.risk_level"]')).to_be_in_viewport()
    expect(page.locator(field(page, "answer.age_years"))).to_have_value("34")


def test_without_script_everything_is_there_beside_what_it_depends_on(
    without_script: BrowserContext, counter: Office
) -> None:
    page = without_script.new_page()
    new_request(page, counter)
    expect(page.locator('[id="answer.referral_held"]')).to_contain_text("Only for Medicare")
    page.fill(field(page, "answer.age_years"), "34")
    page.select_option(field(page, "answer.funding"), "private")
    page.check(field(page, "answer.referral_held", "yes"))
    with page.expect_navigation():
        page.get_by_role("button", name="Show clinicians").click()
    expect(page.get_by_role("heading", name="Answers that do not apply")).to_be_visible()
    expect(page.locator(field(page, "answer.funding"))).to_have_value("private")
    with page.expect_navigation():
        page.get_by_role("button", name="Show clinicians").click()
    expect(page.get_by_role("link", name="Change answers")).to_be_visible()
