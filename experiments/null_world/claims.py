"""The command: `python -m experiments.null_world.claims`.

In how many simulated practices matching, or an order better than chance, is claimed: in worlds
without any difference between clinicians or matches no claim is true, in others every one is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from experiments.null_world.measure import simulated_dataset
from recommender.errors import RecommenderError
from recommender.model.claims import Claim, claims_of
from recommender.model.evaluation_report import EvaluationReport, interval_text
from recommender.practice.definition import Practice, shipped_practice
from recommender.training.cross_fit import cross_fitted
from recommender.training.evaluate import DRAWS
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

SIZES = "300x16,1000x12,3000x8,8000x4"
"""Ratings of a practice, and how many practices of that size: 40 in all."""
CLINICIANS = 40


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claims of one simulated practice."""

    ratings: int
    seed: int
    claims: tuple[Claim, ...]

    @property
    def any_shown(self) -> bool:
        """Whether matching or a better order is claimed."""
        return any(claim.shown for claim in self.claims)


def claims_in(
    practice: Practice, world: str, sizes: list[tuple[int, int]], *, clinicians: int, first: int
) -> Iterator[Claimed]:
    """The claims of every practice, as `recommender train` would make them."""
    for ratings, number in sizes:
        for seed in range(first, first + number):
            dataset = simulated_dataset(
                world, practice, ratings=ratings, clinicians=clinicians, seed=seed
            )
            fitted = fit(dataset, None, FitSettings(seed=seed))
            crossed = cross_fitted(fitted, dataset, seed=seed, draws=DRAWS)
            report = EvaluationReport(mode="model", cross_fitted=crossed)
            yield Claimed(ratings, seed, claims_of(report))


def sizes_of(text: str) -> list[tuple[int, int]]:
    """Ratings and number of practices from a text such as `300x16,1000x12`.

    Raises
    ------
    RecommenderError
        When it cannot be read.
    """
    try:
        pairs = [tuple(map(int, part.split("x"))) for part in text.split(",")]
        return [(ratings, number) for ratings, number in pairs]
    except ValueError:
        remedy = "write ratings x practices, separated by commas, such as 300x16,1000x12"
        raise RecommenderError("sizes", f"{text!r} cannot be read", remedy) from None


def main(
    world: Annotated[str, typer.Option(help="Scenario of the simulated practice.")] = "null",
    sizes: Annotated[str, typer.Option(help="Ratings x practices, separated by commas.")] = SIZES,
    clinicians: Annotated[int, typer.Option(help="Clinicians of each.")] = CLINICIANS,
    first: Annotated[int, typer.Option(help="The first seed of each size.")] = 0,
) -> None:
    """Counts the practices in which something is claimed, one line each, then by size.

    For example, in a minute: python -m experiments.null_world.claims --sizes 300x5
    """
    asked, found = sizes_of(sizes), []
    people = {"clinicians": clinicians, "first": first}
    for each in claims_in(shipped_practice(), world, asked, **people):
        found.append(each)
        cells = (
            f"{claim.name} {claim.status}"
            + (f" {interval_text(claim.estimate, '+')}" if claim.estimate else "")
            for claim in each.claims
        )
        typer.echo(f"{each.ratings:,} ratings, seed {each.seed}: {'; '.join(cells)}")
    for ratings, number in asked:
        own = [each for each in found if each.ratings == ratings]
        matching, order = (sum(each.claims[place].shown for each in own) for place in (0, 1))
        typer.echo(
            f"{world} worlds of {ratings:,} ratings: matching claimed in {matching}, "
            f"a better order in {order} of {number}"
        )
    typer.echo(f"anything claimed in {sum(each.any_shown for each in found)} of {len(found)}")


if __name__ == "__main__":
    typer.run(main)
