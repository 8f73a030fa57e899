"""The cache of measured cells: one row a simulated practice and learner, in a CSV file.

Figures only; nothing of a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.bake_off.arena import Site

KEY = ["scenario", "ratings", "seed", "learner"]
FIGURES = [
    "cap_share",
    "share",
    "cold_share",
    "top_share",
    "optimism_random",
    "optimism_first",
    "coverage_rated",
    "coverage_first",
    "width",
    "partial",
    "dyad_partial",
    "dyad_low",
    "dyad_high",
]
COLUMNS = [*KEY, "version", "seconds", "problem", *FIGURES]
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """One learner in one simulated practice.

    Attributes
    ----------
    site, learner
        Where and who.
    version
        Of the code that measured it.
    seconds
        Processor time of learning and scoring: other work on the machine does not count.
    problem
        Why there are no figures; empty when there are.
    figures
        By name; those that do not apply are NaN.
    """

    site: Site
    learner: str
    version: str
    seconds: float
    problem: str
    figures: dict[str, float]


class Cells:
    """Measured cells on disk; every `keep` writes the file anew, whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = _read(path)

    def knows(self, site: Site, learner: str, version: str) -> bool:
        """Whether the cell was measured by this version of the code."""
        found = self.table[self._where(site, learner)]
        return bool((found["version"] == version).any())

    def keep(self, cell: Cell) -> None:
        """Adds a cell in place of an earlier one of the same name."""
        site = cell.site
        row = {
            "scenario": site.scenario,
            "ratings": site.ratings,
            "seed": site.seed,
            "learner": cell.learner,
            "version": cell.version,
            "seconds": round(cell.seconds, 2),
            "problem": cell.problem,
            **{name: round(cell.figures.get(name, np.nan), DIGITS) for name in FIGURES},
        }
        kept = self.table[~self._where(site, cell.learner)].to_dict("records")
        table = pd.DataFrame([*kept, row], columns=COLUMNS)
        self.table = table.sort_values(KEY, kind="stable", ignore_index=True)
        # A run that is killed while writing must leave the old file whole.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".fresh")
        self.table.to_csv(fresh, index=False, lineterminator="\n")
        fresh.replace(self.path)

    def of(self, scenario: str, ratings: int, seeds: Iterable[int] | None) -> pd.DataFrame:
        """Cells of one scenario and size, of some seeds or of all."""
        table = self.table
        chosen = (table["scenario"] == scenario) & (table["ratings"] == ratings)
        return table[chosen if seeds is None else chosen & table["seed"].isin(list(seeds))]

    def _where(self, site: Site, learner: str) -> "pd.Series[bool]":
        table = self.table
        return (
            (table["scenario"] == site.scenario)
            & (table["ratings"] == site.ratings)
            & (table["seed"] == site.seed)
            & (table["learner"] == learner)
        )


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    words = {"version": str, "problem": str, "scenario": str, "learner": str}
    # One scenario is called null, which pandas would read as missing.
    nothing = {name: [""] for name in ("seconds", *FIGURES)}
    table = pd.read_csv(path, dtype=words, keep_default_na=False, na_values=nothing)
    return table[COLUMNS]
