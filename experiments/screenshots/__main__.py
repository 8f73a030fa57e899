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
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from experiments.matching_page.desk import matching_desk
from experiments.matching_page.pictures import matching_pictures
from experiments.screenshots.chromium import MISSING, PHONE, WIDE, chromium, opened
from experiments.screenshots.mlflow_runs import NAME as MLFLOW_RUNS
from experiments.screenshots.mlflow_runs import compressed, mlflow_runs
from experiments.screenshots.office import Office, running_counter, running_office
from experiments.screenshots.rated import keep_rated
from experiments.screenshots.walk import counter_walk, rated_walk, walk
from experiments.trust.subject import simulated_subject

FOLDER = Path("docs/screenshots")
IN_DARK = "request"
COLOURS = 8
PARTS = {
    "why not, left out": "why-not-heading",
    "why not, fits": "why-not-heading",
    "three compared": "compare",
    "decision, refused": "decide",
    "request, decided": "decide",
}
"""States that are seen in one part of a page, with the id of its heading."""
REFUSED = frozenset({"decision, refused", "roster import, refused", "sign in, refused"})
"""The refused forms that are pictured: on the others, faults look the same."""
out = Console(width=100)


def main(
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = FOLDER,
) -> None:
    """Each state on a wide screen, each page on a telephone, and a request in dark colours."""
    program = chromium()
    if program is None:
        raise SystemExit(MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
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
            write(folder / f"{name}.webp", taken)
        for name, taken in matching_pictures(browser, desk):
            write(folder / f"{name}.webp", taken)
        runs = mlflow_runs(browser, Path(_folder(open_here)))
        (folder / f"{MLFLOW_RUNS}.webp").write_bytes(compressed(runs))


def _folder(open_here: ExitStack) -> str:
    return open_here.enter_context(tempfile.TemporaryDirectory())


def write(path: Path, picture: bytes) -> None:
    """Writes a picture in few colours, and says how large it is."""
    path.write_bytes(smaller(picture))
    out.print(f"{path}  {path.stat().st_size // 1024} KiB", highlight=False)


def pictures(browser: Browser, office: Office, counter: Office) -> Iterator[tuple[str, bytes]]:
    """Every page in its states on a wide screen, and each page on a telephone, by name."""
    page = browser.new_page(viewport=WIDE, locale="en-AU")
    walks = walk(page, office), counter_walk(page, counter), _rated(page, office)
    yield from _reference(browser, counter)
    never_seen = set(PARTS)
    for state in chain(*walks):
        never_seen.discard(state)
        if state.endswith(", refused") and state not in REFUSED:
            continue
        name = state.replace(",", "").replace(" ", "-")
        yield name, taken(page, state)
        if state == IN_DARK:
            page.emulate_media(color_scheme="dark")
            yield f"{name}-dark", taken(page, state)
            page.emulate_media(color_scheme="light")
        if "," not in state:
            page.set_viewport_size(PHONE)
            yield f"{name}-phone", taken(page, state)
            page.set_viewport_size(WIDE)
    if never_seen:
        raise SystemExit(f"PARTS: no state has the name {', '.join(sorted(never_seen))}")


def _reference(browser: Browser, counter: Office) -> Iterator[tuple[str, bytes]]:
    """The page of the HTTP API: how it begins, and an operation opened."""
    for name, size in (("docs", WIDE), ("docs-phone", PHONE)):
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


def taken(page: Page, state: str) -> bytes:
    """The first screen of a page, or the screen with the part of it that shows a state."""
    if state in PARTS:
        page.locator(f"#{PARTS[state]}").evaluate("each => each.scrollIntoView()")
    else:
        page.evaluate("scrollTo(0, 0)")
    return page.screenshot(animations="disabled")


def smaller(picture: bytes) -> bytes:
    """The same picture in few colours, which pages of text and lines do well with."""
    written = io.BytesIO()
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    few = whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.convert("RGB").save(written, "WEBP", lossless=True, quality=100, method=6)
    return written.getvalue()


if __name__ == "__main__":
    typer.run(main)
