"""The command: `python -m experiments.bake_off`."""

import shlex
import sys
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from threadpoolctl import threadpool_limits

from experiments.bake_off.cells import Cell, Cells
from experiments.bake_off.grid import RATINGS, SCENARIOS, SEEDS, TEST_CLIENTS, Grid
from experiments.bake_off.learners import ENTRANTS
from experiments.bake_off.real import measure_real
from experiments.bake_off.report import write_report
from experiments.bake_off.run import measure, missing
from experiments.real_ratings import DATA
from experiments.simulated_practice.settings import SCENARIOS as WORLDS
from recommender.errors import RecommenderError

RESULTS = Path(__file__).parent / "results"


def main(
    ratings: Annotated[
        list[int] | None, typer.Option(help=f"Learned from; repeat for more. {RATINGS}")
    ] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option(help=f"Repeat for more. {', '.join(SCENARIOS)}")
    ] = None,
    learners: Annotated[
        list[str] | None, typer.Option(help=f"Repeat for more. {', '.join(ENTRANTS)}")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds of each practice, from 0.")] = SEEDS,
    test_clients: Annotated[int, typer.Option(help="Test clients of each.")] = TEST_CLIENTS,
    out: Annotated[Path, typer.Option(help="Folder of cells, tables and plots.")] = RESULTS,
    only_tables: Annotated[
        bool, typer.Option("--only-tables", help="Measure nothing; rewrite from known cells.")
    ] = False,
    real: Annotated[
        bool, typer.Option("--real", help="Also run the two public data sets.")
    ] = False,
    data: Annotated[Path, typer.Option(help="Folder that has the public data sets.")] = DATA,
) -> None:
    """Compares learners on simulated practices; what is known is not measured again."""
    console = Console(stderr=True)
    try:
        worlds, names = tuple(scenarios or SCENARIOS), tuple(learners or ENTRANTS)
        _known("scenarios", worlds, WORLDS)
        _known("learners", names, ENTRANTS)
        grid = Grid(tuple(ratings or RATINGS), worlds, seeds, names, test_clients)
        cells = Cells(out / "cells.csv")
        if not only_tables:
            _measure(grid, cells, console)
        if real and not only_tables:
            measure_real(out, data)
    except (RecommenderError, OSError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None
    said = shlex.join(["python", "-m", "experiments.bake_off", *sys.argv[1:]])
    console.print(f"written to {write_report(cells, grid, out, said)}", markup=False)


def _known(field: str, asked: Iterable[str], known: Container[str]) -> None:
    strange = [name for name in asked if name not in known]
    if strange:
        remedy = "see --help for those there are"
        raise RecommenderError(field, f"has no {', '.join(strange)}", remedy)


def _measure(grid: Grid, cells: Cells, console: Console) -> None:
    """Fills the grid, one linear-algebra thread: figures must not depend on the machine."""
    waiting = sum(len(names) for _, names in missing(grid, cells))
    shape = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        threadpool_limits(limits=1),
        Progress(*shape, TimeElapsedColumn(), console=console) as progress,
    ):
        task = progress.add_task("cells", total=waiting)

        def told(cell: Cell) -> None:
            site = cell.site
            where = f"{site.scenario} {site.ratings:,} seed {site.seed} {cell.learner}"
            found = cell.problem or f"cap_share {cell.figures['cap_share']:.3f}"
            progress.console.print(f"{where}: {found}, {cell.seconds:.1f} s", markup=False)
            progress.advance(task)

        measure(grid, cells, told)


if __name__ == "__main__":
    typer.run(main)
