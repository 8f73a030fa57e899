"""The command: `python -m experiments.practice_exports SYSTEM --out FOLDER`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.practice_exports.history import history
from experiments.practice_exports.systems import SYSTEMS
from recommender.errors import RecommenderError
from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.intake import example_answers

SYSTEM = 33
"""Stream of random numbers."""


def main(
    system: Annotated[str, typer.Argument(help=f"One of {', '.join(SYSTEMS)}.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; created if missing.")],
    seed: Annotated[int, typer.Option(help="The same seed and day give the same bytes.")] = 0,
    clinicians: Annotated[int, typer.Option(help="Clinicians on the books.")] = 18,
    ratings: Annotated[int, typer.Option(help="Pairings with an early rating.")] = 600,
    exported_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the export; today if absent."),
    ] = None,
) -> None:
    """Writes made-up exports of a practice system, and the practice's own spreadsheets.

    Beside them `client.json`, a request for a new client.
    """
    if system not in SYSTEMS:
        typer.echo(f"{system} is not known: use one of {', '.join(SYSTEMS)}", err=True)
        raise typer.Exit(2)
    if out.exists() and any(out.iterdir()):
        typer.echo(f"{out} is not empty: name another folder with --out", err=True)
        raise typer.Exit(2)
    day = (exported_on or datetime.now(UTC)).date()
    try:
        past = history(seed, day, clinicians, ratings)
    except RecommenderError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    out.mkdir(parents=True, exist_ok=True)
    SYSTEMS[system](past, out, np.random.default_rng([seed, SYSTEM]))
    client = {
        "client_id": "new-client-1",
        "top_k": 3,
        "answers": example_answers(shipped_practice()),
    }
    (out / "client.json").write_text(json.dumps(client, indent=1) + "\n", "utf-8")
    for path in sorted(out.iterdir()):
        typer.echo(f"{out / path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    typer.run(main)
