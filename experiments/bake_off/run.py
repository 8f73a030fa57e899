"""Measures every cell that is not known yet, and keeps each as soon as it is."""

import time
from collections.abc import Callable, Iterator

from experiments.bake_off.answer import InapplicableError
from experiments.bake_off.arena import Arena, Site, prepared
from experiments.bake_off.cells import Cell, Cells
from experiments.bake_off.figures import Judge
from experiments.bake_off.grid import Grid
from experiments.bake_off.learners import ENTRANTS
from experiments.bake_off.version import version_of

INAPPLICABLE = "does not apply: "
FAILED = "failed: "
Told = Callable[[Cell], None]


def missing(grid: Grid, cells: Cells) -> list[tuple[Site, list[str]]]:
    """Practices with learners not measured there by the code as it is, in the grid's order."""
    versions = {name: version_of(ENTRANTS[name]) for name in grid.learners}
    found = []
    for site in grid.sites():
        names = [name for name in grid.learners if not cells.knows(site, name, versions[name])]
        if names:
            found.append((site, names))
    return found


def measure(grid: Grid, cells: Cells, told: Told = lambda cell: None) -> None:
    """Runs what is missing; a learner that fails is kept as failed, with the reason."""
    for site, names in missing(grid, cells):
        for cell in measured_at(site, names, grid.test_clients):
            cells.keep(cell)
            told(cell)


def measured_at(site: Site, names: list[str], test_clients: int) -> Iterator[Cell]:
    """Cells of one practice, each as soon as it is measured."""
    try:
        judge = Judge(prepared(site, test_clients))
    except Exception as error:
        problem = f"{FAILED}practice or fit: {said(error)}"
        yield from (_without(site, name, 0.0, problem) for name in names)
        return
    yield from (measured(judge, site, name) for name in names)


def measured(judge: Judge, site: Site, name: str) -> Cell:
    """One cell, with what went wrong in place of its figures when something did."""
    entrant, arena = ENTRANTS[name], judge.arena
    began = time.process_time()
    try:
        answer = entrant.answered(arena)
        seconds = time.process_time() - began + _fit_of(arena, entrant.within_fit)
        figures = judge.figures(answer)
    except InapplicableError as error:
        return _without(site, name, 0.0, f"{INAPPLICABLE}{error}")
    # Any failure of any library must leave the grid going on, and be seen in the tables.
    except Exception as error:
        return _without(site, name, time.process_time() - began, f"{FAILED}{said(error)}")
    return Cell(site, name, version_of(entrant), seconds, "", figures)


def said(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _fit_of(arena: Arena, within_fit: bool) -> float:
    return arena.fit_seconds if within_fit else 0.0


def _without(site: Site, name: str, seconds: float, problem: str) -> Cell:
    return Cell(site, name, version_of(ENTRANTS[name]), seconds, problem, {})
