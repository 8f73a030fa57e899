"""The command `python -m experiments.coat.first_ranks`: how often an order puts which coats first.

Beside the real ratings stand ratings dealt out again at random, in which nothing suits anybody.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from experiments.coat.load import load
from experiments.real_ratings import DATA, Protocol, RealRatings, folds_of, open_dataset
from recommender.errors import RecommenderError
from recommender.model.evaluation_report import Concentration
from recommender.training import exposure
from recommender.training.baselines import OURS, FoldTask
from recommender.training.fit import fit
from recommender.training.held_out import tested_pairs
from recommender.training.population_rules import MAX_CONCENTRATION
from recommender.training.tree_fitting import FitSettings


@dataclass(frozen=True, slots=True)
class FirstRanks:
    """Whom the order of one fit puts first.

    Attributes
    ----------
    counts
        Clients by coat, the most named first; coats nobody is shown first are not among them.
    agreement
        Mean rank correlation of the orders of two clients; 1 is one order for everybody.
    concentration
        As the gate judges it.
    """

    counts: tuple[int, ...]
    agreement: float
    concentration: Concentration

    @property
    def way(self) -> float:
        """How far from random orders by kind of client to every first rank in a few, 0 to 1."""
        found = self.concentration
        ours, by_kind = found.ours or 0.0, found.by_kind or 0.0
        return (ours - by_kind) / (1 - by_kind)


def first_ranks(ratings: RealRatings, protocol: Protocol) -> FirstRanks:
    """Fits a protocol's training ratings and counts first ranks among all coats."""
    dataset = open_dataset(ratings, protocol.practice)
    [fold] = folds_of(dataset, protocol)
    with threadpool_limits(1, user_api="blas"):
        fitted = fit(dataset, fold.train, FitSettings())
    tested, coats = tested_pairs(dataset, fold), exposure.available_clinicians(dataset, fold)
    everyone, most = np.arange(len(tested.client)), exposure.grid_pairs(len(coats))
    grid = exposure.grid(tested, everyone, coats, most)
    scores = FoldTask(dataset, fold.train, grid.pairs, fitted, 0).scores.pairing
    first = grid.first(scores)
    answers = dataset.clients.only(sorted(fitted.model.pipeline.client_fields)).take(grid.client)
    found = exposure.concentration({OURS: [first]}, exposure.kinds_of(answers), [coats], 0)
    if found is None:
        raise RecommenderError("ratings", "have no tested client", "check the files")
    ranks = scores.reshape(len(grid.client), -1).argsort(axis=1).argsort(axis=1)
    between = np.asarray(np.corrcoef(ranks))[np.triu_indices(len(ranks), 1)]
    counts = sorted(np.unique(first, return_counts=True)[1].tolist(), reverse=True)
    return FirstRanks(tuple(counts), float(between.mean()), found)


def shuffled(ratings: RealRatings, seed: int) -> RealRatings:
    """The same data set with ratings dealt out again at random."""
    table = ratings.tables["ratings"]
    score = np.random.default_rng(seed).permutation(table["score"].to_numpy())
    tables = {**ratings.tables, "ratings": table.assign(score=score)}
    return replace(ratings, tables=tables)


def main(
    data: Annotated[Path, typer.Option(help="Folder that has the data set.")] = DATA / "coat",
    nulls: Annotated[int, typer.Option(help="Times that ratings are dealt out again.")] = 3,
) -> None:
    """Counts first ranks of the real ratings and of ratings without any order."""
    ratings = load(data)
    table = Table("ratings", "matches", "coats first", "most often", "agreement", "way", "gate")
    for protocol in ratings.protocols:
        several = {"real": ratings} | {
            f"null {seed}": shuffled(ratings, seed) for seed in range(nulls)
        }
        for name, each in several.items():
            found = first_ranks(each, protocol)
            table.add_row(
                name,
                protocol.name,
                str(len(found.counts)),
                ", ".join(map(str, found.counts[:4])),
                f"{found.agreement:.2f}",
                f"{found.way:.2f}",
                "refuses" if found.way > MAX_CONCENTRATION else "passes",
            )
    Console().print(table)
    one = found.concentration
    typer.echo(f"{one.clients} first ranks, {one.kinds} kinds of client, {one.clinicians} coats")


if __name__ == "__main__":
    typer.run(main)
