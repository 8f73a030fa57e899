"""The page of a request as somebody on the phone needs it: counts of screens, pages and words."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from experiments.screenshots.answers import ANSWERS, Filled
from experiments.screenshots.chromium import PHONE, WIDE
from experiments.screenshots.filling import follow, press, send
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request, sign_in
from tests.support.browser_checks import Looker, failing

pytestmark = pytest.mark.slow

MANY: Filled = {**ANSWERS, "answer.max_fee": "", "answer.max_km": "60"}
FEW: Filled = {**ANSWERS, "answer.max_fee": "200", "answer.max_km": "60"}
MOST_SCREENS, MOST_SAME, MOST_WORDS = 2.5, 1 / 3, 205
CARDS = "article.card"
_BOTTOMS = "all => all.map(each => each.getBoundingClientRect().bottom)"
_SEEN = """() => {
  const seen = [], texts = document.createTreeWalker(
    document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, within = text.parentElement;
    if (!within.checkVisibility() || within.closest(".aloud, option")) continue;
    const part = document.createRange();
    for (const word of text.textContent.matchAll(/\\S+/g)) {
      part.setStart(text, word.index);
      part.setEnd(text, word.index + word[0].length);
      const box = part.getBoundingClientRect();
      if (box.width && box.top >= 0 && box.bottom <= innerHeight) seen.push(word[0]);
    }
  }
  return seen;
}"""
"""The words of a page that can be read without scrolling."""
_WORDS = re.compile(r"[\w$.]+")


@pytest.fixture(scope="module")
def page(browser: Browser, office: Office) -> Iterator[Page]:
    """Five clinicians for one client."""
    page = browser.new_page(viewport=WIDE)
    sign_in(page, office)
    new_request(page, office)
    send(page, MANY)
    assert page.locator(CARDS).count() == 5
    yield page
    page.close()


@pytest.fixture
def wide(page: Page) -> Iterator[Page]:
    """The same, put back as a person has it on a wide screen."""
    address = page.url.partition("?")[0]
    page.goto(address)
    yield page
    page.set_viewport_size(WIDE)


def bottoms(page: Page) -> list[float]:
    found: list[float] = page.locator(CARDS).evaluate_all(_BOTTOMS)
    return found


def test_three_clinicians_are_on_the_first_screen(wide: Page) -> None:
    assert sum(bottom <= WIDE["height"] for bottom in bottoms(wide)) >= 3


def test_the_first_screen_is_read_in_a_minute(wide: Page) -> None:
    words = wide.evaluate(_SEEN)
    assert 100 < len(words) <= MOST_WORDS, " ".join(words)
    for question in ("Why not someone else?", "What would open more?"):
        assert question in " ".join(words)
    assert re.search(r"Why (\S+ \S+) is first: ", " ".join(words))


def test_one_and_a_half_are_on_the_first_screen_of_a_phone(wide: Page) -> None:
    wide.set_viewport_size(PHONE)
    first, second, *_ = wide.locator(CARDS).evaluate_all(
        "all => all.map(each => [each.getBoundingClientRect().top, "
        "each.getBoundingClientRect().bottom])"
    )
    assert first[1] <= PHONE["height"]
    assert (second[0] + second[1]) / 2 <= PHONE["height"]


def test_the_page_is_two_and_a_half_screens(wide: Page) -> None:
    height = wide.evaluate("document.documentElement.scrollHeight")
    assert height / WIDE["height"] <= MOST_SCREENS


def test_it_prints_on_one_sheet_with_the_cards_the_date_and_who_was_chosen(wide: Page) -> None:
    press(wide, "Choose")
    chosen = wide.locator(f"{CARDS} h2 a").first.inner_text()
    pdf = wide.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    wide.emulate_media(media="print")
    printed = wide.locator("main").inner_text()
    names = [each.partition(". ")[2] for each in wide.locator(f"{CARDS} h2").all_inner_texts()]
    assert len(names) == 5
    wide.emulate_media(media="screen")
    assert all(name in printed for name in names)
    assert re.search(rf"Chosen: {chosen}, \d+ \w+ \d{{4}}", printed)
    assert re.search(r"Asked \d+ \w+ \d{4}", printed)
    assert "Why not someone else" not in printed


def test_at_most_a_third_of_the_words_on_five_cards_are_on_all_five(wide: Page) -> None:
    for folded in wide.locator(f"{CARDS} > details > summary").all():
        folded.click()
    texts = wide.locator(CARDS).all_inner_texts()
    words = [Counter(_WORDS.findall(text.lower())) for text in texts]
    same = words[0]
    for others in words[1:]:
        same &= others
    total = sum(each.total() for each in words)
    assert total > 100
    assert len(words) * same.total() / total <= MOST_SAME, same


def test_where_few_fit_what_would_open_more_is_beside_them(wide: Page, office: Office) -> None:
    new_request(wide, office)
    send(wide, FEW)
    shown = wide.locator(CARDS).count()
    assert 0 < shown < 5
    offers = wide.locator("aside.offers")
    assert offers.evaluate("each => each.getBoundingClientRect().top") < WIDE["height"]
    assert re.search(r"instead of \$200: \d+ more clinician", offers.inner_text())
    follow(wide, offers.get_by_role("button").first)
    assert wide.locator(CARDS).count() > shown


def test_nothing_stands_in_the_way_of_anybody_in_any_state(
    wide: Page, axe: str, office: Office
) -> None:
    looker, address = Looker(wide, axe, office.url), wide.url
    wide.reload()
    ids = [
        each.get_attribute("value")
        for each in wide.locator('[name="compare"][type="checkbox"]').all()
    ]
    left_out = wide.locator('optgroup[label="Left out"] option').first.get_attribute("value")
    states = {
        "cards": "",
        "two": f"?compare={ids[0]}&compare={ids[1]}",
        "three": f"?compare={ids[0]}&compare={ids[1]}&compare={ids[2]}",
        "why not": f"?why_not={left_out}",
    }
    seen = {}
    for state, query in states.items():
        wide.goto(address + query)
        for each in wide.locator("details > summary").all():
            if each.is_visible():
                each.click()
        seen[state] = looker.look()
    for part in ("barriers", "errors", "elsewhere", "overflowing", "lost", "faint", "unprinted"):
        assert failing(seen, part) == {}, part


def test_without_script_those_ticked_are_compared(
    browser: Browser, wide: Page, office: Office
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=WIDE)
    plain = context.new_page()
    sign_in(plain, office)
    plain.goto(wide.url)
    for tick in plain.locator('[name="compare"][type="checkbox"]').all()[:3]:
        tick.check()
    press(plain, "Compare")
    assert plain.locator(".compared thead th").count() == 4
    assert plain.locator(".compared tr.differs").count() > 0
    context.close()
