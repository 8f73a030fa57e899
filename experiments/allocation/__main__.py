"""Allocation beside first come, first served, on simulated practices whose truth is known.

The command: `python -m experiments.allocation`; a smaller one is a part of `experiments.bench`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from experiments.allocation.compare import Asked, Compared, compared, over_practices

out = Console(width=110)
FLOOR = 0.3
"""Points: the first choice is .24 above the middle one of those who fit, for the usual client."""


def table_of(found: Sequence[Compared], asked: Asked) -> Table:
    """A row for each way to give a list out, all practices together."""
    table = Table(
        "given out", "placed of 100", "true alliance", "gain at once, points", "95 %",
        f"more than {asked.floor:g} below",
        title=f"{len(found)} waiting lists of {asked.clients:,} clients and {asked.clinicians} "
        "clinicians, 85 clients for 100 places",
    )  # fmt: skip
    ways = {
        "at once": [each.at_once for each in found],
        "first come, first served": [each.in_turn for each in found],
        "in turn, anybody who fits": [each.anybody for each in found],
    }
    for name, outcomes in ways.items():
        gains = [
            float(each.gain(outcome).mean()) for each, outcome in zip(found, outcomes, strict=True)
        ]
        mean, low, high = over_practices(gains)
        at_once = name == "at once"
        table.add_row(
            name,
            f"{100 * np.mean([outcome.placed.mean() for outcome in outcomes]):.1f}",
            f"{np.mean([np.nanmean(outcome.true) for outcome in outcomes]):.3f}",
            "" if at_once else f"{mean:+.3f}",
            "" if at_once else f"{low:+.3f} to {high:+.3f}",
            f"{sum(outcome.below for outcome in outcomes):,}",
        )
    table.caption = said(found, asked)
    return table


def said(found: Sequence[Compared], asked: Asked) -> str:
    """What was guaranteed, and how long it took."""
    below = sum(each.at_once.below for each in found)
    floor = "no client below the floor" if not below else f"{below} CLIENTS BELOW THE FLOOR"
    slowest = max(each.seconds for each in found)
    return (
        f"At once: {floor} ({asked.floor:g} predicted points under the client's own first choice). "
        f"Screened, scored and solved within {slowest:.1f} s. True expected alliance on a scale of "
        "1 to 5; gains are of clients placed either way, their intervals over practices."
    )


def measured(asked: Asked, practices: int, seed: int) -> list[Compared]:
    """As many simulated practices, one after the other."""
    found = []
    for number in range(practices):
        out.print(f"practice {number + 1} of {practices}", style="dim")
        with tempfile.TemporaryDirectory() as directory:
            found.append(compared(Path(directory), asked, seed + number))
    return found


def main(
    clients: Annotated[int, typer.Option(min=10, help="On each waiting list.")] = 2_000,
    clinicians: Annotated[int, typer.Option(min=2, help="Of each practice.")] = 200,
    ratings: Annotated[int, typer.Option(help="Learned from.")] = 2_000,
    practices: Annotated[int, typer.Option(min=1, help="Simulated, one list each.")] = 6,
    floor: Annotated[
        float, typer.Option(min=0, help="Nobody is so many points below their first choice.")
    ] = FLOOR,
    seed: Annotated[int, typer.Option(help="Of the first practice.")] = 1,
) -> None:
    """Gives waiting lists out at once and in turn, at 85 % utilisation, and compares the truth."""
    asked = Asked(clients, clinicians, ratings, floor)
    out.print(table_of(measured(asked, practices, seed), asked))


if __name__ == "__main__":
    typer.run(main)
