"""The command: `python -m experiments.practice_exports SYSTEM --out FOLDER`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.practice_exports.history import history
from experiments.practice_exports.systems import SYSTEMS

SYSTEM = 33
"""Stream of random numbers."""


def main(
    system: Annotated[str, typer.Argument(help=f"One of {', '.join(SYSTEMS)}.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; created if missing.")],
    seed: Annotated[int, typer.Option(help="The same seed and day give the same bytes.")] = 0,
    clinicians: Annotated[int, typer.Option(help="Clinicians on the books.")] = 14,
    ratings: Annotated[int, typer.Option(help="Pairings with an early rating.")] = 260,
    exported_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the export; today if absent."),
    ] = None,
) -> None:
    """Writes made-up exports of a practice system, and the practice's own spreadsheets."""
    if system not in SYSTEMS:
        typer.echo(f"{system} is not known: use one of {', '.join(SYSTEMS)}", err=True)
        raise typer.Exit(2)
    if out.exists() and any(out.iterdir()):
        typer.echo(f"{out} is not empty: name another folder with --out", err=True)
        raise typer.Exit(2)
    out.mkdir(parents=True, exist_ok=True)
    day = (exported_on or datetime.now(UTC)).date()
    write = SYSTEMS[system]
    write(history(seed, day, clinicians, ratings), out, np.random.default_rng([seed, SYSTEM]))
    for path in sorted(out.iterdir()):
        typer.echo(f"{out / path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    typer.run(main)
