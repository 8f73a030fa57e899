"""The command: `python -m experiments.null_world --seeds 20`.

In a world where neither clinicians nor matches differ, nothing can be gained: a 95 % interval must
cover 0 in 95 of 100 practices. Ends with 1 where so few cover that chance would hardly do it.
"""

from typing import Annotated

import typer

from experiments.null_world.cover import (
    CLINICIANS,
    HARDLY,
    RATINGS,
    SHOWN,
    intervals,
    is_chance,
)
from recommender.model.evaluation_report import DYAD
from recommender.practice.definition import shipped_practice
from recommender.training.evaluate import DRAWS


def main(
    seeds: Annotated[int, typer.Option(help="How many practices.", min=1)] = 20,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    ratings: Annotated[int, typer.Option(help="Rated pairings of each.")] = RATINGS,
    clinicians: Annotated[int, typer.Option(help="Clinicians of each.")] = CLINICIANS,
    world: Annotated[str, typer.Option(help="Scenario of the simulated practice.")] = "null",
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = DRAWS,
) -> None:
    """Counts in how many null worlds a gain of matching is claimed."""
    covered = dict.fromkeys(SHOWN, 0)
    size = {"ratings": ratings, "clinicians": clinicians, "draws": draws}
    practices = range(first, first + seeds)
    for seed, told in intervals(shipped_practice(), practices, world=world, **size):
        for metric, (_, low, high) in told.items():
            covered[metric] += low <= 0 <= high
        cells = (f"{m} {v:+.3f} [{low:+.3f}, {high:+.3f}]" for m, (v, low, high) in told.items())
        typer.echo(f"seed {seed}: " + "; ".join(cells))
    for metric, times in covered.items():
        typer.echo(f"{metric}: {times} of {seeds} intervals cover 0 ({times / seeds:.0%})")
    if not is_chance(covered[DYAD], seeds):
        typer.echo(f"so few would be chance in less than {HARDLY:.0%} of runs", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
