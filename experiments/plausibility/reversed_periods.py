"""The command: `python -m experiments.plausibility.reversed_periods --practices 24`.

How often a scale that was read from its other end for some time is found, by the size of the
practice: in one half-year, and from the middle of the ratings on. Practices of every scenario are
simulated; only the main instrument is reversed.
"""

from collections import Counter
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from experiments.simulated_practice.settings import SCENARIOS, scenario
from experiments.simulated_practice.tables import ratings_table
from experiments.simulated_practice.world import simulate
from recommender.alliance.plausibility import implausible_ratings
from recommender.practice.definition import Practice, shipped_practice

MAIN = "wai_sr"
SIZES = (100, 300, 700, 1_400)
"""Rated pairings of a practice."""
HONEST, HALF_YEAR, SECOND_HALF = "nothing", "one half-year", "the second half"


def main(
    practices: Annotated[int, typer.Option(help="How many practices of each size.", min=1)] = 24,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
) -> None:
    """Counts the practices whose reversed ratings are found; exits 1 on any false warning."""
    practice = shipped_practice()
    false = 0
    for size in SIZES:
        found: Counter[str] = Counter()
        forms = []
        for seed in range(first, first + practices):
            ratings = some_ratings(seed, size, practice)
            forms.append(int((ratings["instrument"] == MAIN).sum()))
            found.update(damage for damage in damages(ratings, seed, practice))
        false += found[HONEST]
        typer.echo(
            f"{size} rated pairings, {np.mean(forms):.0f} forms of {MAIN}; found of {practices}: "
            + ", ".join(f"{found[each]} with {each} reversed" for each in (HALF_YEAR, SECOND_HALF))
            + f"; {found[HONEST]} with {HONEST} reversed"
        )
    if false:
        raise typer.Exit(1)


def some_ratings(seed: int, size: int, practice: Practice) -> pd.DataFrame:
    """Ratings by clients of one simulated practice; the scenario goes by the seed."""
    name = list(SCENARIOS)[seed % len(SCENARIOS)]
    settings = scenario(
        name, seed=seed, ratings=size, clinicians=max(5, size // 25), test_clients=1
    )
    ratings = ratings_table(simulate(settings, practice))
    of_clients = ratings[ratings["rater"] == "client"].reset_index(drop=True)
    return of_clients.assign(rated_on=pd.to_datetime(of_clients["rated_on"]))


def damages(ratings: pd.DataFrame, seed: int, practice: Practice) -> list[str]:
    """What is reversed where a reversed period is reported, among the three ways."""
    half_years = ratings["rated_on"].dt.year * 2 + ratings["rated_on"].dt.month // 7
    # The first and the last hold a fraction of a half-year in some practices.
    some = np.sort(half_years.unique())[1:-1]
    of_main = (ratings["instrument"] == MAIN).to_numpy()
    middle = ratings.loc[of_main, "rated_on"].median()
    reversed_rows = {
        HONEST: np.zeros(len(ratings), dtype=np.bool_),
        HALF_YEAR: of_main & (half_years == some[seed % len(some)]).to_numpy(),
        SECOND_HALF: of_main & (ratings["rated_on"] >= middle).to_numpy(),
    }
    return [name for name, rows in reversed_rows.items() if is_found(ratings, rows, practice)]


def is_found(ratings: pd.DataFrame, rows: NDArray[np.bool_], practice: Practice) -> bool:
    """Whether some ratings, read from the other end of their scale, are reported as a period."""
    low, high = practice.instruments[MAIN].bounds("sum")
    turned = ratings.assign(score=ratings["score"].mask(rows, low + high - ratings["score"]))
    accepted = {name: practice.instruments[name] for name in practice.alliance.instruments}
    return any(each.kind == "reversed_period" for each in implausible_ratings(turned, accepted))


if __name__ == "__main__":
    typer.run(main)
