"""Writes a picture of every page for staff, as a person comes to see it, into docs/screenshots."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from rich.console import Console

from experiments.matching_page.desk import matching_desk
from experiments.matching_page.pictures import matching_pictures
from experiments.screenshots.chromium import MISSING, chromium, opened
from experiments.screenshots.office import Office, running_counter, running_office
from experiments.screenshots.rated import keep_rated
from experiments.screenshots.walk import counter_walk, rated_walk, walk
from experiments.trust.subject import simulated_subject

FOLDER = Path("docs/screenshots")
SIZE: ViewportSize = {"width": 1200, "height": 800}
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL: ViewportSize = {"width": 320, "height": 568}
IN_DARK = IN_SMALL = SHORTLIST = "request"
COLOURS, WARM_COLOURS = 8, 32
PARTS = {
    "why not, left out": "why-not-heading",
    "why not, fits": "why-not-heading",
    "two compared": "compare",
    "decision, refused": "decide",
    "request, decided": "decide",
}
"""Of pages that differ in one section, that section by its heading's id."""
TOPS = {
    "new request",
    "new request, with faults",
    "new request, filled in again",
    "request, relaxed",
    "request, rules only",
    "request, nobody fits",
    "request, dark",
    "open request, by the literature",
}
"""Pages of which the top shows what is particular to them."""
out = Console(width=100)


def main(
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = FOLDER,
) -> None:
    """One picture a state, and one page more in dark colours and on a small screen."""
    program = chromium()
    if program is None:
        raise SystemExit(MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with ExitStack() as open_here:
        workspace = Path(_folder(open_here))
        out.print("simulating a practice and learning from it", style="dim")
        subject = simulated_subject(workspace)
        office = open_here.enter_context(running_office(subject))
        counter = open_here.enter_context(running_counter(subject.roster))
        playwright = open_here.enter_context(sync_playwright())
        browser = open_here.enter_context(opened(playwright, program))
        desk = open_here.enter_context(matching_desk(Path(_folder(open_here))))
        for name, taken in pictures(browser, office, counter):
            write(folder / f"{name}.png", taken)
        for name, taken in matching_pictures(browser, desk):
            write(folder / f"{name}.png", taken, WARM_COLOURS)


def _folder(open_here: ExitStack) -> str:
    return open_here.enter_context(tempfile.TemporaryDirectory())


def write(path: Path, picture: bytes, colours: int = COLOURS) -> None:
    """Writes a picture in few colours, and says how large it is."""
    path.write_bytes(smaller(picture, colours))
    out.print(f"{path}  {path.stat().st_size // 1024} KiB", highlight=False)


def pictures(browser: Browser, office: Office, counter: Office) -> Iterator[tuple[str, bytes]]:
    """Every page in every state, by name."""
    page = browser.new_page(viewport=SIZE, locale="en-AU")
    walks = walk(page, office), counter_walk(page, counter), _rated(page, office)
    yield from _reference(browser, counter)
    for state in chain(*walks):
        name = state.replace(",", "").replace(" ", "-")
        yield name, taken(page, state)
        if state == SHORTLIST:
            shortlist = page.locator('section[aria-labelledby="shortlist"]')
            yield "shortlist", shortlist.screenshot(animations="disabled")
        if state == IN_DARK:
            page.emulate_media(color_scheme="dark")
            yield f"{name}-dark", taken(page, f"{state}, dark")
            page.emulate_media(color_scheme="light")
        if state == IN_SMALL:
            page.set_viewport_size(SMALL)
            yield f"{name}-small", taken(page)
            page.set_viewport_size(SIZE)


def _reference(browser: Browser, counter: Office) -> Iterator[tuple[str, bytes]]:
    """The page of the HTTP API: how it begins, and an operation opened."""
    for name, size in (("docs", DESK), ("docs-phone", PHONE)):
        page = browser.new_page(viewport=size, locale="en-AU")
        page.goto(f"{counter.url}/docs")
        operation = page.locator("#operations-recommendations-recommend")
        operation.wait_for()
        yield name, page.screenshot(animations="disabled")
        operation.locator("button").first.click()
        operation.locator(".opblock-description").wait_for()
        operation.evaluate("each => each.scrollIntoView()")
        yield f"{name}-operation", page.screenshot(animations="disabled")
        page.close()


def _rated(page: Page, office: Office) -> Iterator[str]:
    keep_rated(office)
    yield from rated_walk(page, office)


def taken(page: Page, state: str = "") -> bytes:
    """A page as it is drawn: whole, or the part of it that matters in a state."""
    if state in PARTS:
        section = page.locator(f'section[aria-labelledby="{PARTS[state]}"]')
        return section.screenshot(animations="disabled")
    return page.screenshot(full_page=state not in TOPS, animations="disabled")


def smaller(picture: bytes, colours: int = COLOURS) -> bytes:
    """The same picture in few colours, which pages of text and lines do well with."""
    written = io.BytesIO()
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    # By area, so that a tinted ground stays what it is; the other way has every line's colour.
    by_area, by_spread = Image.Quantize.MEDIANCUT, Image.Quantize.MAXCOVERAGE
    method = by_area if colours > COLOURS else by_spread
    few = whole.quantize(colours, method, dither=Image.Dither.NONE)
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    typer.run(main)
