"""The list of runs in mlflow's own pages, after trainings and an evaluation of a made-up practice.

`python -m experiments.screenshots.mlflow_runs` writes it into docs/screenshots by itself.
"""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from experiments.screenshots.chromium import MISSING, chromium, opened
from experiments.trust.tracking import tracking_server

NAME = "mlflow-runs"
SIZE: ViewportSize = {"width": 1560, "height": 700}
COLUMNS = ("ratings", "tested", "composite", "dyad_partial", "coverage")
"""The metrics by which runs are compared."""
HIDDEN = ("Source", "Models")
RATINGS = (500, 900)
SLOW_MILLISECONDS, SETTLED_MILLISECONDS = 60_000, 1_500
COLOURS = 64


def mlflow_runs(browser: Browser, workspace: Path) -> bytes:
    """The list with the headline figures as columns, and the runs below the newest training."""
    with tracking_server(workspace) as tracking:
        _learn(workspace, tracking.url)
        return listed(browser, tracking.url)


def listed(browser: Browser, address: str) -> bytes:
    """The list of an mlflow server's first experiment of ours, as a picture in PNG."""
    page = browser.new_page(viewport=SIZE, locale="en-AU")
    page.set_default_timeout(SLOW_MILLISECONDS)
    page.goto(f"{address}/#/experiments/1/runs?workflowType=machine_learning")
    page.get_by_role("link", name=" v2 ").wait_for()
    assistant = page.locator("[data-component-id='mlflow.assistant.chat_panel.close']")
    if assistant.count():
        assistant.first.click()
    _choose_columns(page)
    page.get_by_role("row").filter(has_text=" v2 ").get_by_role("button").first.click()
    page.get_by_text("fold forward").first.wait_for()
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    return page.screenshot(animations="disabled")


def _learn(workspace: Path, registry: str) -> None:
    """Two trainings, of which the second is tuned, and an evaluation on rolling folds."""
    for number, ratings in enumerate(RATINGS, start=1):
        tables = workspace / f"tables{number}"
        size = ("--clinicians", "20", "--ratings", str(ratings), "--seed", "1")
        _run("experiments.simulated_practice", "--out", str(tables), *size)
        tuned = ("--tune", "3") if number == len(RATINGS) else ()
        _run("recommender.cli", "train", str(tables), "--registry", registry, *tuned)
    _run("recommender.cli", "evaluate", str(tables), "--registry", registry, "--split", "rolling")


def _run(module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", module, *words], check=True, capture_output=True)


def _choose_columns(page: Page) -> None:
    page.get_by_role("button", name="Columns").click()
    search = page.get_by_placeholder("Search columns")
    tree = page.get_by_test_id("column-selector-tree")
    for name in (*HIDDEN, *COLUMNS):
        search.fill(name)
        titled = tree.locator(".du-bois-light-tree-title").filter(has_text=re.compile(f"^{name}$"))
        # A setting may have the same name; figures come first.
        titled.first.click()
    page.keyboard.press("Escape")


def compressed(picture: bytes) -> bytes:
    """The picture as WebP in few colours."""
    written = io.BytesIO()
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    few = whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.convert("RGB").save(written, "WEBP", lossless=True, quality=100, method=6)
    return written.getvalue()


def main(folder: Path = Path("docs/screenshots")) -> None:
    """Writes the picture."""
    program = chromium()
    if program is None:
        raise SystemExit(MISSING)
    with (
        tempfile.TemporaryDirectory() as workspace,
        sync_playwright() as playwright,
        opened(playwright, program) as browser,
    ):
        picture = compressed(mlflow_runs(browser, Path(workspace)))
    (folder / f"{NAME}.webp").write_bytes(picture)


if __name__ == "__main__":
    main()
