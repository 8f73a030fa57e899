"""What the way to a list asks of a client: controls, words to read, and bytes."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, Response

from experiments.matching_page.walk import (
    AGREES,
    CONTINUE,
    IN_SIGHT,
    QUICK_MS,
    SHOW,
    press,
    questions,
)

WORDS_PER_MINUTE = 200
"""A slow reader of English prose; adults read 238 in the middle (Brysbaert 2019)."""
_READ = """
() => {
    const copy = document.querySelector("main").cloneNode(true);
    const unseen = ".sr, .trap, option, details:not([open]) > :not(summary)";
    copy.querySelectorAll(unseen).forEach(each => each.remove());
    document.body.append(copy);
    const text = copy.innerText;
    copy.remove();
    return text;
}
"""
_GROUPS = """
() => new Set([...document.querySelectorAll("main form [name]")]
    .filter(each => each.type !== "hidden" && each.tagName !== "BUTTON" && !each.closest(".trap"))
    .map(each => each.name)).size
"""


@dataclass(slots=True)
class Figures:
    """Figures of one way from the first page to a list.

    Attributes
    ----------
    steps
        Pages before the list.
    controls
        Controls to the list: each question once, whether it is one line or a group of choices to
        tick, and each button pressed.
    words, minutes
        Words in sight on these pages, and the time to read them; lists that are opened on demand
        are not read.
    heaviest
        Bytes of the heaviest page with all it loads, as sent.
    """

    steps: int = 0
    controls: int = 0
    words: int = 0
    heaviest: int = 0

    @property
    def minutes(self) -> float:
        """Minutes of reading."""
        return self.words / WORDS_PER_MINUTE

    def add(self, page: Page) -> None:
        """Adds one page before a button of it is pressed."""
        self.steps += 1
        self.controls += int(page.evaluate(_GROUPS)) + 1
        self.words += len(re.findall(r"\S*\w\S*", page.evaluate(_READ)))


def measured(page: Page, url: str) -> Figures:
    """The figures of a client who answers what is in sight and opens no further list."""
    figures, loaded = Figures(), list[Response]()
    page.on("response", lambda response: loaded.append(response))
    page.goto(f"{url}/match")
    figures.add(page)
    _weigh(figures, loaded)
    press(page, AGREES)
    page.locator('[name="safety.0"][value="no"]').check()
    figures.add(page)
    press(page, CONTINUE)
    for _ in questions(page, IN_SIGHT):
        figures.add(page)
        _weigh(figures, loaded)
    figures.add(page)
    page.wait_for_timeout(QUICK_MS)
    press(page, SHOW)
    _weigh(figures, loaded)
    return figures


def _weigh(figures: Figures, loaded: list[Response]) -> None:
    """The heaviest page so far, with style, script and icon counted for each page."""
    assets = sum(_size(each) for each in loaded if "/static/" in each.url)
    pages = [_size(each) for each in loaded if "/static/" not in each.url]
    figures.heaviest = max(figures.heaviest, assets + max(pages))


def _size(response: Response) -> int:
    return int(response.headers.get("content-length") or len(response.body()))
