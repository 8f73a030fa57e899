"""All tables and plots of the bake-off in one folder, from the cells measured so far."""

from pathlib import Path

from experiments.bake_off import plots
from experiments.bake_off.cells import Cells
from experiments.bake_off.grid import Grid
from experiments.bake_off.page import Sheet
from experiments.bake_off.real import known_real, real_tables
from experiments.bake_off.tables import (
    entrants_table,
    learning_tables,
    main_table,
    null_table,
    scenario_table,
    world_table,
)
from experiments.bake_off.targets import target_table

PAGE = "README.md"


def sheets(cells: Cells, grid: Grid, folder: Path) -> tuple[Sheet, ...]:
    """Every table the cells allow, the targets first."""
    real = known_real(folder)
    null = (null_table(cells, grid),) if "null" in grid.scenarios else ()
    return (
        target_table(cells, grid, real),
        main_table(cells, grid),
        *learning_tables(cells, grid),
        scenario_table(cells, grid),
        *null,
        *real_tables(real),
        entrants_table(grid),
        world_table(grid),
    )


def write_report(cells: Cells, grid: Grid, folder: Path, command: str) -> Path:
    """Writes the page, a CSV file a table, and the plots; gives the page."""
    folder.mkdir(parents=True, exist_ok=True)
    found = sheets(cells, grid, folder)
    for sheet in found:
        sheet.write_csv(folder)
    plots.draw(cells, grid, folder)
    page = folder / PAGE
    page.write_text(_page(found, grid, command), encoding="utf-8")
    return page


def _page(found: tuple[Sheet, ...], grid: Grid, command: str) -> str:
    said = (
        f"Written by `{command}`: {grid.seeds} seeds, {grid.test_clients:,} test clients each. "
        "Everything here is simulated with known truth: it ranks methods and does not say what a "
        "real practice would gain. A dash stands for what was not measured or does not apply."
    )
    return "\n".join(["# Bake-off", "", said, "", *(sheet.markdown() for sheet in found)])
