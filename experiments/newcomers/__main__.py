"""The command: `python -m experiments.newcomers`.

How well clinicians without a rating of their own are ordered among themselves, by a fitted model
and by the evidence prior, in simulated practices whose truth is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from threadpoolctl import threadpool_limits

from experiments.allocation.compare import over_practices
from experiments.known_truth import served_scores, share, truth_beside
from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.model.evidence_prior import evidence_model
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

RATINGS, CLINICIANS = (100, 300, 1_000), (40, 120)
TEST_CLIENTS = 600


@dataclass(frozen=True, slots=True)
class Newcomers:
    """`share` of `experiments.known_truth` in one practice, among clinicians without a rating.

    Attributes
    ----------
    count
        How many they are.
    model, prior
        Their order by the fitted model, and by the evidence prior.
    all_by_model, all_by_prior
        The same among all clinicians.
    """

    count: int
    model: float
    prior: float
    all_by_model: float
    all_by_prior: float


def measured(ratings: int, clinicians: int, seed: int, test_clients: int) -> Newcomers:
    """One simulated practice; the share is NaN where no client could see two newcomers."""
    practice = shipped_practice()
    settings = scenario(
        "default", ratings=ratings, clinicians=clinicians, seed=seed, test_clients=test_clients
    )
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write(simulate(settings, practice), folder)
        dataset = dataset_of(read_tables(folder, practice, None), practice)
        truth, clients = truth_beside(folder, dataset, practice)
    prior = evidence_model(
        practice, dataset.clinicians, dataset.clinician_ids, data_digest="", created_at=""
    )
    model = fit(dataset, settings=FitSettings(seed=seed)).model
    roster = encode_clinicians(dataset).roster
    ours, declared = (served_scores(each, roster, clients, truth) for each in (model, prior))
    return Newcomers(
        int(truth.cold.sum()),
        share(truth, ours, among=truth.cold),
        share(truth, declared, among=truth.cold),
        share(truth, ours),
        share(truth, declared),
    )


def row_of(found: Sequence[Newcomers], ratings: int, clinicians: int) -> str:
    """A row of the table: means, and paired differences with their 95 % intervals."""
    known = [each for each in found if np.isfinite(each.model)]
    among = over_practices([each.model - each.prior for each in known])
    overall = over_practices([each.all_by_model - each.all_by_prior for each in known])
    cells = [
        f"{ratings:,}",
        f"{clinicians}",
        f"{len(known)}",
        f"{np.mean([each.count for each in known]):.0f}",
        f"{np.mean([each.prior for each in known]):.3f}",
        f"{np.mean([each.model for each in known]):.3f}",
        *("{:+.3f} ({:+.3f} to {:+.3f})".format(*each) for each in (among, overall)),
    ]
    return f"| {' | '.join(cells)} |"


HEADINGS = (
    "ratings",
    "clinicians",
    "practices",
    "without a rating",
    "prior",
    "model",
    "model less prior",
    "among all, model less prior",
)


def main(
    ratings: Annotated[list[int] | None, typer.Option(help=f"Repeat. {RATINGS}")] = None,
    clinicians: Annotated[list[int] | None, typer.Option(help=f"Repeat. {CLINICIANS}")] = None,
    practices: Annotated[int, typer.Option(help="Simulated, of each size.", min=2)] = 30,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    test_clients: Annotated[int, typer.Option(help="Clients whose truth is asked.")] = TEST_CLIENTS,
) -> None:
    """Prints the table of docs/method.md, a row a size.

    For example, in a minute: python -m experiments.newcomers --ratings 300 --practices 4
    """
    typer.echo(f"| {' | '.join(HEADINGS)} |")
    typer.echo("|" + "---|" * len(HEADINGS))
    for people in clinicians or CLINICIANS:
        for size in ratings or RATINGS:
            found = []
            for seed in range(first, first + practices):
                with threadpool_limits(limits=1):
                    found.append(measured(size, people, seed, test_clients))
            typer.echo(row_of(found, size, people))


if __name__ == "__main__":
    typer.run(main)
