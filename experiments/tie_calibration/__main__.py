"""How often "this clinician is ahead of that one" is true, beside how sure the model said it was.

Pairs of feasible clinicians of the test clients of simulated practices, whose truth is known. The
command: `python -m experiments.tie_calibration`; it writes `results.md` beside itself.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from experiments.bake_off.arena import Arena, Site, prepared
from recommender.features.feature import Array

RESULTS = Path(__file__).with_name("results.md")
PAIRS = 20_000
"""Drawn from each practice; a share of 1,000 of them is unsure by .03."""
AT_ONCE = 500
"""Pairs asked at once: what is asked together is held against each other."""
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
out = Console()


def tie_calibration(arena: Arena) -> tuple[Array, Array]:
    """Probability said of the clinician ahead, and whether they truly are, for random pairs."""
    rng = np.random.default_rng(arena.trial.seed)
    one = rng.integers(0, len(arena.row), PAIRS)
    # Asked pairs stand client by client: a neighbour within the client is drawn as the other.
    first = np.searchsorted(arena.row, arena.row[one])
    count = np.bincount(arena.row)[arena.row[one]]
    other = first + rng.integers(0, count)
    true = arena.truth.alliance[arena.row, arena.column]
    differ = true[one] != true[other]
    one, other = one[differ], other[differ]
    trial, model = arena.trial, arena.trial.fitted.model
    prepared = model.prepare(trial.dataset.clients, trial.encoding, trial.pairs)
    some = range(0, len(one), AT_ONCE)
    ahead = np.concatenate(
        [model.ahead(prepared, one[at : at + AT_ONCE], other[at : at + AT_ONCE]) for at in some]
    )
    right = (true[one] > true[other]) == (ahead > 0.5)
    return np.maximum(ahead, 1 - ahead), right.astype(np.float64)


def rows(said: Array, right: Array) -> Iterator[tuple[str, int, float, float]]:
    """Range of what was said, pairs in it, mean said, share true; empty ranges are left out."""
    for low, high in pairwise(EDGES):
        inside = (said >= low) & ((said < high) | (high == EDGES[-1]))
        if inside.any():
            span = f"{low:.1f} to {high:.1f}"
            yield span, int(inside.sum()), float(said[inside].mean()), float(right[inside].mean())


def page(measured: dict[int, list[tuple[Array, Array]]], test_clients: int) -> str:
    """The results as Markdown, a table for each number of ratings."""
    lines = [
        "# Said and true",
        "",
        "Pairs of feasible clinicians: the probability with which the model says that one of them",
        "is ahead, and how often that is true. Written by `python -m experiments.tie_calibration`.",
    ]
    for ratings, practices in measured.items():
        said, right = (np.concatenate(parts) for parts in zip(*practices, strict=True))
        seeds = f"{len(practices)} practices, {test_clients:,} test clients each"
        lines += ["", f"## {ratings:,} ratings ({seeds})", ""]
        lines += ["| said | pairs | mean said | true |", "|---|---|---|---|"]
        lines += [
            f"| {span} | {pairs:,} | {mean:.3f} | {share:.3f} |"
            for span, pairs, mean, share in rows(said, right)
        ]
    return "\n".join(lines) + "\n"


def main(
    ratings: Annotated[
        list[int] | None, typer.Option(help="Learned from; repeat for more. (300, 1000, 8000)")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Practices of each size, from seed 0.", min=1)] = 3,
    test_clients: Annotated[int, typer.Option(help="Test clients of each.", min=2)] = 1_000,
) -> None:
    """Compare how sure the model is that one clinician is ahead with how often it is right."""
    measured: dict[int, list[tuple[Array, Array]]] = {}
    for size in ratings or [300, 1_000, 8_000]:
        for seed in range(seeds):
            with out.status(f"{size:,} ratings, seed {seed}"):
                arena = prepared(Site("default", size, seed), test_clients)
                measured.setdefault(size, []).append(tie_calibration(arena))
    RESULTS.write_text(page(measured, test_clients), encoding="utf-8")
    out.print(RESULTS.read_text(encoding="utf-8"), markup=False)


if __name__ == "__main__":
    typer.run(main)
