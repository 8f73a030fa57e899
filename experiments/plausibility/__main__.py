"""The command: `python -m experiments.plausibility --practices 200`.

Honest tables must give no plausibility warning. Simulated practices of 30 to 3,000 rated pairings
in every scenario are written, each with its totals and with forms answered item by item, and
checked as `recommender check` does.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from experiments.simulated_practice.forms import FORMS, responses
from experiments.simulated_practice.settings import SCENARIOS, Settings, scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.practice.definition import Practice, shipped_practice
from recommender.tables.report import TablesReport, check_tables

SMALLEST, LARGEST = 30, 3_000
"""Rated pairings of a practice, evenly spread on a logarithmic scale."""
RATINGS_EACH = 25
"""Rated pairings for each clinician, at least five clinicians."""


def main(
    practices: Annotated[int, typer.Option(help="How many practices.", min=2)] = 200,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
) -> None:
    """Counts the honest practices that get a warning; exits 1 if any does."""
    practice = shipped_practice()
    kinds: Counter[str] = Counter()
    warned = 0
    for number, settings in enumerate(_settings(practices, first)):
        reports = check(settings, practice)
        warnings = [warning for report in reports for warning in report.implausible]
        for warning in warnings:
            typer.echo(f"seed {settings.seed}, {settings.ratings} ratings: {warning}")
        warned += bool(warnings)
        kinds.update({warning.kind for warning in warnings})
        if number % 20 == 19:
            typer.echo(f"{number + 1} practices, {warned} with a warning", err=True)
    typer.echo(f"{warned} of {practices} honest practices got a warning")
    for kind, count in kinds.most_common():
        typer.echo(f"  {kind}: {count}")
    if warned:
        raise typer.Exit(1)


def check(settings: Settings, practice: Practice) -> tuple[TablesReport, TablesReport]:
    """The reports on one practice: with totals, and with item answers."""
    world = simulate(settings, practice)
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write(world, folder)
        totals = check_tables(folder, practice, settings.exported_on)
        path = folder / "ratings.csv"
        as_items(pd.read_csv(path), settings, practice).to_csv(path, index=False)
        return totals, check_tables(folder, practice, settings.exported_on)


def as_items(ratings: pd.DataFrame, settings: Settings, practice: Practice) -> pd.DataFrame:
    """The same ratings with new answers item by item where the instrument takes them.

    As on paper: a reverse-keyed item is written as the client answered it.
    """
    rng = np.random.default_rng([settings.seed, 99])
    width = max(practice.instruments[name].items for name in FORMS)
    items = np.full((len(ratings), width), np.nan)
    by_items = np.zeros(len(ratings), dtype=np.bool_)
    for name in FORMS:
        instrument = practice.instruments[name]
        rows = np.flatnonzero(ratings["instrument"] == name)
        if not instrument.accepts_items or not len(rows):
            continue
        latent, own = rng.normal(size=(2, len(rows)))
        straight = np.where(latent > 0, settings.straight_high, settings.straight)
        scored = responses(rng, instrument, latent, own, straight)
        turned = np.asarray(instrument.reverse, dtype=np.intp) - 1
        scored[:, turned] = instrument.min + instrument.max - scored[:, turned]
        items[rows, : instrument.items] = scored
        by_items[rows] = True
    answered = ratings.assign(
        metric=np.where(by_items, "items", ratings["metric"]),
        score=ratings["score"].mask(by_items),
    )
    names = [f"item_{number}" for number in range(1, width + 1)]
    return answered.join(pd.DataFrame(np.round(items, 1), columns=names))


def _settings(practices: int, first: int) -> list[Settings]:
    sizes = np.geomspace(SMALLEST, LARGEST, practices).round().astype(int).tolist()
    worlds = list(SCENARIOS)
    return [
        scenario(
            worlds[place % len(worlds)],
            seed=first + place,
            ratings=size,
            clinicians=max(5, size // RATINGS_EACH),
            test_clients=1,
        )
        for place, size in enumerate(sizes)
    ]


if __name__ == "__main__":
    typer.run(main)
