"""Pictures of the matching page: every state on a telephone, some on a wide screen as well."""

from collections.abc import Iterator

from playwright.sync_api import Browser

from experiments.matching_page.walk import walk
from experiments.screenshots.chromium import PHONE, WIDE
from experiments.screenshots.office import Office

SIZES = {"match": WIDE, "match-phone": PHONE}
IN_DARK = "list"
ON_WIDE = frozenset({"agree", "about you", "times", "list", "nobody fits"})
"""Most clients hold a telephone: on a wide screen the other steps have nothing of their own."""


def matching_pictures(browser: Browser, desk: Office) -> Iterator[tuple[str, bytes]]:
    """The first screen of states, by the name of its file; the list in dark colours too."""
    for kind, size in SIZES.items():
        page = browser.new_page(viewport=size, locale="en-AU")
        for state in walk(page, desk.url):
            if size == WIDE and state not in ON_WIDE:
                continue
            name = f"{kind}-{state.replace(',', '').replace(' ', '-')}"
            yield name, page.screenshot(animations="disabled")
            if state == IN_DARK and size == PHONE:
                page.emulate_media(color_scheme="dark")
                yield f"{name}-dark", page.screenshot(animations="disabled")
                page.emulate_media(color_scheme="light")
        page.close()
