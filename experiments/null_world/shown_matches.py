"""The command: `python -m experiments.null_world.shown_matches`.

How many declared matches are called shown in simulated practices: in worlds without any difference
between clinicians or matches no such words are true.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
import typer
from threadpoolctl import threadpool_limits

from experiments.null_world.claims import CLINICIANS, sizes_of
from experiments.null_world.measure import simulated_dataset
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.match_sizes import AGAINST, MatchSize, match_sizes
from recommender.practice.definition import Practice, shipped_practice
from recommender.training.fit_preparation import prepare
from recommender.training.match_estimates import match_estimates
from recommender.training.tree_fitting import FitSettings

SIZES = "300x6,1000x6,3000x4"
"""Ratings of a practice, and how many practices of that size."""


def sizes_in(
    practice: Practice, world: str, *, ratings: int, clinicians: int, seed: int
) -> tuple[MatchSize, ...]:
    """The sizes of all matches of one simulated practice, as `recommender train` states them."""
    dataset = simulated_dataset(world, practice, ratings=ratings, clinicians=clinicians, seed=seed)
    # The sizes depend on the mixed model alone: two folds are enough, and no tree is grown.
    settings = replace(FitSettings(seed=seed), folds=2)
    with threadpool_limits(1, user_api="blas"):
        estimates = match_estimates(prepare(dataset, np.arange(len(dataset)), settings))
    return match_sizes(EvaluationReport(matches=estimates), practice)


def main(
    world: Annotated[str, typer.Option(help="Scenario of the simulated practice.")] = "null",
    sizes: Annotated[str, typer.Option(help="Ratings x practices, separated by commas.")] = SIZES,
    clinicians: Annotated[int, typer.Option(help="Clinicians of each.")] = CLINICIANS,
    first: Annotated[int, typer.Option(help="The first seed of each size.")] = 0,
) -> None:
    """Counts the matches that are called shown, one line a practice, then by size.

    For example, in a minute: python -m experiments.null_world.shown_matches --sizes 300x3
    """
    practice = shipped_practice()
    for ratings, number in sizes_of(sizes):
        shown, against, matches, practices = 0, 0, 0, 0
        for seed in range(first, first + number):
            found = sizes_in(practice, world, ratings=ratings, clinicians=clinicians, seed=seed)
            own = [each.name for each in found if each.is_shown]
            typer.echo(f"{ratings:,} ratings, seed {seed}: {', '.join(own) or 'none shown'}")
            shown, matches, practices = (
                shown + len(own),
                matches + len(found),
                practices + bool(own),
            )
            against += sum(each.status == AGAINST for each in found)
        typer.echo(
            f"{world} worlds of {ratings:,} ratings: {shown} of {matches} matches shown, {against} "
            f"of them against what was expected, in {practices} of {number} practices"
        )


if __name__ == "__main__":
    typer.run(main)
