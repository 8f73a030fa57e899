"""The command: `python -m experiments.simulated_practice --out DIR`."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.simulated_practice.settings import SCENARIOS, Settings, scenario
from experiments.simulated_practice.world import World, simulate
from experiments.simulated_practice.write import write
from recommender.errors import RecommenderError
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_roster

LONG = 20_000
"""From this many ratings on, progress is told."""


class Form(StrEnum):
    """File formats of the tables."""

    csv = "csv"
    parquet = "parquet"


def main(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    clinicians: Annotated[
        int, typer.Option(help="Clinicians on the books.")
    ] = Settings().clinicians,
    ratings: Annotated[
        int, typer.Option(help="Pairings with an early rating.")
    ] = Settings().ratings,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    world: Annotated[
        str, typer.Option("--scenario", help=f"One of {', '.join(SCENARIOS)}.")
    ] = "default",
    test_clients: Annotated[
        int, typer.Option(help="Future clients whose truth is written.")
    ] = Settings().test_clients,
    form: Annotated[Form, typer.Option("--format", help="Format of the tables.")] = Form.csv,
    roster: Annotated[
        Path | None,
        typer.Option(help="A table of the clinicians, in place of --clinicians invented ones."),
    ] = None,
    exported_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help=f"The day of the tables; {Settings().exported_on} if absent. All dates move with "
            "it: the rows are those of any other day, not a later state of one practice.",
        ),
    ] = None,
) -> None:
    """Writes a simulated practice: its tables, and the truth beside them."""
    try:
        practice = shipped_practice()
        given = None if roster is None else read_roster(roster, practice, datetime.now(UTC))
        settings = scenario(
            world,
            clinicians=clinicians if given is None else len(given),
            ratings=ratings,
            seed=seed,
            test_clients=test_clients,
            first_day=_first_day(exported_on),
        )
        made = simulate(settings, practice, _progress(ratings), given)
    except RecommenderError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    paths = write(made, out, form.value, roster)
    for line in summary(made):
        typer.echo(line)
    typer.echo(f"written to {out}: " + ", ".join(str(path.relative_to(out)) for path in paths))


def summary(world: World) -> list[str]:
    """What was made, in a few lines."""
    block, size = world.history, world.settings.clinicians
    rated = block.rated
    per_clinician = np.bincount(block.pairings.clinician[rated], minlength=size)
    started = np.bincount(block.pairings.clinician, minlength=size) > 0
    top = np.array(
        [
            world.practice.instruments[name].items * world.practice.instruments[name].max
            for name, _ in world.settings.instruments
        ]
    )
    forms = block.ratings
    by_client = forms.by_client
    ceiling = np.mean((forms.score == top[forms.instrument])[by_client])
    return [
        f"{len(block.clients['age_years'])} clients, {size} clinicians, "
        f"{len(rated)} pairings, {len(forms.score)} ratings",
        f"rated pairings {int(rated.sum())} ({rated.mean():.0%} of those started); "
        f"left before session 3 {block.course.left_early.mean():.0%}",
        f"rated pairings per clinician with any: median {np.median(per_clinician[started]):.0f}; "
        f"clinicians without any pairing {int((~started).sum())}",
        f"clients' forms at the highest score {ceiling:.0%}; "
        f"clinicians' own forms {int((~by_client).sum())}",
        f"test clients {world.settings.test_clients}, feasible clinicians per client "
        f"median {np.median(world.feasible.sum(axis=1)):.0f}",
    ]


def _first_day(exported_on: datetime | None) -> date:
    usual = Settings()
    if exported_on is None:
        return usual.first_day
    return exported_on.date() - (usual.exported_on - usual.first_day)


def _progress(ratings: int) -> Callable[[int], None]:
    def told(rated: int) -> None:
        if ratings >= LONG:
            typer.echo(f"{rated} of {ratings} rated pairings", err=True)

    return told


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    # `recommender simulate` runs this module, and its help is to show what was typed.
    app(prog_name=os.environ.get("SIMULATE_AS", "python -m experiments.simulated_practice"))
