"""What the system costs at some sizes of practice.

The command: `python -m experiments.owner_costs`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from experiments.owner_costs.assumptions import SHIPPED, Assumptions, read_assumptions
from experiments.owner_costs.estimate import MONTHS, estimated
from experiments.owner_costs.measure import (
    ATTENDED_YEARS,
    Measured,
    measured,
    read_measured,
    write_measured,
)
from experiments.owner_costs.tables import hours_table, machine_table, measured_table

SIZES = (5, 20, 100)


def ratings_learned_from(clinicians: int, assumed: Assumptions) -> int:
    """Three years of the assumed ratings."""
    volume = assumed.practice
    each = MONTHS * volume.clients_a_month * volume.rated_share
    return round(ATTENDED_YEARS * each * clinicians)


def figures(sizes: Sequence[int], assumed: Assumptions, *, anew: bool) -> list[Measured]:
    """Stored measurements of these sizes, or new ones, which are stored where sizes are those.

    Raises
    ------
    SystemExit
        For a size of which nothing is stored.
    """
    if not anew:
        stored = read_measured()
        if missing := [size for size in sizes if size not in stored]:
            raise SystemExit(
                f"nothing is stored for {', '.join(map(str, missing))} clinicians; "
                "add --measure, which takes some minutes"
            )
        return [stored[size] for size in sizes]
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as directory:
            ratings = ratings_learned_from(size, assumed)
            found.append(measured(size, ratings, Path(directory)))
    if tuple(sizes) == SIZES:
        write_measured(found)
    return found


def main(
    clinicians: Annotated[list[int] | None, typer.Option(min=5, help="Repeat it.")] = None,
    assumptions: Annotated[Path, typer.Option(help="Your copy of assumptions.toml.")] = SHIPPED,
    measure: Annotated[bool, typer.Option(help="Measure on this machine.")] = False,
) -> None:
    """Prints three tables: what was measured, the machine, and hours of people."""
    assumed = read_assumptions(assumptions)
    found = figures(clinicians or SIZES, assumed, anew=measure)
    estimates = [estimated(each, assumed) for each in found]
    for table in (
        measured_table(found),
        machine_table(estimates, assumed.machine),
        hours_table(estimates, assumed),
    ):
        typer.echo(f"{table}\n")


if __name__ == "__main__":
    typer.run(main)
