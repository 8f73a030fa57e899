"""Prints what the matching page asks of a client, measured in a real browser."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from experiments.matching_page.desk import matching_desk
from experiments.matching_page.figures import WORDS_PER_MINUTE, measured
from experiments.screenshots.chromium import MISSING, chromium, opened

MOST_CONTROLS, MOST_MINUTES, MOST_BYTES = 25, 3.0, 150_000


def main() -> None:
    """One way through the page of the sample practice."""
    program = chromium()
    if program is None:
        raise SystemExit(MISSING)
    with (
        tempfile.TemporaryDirectory() as folder,
        matching_desk(Path(folder)) as desk,
        sync_playwright() as playwright,
        opened(playwright, program) as browser,
    ):
        figures = measured(browser.new_page(locale="en-AU"), desk.url)
    table = Table("what", "measured", "at most")
    table.add_row("pages before the list", str(figures.steps), "")
    table.add_row("controls to the list", str(figures.controls), str(MOST_CONTROLS))
    table.add_row("words to read", str(figures.words), "")
    reading = f"minutes at {WORDS_PER_MINUTE} words a minute"
    table.add_row(reading, f"{figures.minutes:.1f}", f"{MOST_MINUTES:.1f}")
    table.add_row("bytes of the heaviest page", f"{figures.heaviest:,}", f"{MOST_BYTES:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
