"""Lots within ties, and last places kept, on simulated practices whose truth is known.

The command: `python -m experiments.equipoise`.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from experiments.allocation.compare import Asked, learned, list_of, over_practices, scaled_places
from experiments.equipoise.asking import NOBODY, Firsts, firsts, gini, under

RULES = {
    "as declared": "",
    "lots within ties": "shuffle_ties = true",
    "last places kept": "keep_last_places = 1",
    "both": "shuffle_ties = true\nkeep_last_places = 1",
}
Row = Mapping[str, float]
out = Console(width=110)


def measured(directory: Path, asked: Asked, seed: int) -> dict[str, Row]:
    """One simulated practice under every rule: first ranks, and places given out in turn."""
    truth, encoding, model, day = learned(directory, asked, seed)
    people = list_of(directory, encoding, model, day, asked)
    places = scaled_places(encoding, model.practice, len(people.ids))
    rows = np.array([truth.client_ids.index(name) for name in people.ids])

    def figures(found: Firsts) -> Row:
        got = found.clinician != NOBODY
        whom = found.clinician[got]
        return {
            "new": 100 * float(truth.cold[whom].mean()),
            "gini": gini(whom.tolist(), len(encoding.roster)),
            "true": float(truth.alliance[rows[got], whom].mean()),
            "drawn": 100 * float((found.chance[got] < 1).mean()),
            "placed": 100 * float(got.mean()),
        }

    told: dict[str, Row] = {}
    for name, rule in RULES.items():
        ruled = under(model, rule)
        free = figures(firsts(ruled, encoding.roster, people, day, seed=seed))
        scarce = figures(firsts(ruled, encoding.roster, people, day, places, seed))
        told[name] = {**free, **{f"scarce {key}": value for key, value in scarce.items()}}
    return told


def table_of(found: list[dict[str, Row]], asked: Asked) -> Table:
    """A row for each rule: means over practices, and what it costs beside the declared order."""
    table = Table(
        "order", "drawn of 100", "new of 100", "Gini", "true, less declared",
        "placed of 100", "true, less declared (scarce)",
        title=f"{len(found)} practices, {asked.clients} clients, {asked.clinicians} clinicians, "
        f"{asked.ratings:,} ratings; each client takes whoever stands first",
    )  # fmt: skip
    for name in RULES:
        table.add_row(
            name,
            *(_mean(found, name, key, form) for key, form in
              (("drawn", ".1f"), ("new", ".2f"), ("gini", ".3f"))),
            _apart(found, name, "true"),
            _mean(found, name, "scarce placed", ".1f"),
            _apart(found, name, "scarce true"),
        )  # fmt: skip
    table.caption = (
        "drawn: first ranks a lot was part of; new: first ranks of clinicians nobody had rated. "
        "The last two columns: as many places as make 85 clients for 100, taken in turn. Points of "
        "true expected alliance, 95 % over practices."
    )
    return table


def _mean(found: list[dict[str, Row]], name: str, key: str, form: str) -> str:
    return f"{np.mean([each[name][key] for each in found]):{form}}"


def _apart(found: list[dict[str, Row]], name: str, key: str) -> str:
    declared = next(iter(RULES))
    apart = [each[name][key] - each[declared][key] for each in found]
    if name == declared:
        return ""
    mean, low, high = over_practices(apart)
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def main(
    clients: Annotated[int, typer.Option(min=10, help="Who ask, one after the other.")] = 300,
    clinicians: Annotated[int, typer.Option(min=2, help="Of each practice.")] = 40,
    ratings: Annotated[int, typer.Option(help="Learned from.")] = 1_500,
    practices: Annotated[int, typer.Option(min=1, help="Simulated.")] = 6,
    seed: Annotated[int, typer.Option(help="Of the first practice.")] = 1,
) -> None:
    """Draws lots within ties and keeps last places, and compares with the declared order."""
    asked = Asked(clients, clinicians, ratings, floor=0.0)
    found = []
    for number in range(practices):
        out.print(f"practice {number + 1} of {practices}", style="dim")
        with tempfile.TemporaryDirectory() as directory:
            found.append(measured(Path(directory), asked, seed + number))
    out.print(table_of(found, asked))


if __name__ == "__main__":
    typer.run(main)
