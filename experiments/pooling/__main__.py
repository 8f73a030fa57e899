"""The command `python -m experiments.pooling`: who is named among contributions.

Invented practices have the same slopes give or take a deviation of their own, and one sends the
opposite of what its ratings say. With `--simulated` ten simulated practices do, and the gain of a
practice without ratings is measured with and without it.
"""

from typing import Annotated

import numpy as np
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from experiments.bake_off.pooled import DIFFERENCE
from experiments.bake_off.pooled import RATINGS as RATINGS_OF
from experiments.pooling.budgets import gain_by_way
from experiments.pooling.invented import (
    RATINGS,
    RESIDUAL_SD,
    SLOPES,
    invented_contribution,
)
from experiments.pooling.poisoned import poisoned_case
from recommender.pooling.heterogeneity import findings_of
from recommender.pooling.pool import Pool
from recommender.pooling.practice_contribution import PracticeContribution
from recommender.pooling.signature import public_text


def main(
    pools: Annotated[int, typer.Option(help="Pools of each kind.")] = 60,
    sizes: Annotated[list[int] | None, typer.Option(help="Contributions in a pool.")] = None,
    differences: Annotated[
        list[float] | None, typer.Option(help="SD between practices, in points.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Ten simulated practices, one poisoned; minutes.")
    ] = False,
    budgets: Annotated[
        bool, typer.Option("--budgets", help="Tables of sizes and noise beside matches; minutes.")
    ] = False,
) -> None:
    """Counts pools in which an honest contribution is named, and in which the opposite one is."""
    if simulated:
        _print_simulated()
        return
    if budgets:
        _print_budgets()
        return
    table = Table("contributions", "SD between", "an honest one named", "the opposite one named")
    for size in sizes or [3, 6, 10]:
        for difference in differences or [0.0, 0.02, 0.06]:
            false, found = counts(size, difference, pools)
            table.add_row(
                str(size), f"{difference:.2f}", f"{false} of {pools}", f"{found} of {pools}"
            )
    Console().print(table)


def _print_budgets() -> None:
    contributors = (10, 30)
    table = Table("what is shared", *(f"{count} contributors" for count in contributors))
    for name, gains in gain_by_way(contributors).items():
        table.add_row(name, *(f"{gain:.3f}" for gain in gains))
    Console().print(table)


def _print_simulated() -> None:
    heads = ("poisoned", "SD between", "named", "literature", "honest pool", "poisoned", "left out")
    table = Table(*heads)
    for difference in (0.0, DIFFERENCE):
        for place in (2, 5, 9):
            case = poisoned_case(0, place, difference)
            figures = (case.literature, case.honest, case.poisoned, case.left_out)
            table.add_row(
                f"{RATINGS_OF[place]:,} ratings",
                f"{difference:.0%}",
                ", ".join(case.named) or "nobody",
                *(f"{figure:.3f}" for figure in figures),
            )
    Console().print(table)


def counts(size: int, difference: float, pools: int) -> tuple[int, int]:
    """Pools with an honest contribution named; pools with the opposite one named and no other."""
    false = found = 0
    for seed in range(pools):
        rng = np.random.default_rng([seed, size])
        honest = [_invented(rng, place, difference) for place in range(size)]
        false += any(each.deviates for each in findings_of(Pool(tuple(honest))))
        opposite = _invented(rng, size, difference, sign=-1.0)
        named = findings_of(Pool((*honest[:-1], opposite)))
        found += [each.key for each in named if each.deviates] == [opposite.key]
    return false, found


def _invented(
    rng: np.random.Generator, place: int, difference: float, sign: float = 1.0
) -> PracticeContribution:
    rows = rng.standard_normal((RATINGS, len(SLOPES)))
    slopes = SLOPES + rng.normal(0.0, difference, len(SLOPES))
    label = rows @ slopes + rng.normal(0.0, RESIDUAL_SD, RATINGS)
    key = Ed25519PrivateKey.from_private_bytes((place + 1).to_bytes(32, "big"))
    return invented_contribution(place, rows, sign * label, key=public_text(key))


if __name__ == "__main__":
    typer.run(main)
