"""Shows the progress of a long call: one line that changes, in a notebook or in a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from recommender.compute.runner import Progress as ProgressCallback


@contextmanager
def shown_progress(what: str, *, show: bool) -> Iterator[ProgressCallback]:
    """Yields the function that a job reports its steps and the share done to.

    In a notebook the line stays, with the seconds the call took. In a terminal it is on standard
    error and goes; where output goes to a file nothing is shown.

    Parameters
    ----------
    what
        What is being done: `Fitting`.
    show
        Whether anything is shown.
    """
    if not show:
        yield lambda step, done: None
    elif _in_notebook():
        with _notebook_line(what) as report:
            yield report
    elif sys.stderr.isatty():
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24))
        console = Console(stderr=True)
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda step, done: bar.update(task, description=f"{what}: {step}", completed=done)
    else:
        yield lambda step, done: None


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code; rich needs ipywidgets for a bar there."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def _notebook_line(what: str) -> Iterator[ProgressCallback]:
    display: Any = sys.modules["IPython"].display.display
    html: Any = sys.modules["IPython"].display.HTML
    began = time.monotonic()
    handle = display(html(_line(what, "starting", 0.0)), display_id=True)

    def report(step: str, done: float) -> None:
        handle.update(html(_line(what, step, done)))

    yield report
    seconds = time.monotonic() - began
    handle.update(html(f"<small>{escape(what)}: done in {seconds:.0f} s</small>"))


def _line(what: str, step: str, done: float) -> str:
    bar = f'<progress value="{min(max(done, 0.0), 1.0):.2f}" max="1"></progress>'
    return f"<small>{escape(what)}: {escape(step)} {bar}</small>"
