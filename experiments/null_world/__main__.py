"""The command: `python -m experiments.null_world --seeds 20`.

In a world where neither clinicians nor matches differ, nothing can be gained: a 95 % interval must
cover 0 in 95 of 100 practices. Ends with 1 where so few cover that chance would hardly do it.
"""

from typing import Annotated

import typer
from scipy.stats import binom

from experiments.null_world.measure import simulated_dataset
from recommender.practice import shipped_practice
from recommender.training.baselines import LEARNERS, OURS
from recommender.training.evaluate import DRAWS, Evaluation, evaluate
from recommender.training.figures import COMPOSITE, DYAD, PARTIAL
from recommender.training.folds import forward
from recommender.training.growth import FitSettings

SHOWN = (DYAD, PARTIAL, COMPOSITE)
TARGET, HARDLY = 0.95, 0.01


def main(
    seeds: Annotated[int, typer.Option(help="How many practices.", min=1)] = 20,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    ratings: Annotated[int, typer.Option(help="Rated pairings of each.")] = 2_000,
    clinicians: Annotated[int, typer.Option(help="Clinicians of each.")] = 40,
    world: Annotated[str, typer.Option(help="Scenario of the simulated practice.")] = "null",
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = DRAWS,
) -> None:
    """Counts in how many null worlds a gain of matching is claimed."""
    practice, covered = shipped_practice(), dict.fromkeys(SHOWN, 0)
    for seed in range(first, first + seeds):
        dataset = simulated_dataset(
            world, practice, ratings=ratings, clinicians=clinicians, seed=seed
        )
        evaluation = evaluate(
            dataset,
            forward(dataset, 0.4),
            FitSettings(seed=seed),
            draws=draws,
            learners={OURS: LEARNERS[OURS]},
        )
        told = {metric: _ends(evaluation, metric) for metric in SHOWN}
        for metric, (_, low, high) in told.items():
            covered[metric] += low <= 0 <= high
        cells = (f"{m} {v:+.3f} [{low:+.3f}, {high:+.3f}]" for m, (v, low, high) in told.items())
        typer.echo(f"seed {seed}: " + "; ".join(cells))
    for metric, times in covered.items():
        typer.echo(f"{metric}: {times} of {seeds} intervals cover 0 ({times / seeds:.0%})")
    if binom.cdf(covered[DYAD], seeds, TARGET) < HARDLY:
        typer.echo(f"so few would be chance in less than {HARDLY:.0%} of runs", err=True)
        raise typer.Exit(1)


def _ends(evaluation: Evaluation, metric: str) -> tuple[float, float, float]:
    rows = evaluation.table.query("learner == @OURS and metric == @metric")
    value, low, high = rows[["value", "low", "high"]].to_numpy(dtype=float)[0]
    return float(value), float(low), float(high)


if __name__ == "__main__":
    typer.run(main)
