"""Pictures of every state of the matching page, on a wide screen and on a telephone."""

from collections.abc import Iterator

from playwright.sync_api import Browser

from experiments.matching_page.walk import walk
from experiments.screenshots.chromium import PHONE, WIDE
from experiments.screenshots.office import Office

SIZES = {"match": WIDE, "match-phone": PHONE}
IN_DARK = "list"


def matching_pictures(browser: Browser, desk: Office) -> Iterator[tuple[str, bytes]]:
    """The first screen of every state, by the name of its file; the list in dark colours too."""
    for kind, size in SIZES.items():
        page = browser.new_page(viewport=size, locale="en-AU")
        for state in walk(page, desk.url):
            name = f"{kind}-{state.replace(',', '').replace(' ', '-')}"
            yield name, page.screenshot(animations="disabled")
            if state == IN_DARK:
                page.emulate_media(color_scheme="dark")
                yield f"{name}-dark", page.screenshot(animations="disabled")
                page.emulate_media(color_scheme="light")
        page.close()
