"""From cells to numbers: means over seeds, their standard errors, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.bake_off.cells import Cells
from experiments.bake_off.grid import Grid
from experiments.bake_off.learners import ENTRANTS
from experiments.bake_off.version import version_of

NONE = "-"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds.

    Attributes
    ----------
    value, error
        The mean and its standard error, NaN with fewer than one or two seeds.
    seeds
        How many there were.
    """

    value: float
    error: float
    seeds: int

    def __str__(self) -> str:
        if not self.seeds:
            return NONE
        return f"{self.value:.3f}" + (f" ± {self.error:.3f}" if self.seeds > 1 else "")


def mean_of(values: "pd.Series[float]") -> Mean:
    """Mean of the values that are known."""
    known = values.dropna().to_numpy(dtype=np.float64)
    if not known.size:
        return Mean(float("nan"), float("nan"), 0)
    error = float(known.std(ddof=1) / np.sqrt(known.size)) if known.size > 1 else float("nan")
    return Mean(float(known.mean()), error, int(known.size))


def signed(mean: Mean) -> str:
    """A difference, with its sign."""
    return f"+{mean}" if mean.seeds and mean.value >= 0 else str(mean)


@dataclass(frozen=True, slots=True)
class Practice:
    """All cells of one scenario and size.

    Attributes
    ----------
    scenario, ratings
        Which.
    cells
        One row a learner and seed.
    """

    scenario: str
    ratings: int
    cells: pd.DataFrame

    def by_seed(self, learner: str, figure: str) -> "pd.Series[float]":
        """One figure of a learner, by seed."""
        own = self.cells[self.cells["learner"] == learner]
        return own.set_index("seed")[figure].astype(np.float64)

    def mean(self, learner: str, figure: str) -> Mean:
        """Over the seeds measured."""
        return mean_of(self.by_seed(learner, figure))

    def apart(self, learner: str, other: str, figure: str) -> "pd.Series[float]":
        """A learner's figure less another's, by seed, for seeds that have both."""
        apart = self.by_seed(learner, figure) - self.by_seed(other, figure)
        return apart.dropna()

    def difference(self, learner: str, other: str, figure: str) -> Mean:
        """Mean paired difference."""
        return mean_of(self.apart(learner, other, figure))

    def part_of(self, learner: str, other: str, figure: str) -> Mean:
        """Mean of a learner's figure as a part of another's, for seeds that have both."""
        part = self.by_seed(learner, figure) / self.by_seed(other, figure)
        return mean_of(part.dropna())


def practice_of(
    cells: Cells, grid: Grid, scenario: str, ratings: int, *, every_seed: bool = False
) -> Practice:
    """The cells of one scenario and size: of the grid's seeds, or of all that were measured."""
    found = cells.of(scenario, ratings, None if every_seed else range(grid.seeds))
    return Practice(scenario, ratings, found[found["learner"].isin(grid.learners)])


def absent(practice: Practice, grid: Grid) -> list[str]:
    """Cells that are missing, have no figures, or come from earlier code, a sentence each."""
    missing: dict[str, list[str]] = {}
    earlier: dict[str, list[str]] = {}
    lines = []
    for learner in grid.learners:
        own = practice.cells[practice.cells["learner"] == learner]
        gone = sorted(set(range(grid.seeds)) - set(own["seed"]))
        if gone:
            missing.setdefault(_seeds(gone), []).append(learner)
        for problem, seeds_of in _problems(own).items():
            lines.append(f"{learner}, {_seeds(seeds_of)}: {problem}")
        old = own[own["version"] != version_of(ENTRANTS[learner])]["seed"].tolist()
        if old:
            earlier.setdefault(_seeds(old), []).append(learner)
    lines += [f"missing: {', '.join(those)}, {seeds}" for seeds, those in missing.items()]
    lines += [
        f"measured by earlier code: {', '.join(those)}, {seeds}" for seeds, those in earlier.items()
    ]
    return [f"{practice.scenario}, {practice.ratings:,} ratings: {line}" for line in lines]


def _problems(own: pd.DataFrame) -> Mapping[str, list[int]]:
    failed = own[own["problem"] != ""]
    parts = failed.groupby("problem", sort=True)["seed"]
    return {str(problem): seeds.tolist() for problem, seeds in parts}


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, sorted(seeds)))}"
