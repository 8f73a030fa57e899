"""The tables of the bake-off: all learners at one size, over sizes, over scenarios."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from experiments.bake_off.ceiling import CEILING
from experiments.bake_off.cells import Cells
from experiments.bake_off.grid import DEFAULT, Grid
from experiments.bake_off.learners import ENTRANTS
from experiments.bake_off.page import Sheet
from experiments.bake_off.summary import (
    NONE,
    Mean,
    Practice,
    absent,
    mean_of,
    practice_of,
    signed,
)
from experiments.simulated_practice.settings import SCENARIOS, Settings, scenario
from recommender.training.baselines import OURS, PRIOR

MAIN_FIGURES: Mapping[str, str] = {
    "cap_share": "cap_share",
    "share": "share",
    "cold": "cold_share",
    "coverage rated": "coverage_rated",
    "coverage first": "coverage_first",
    "too high, random": "optimism_random",
    "too high, first": "optimism_first",
    "top 10 % get": "top_share",
    "dyad partial": "dyad_partial",
}
"""Columns of the main table and the figures they show."""
PAIRED = ("cap_share", "share")
CURVES = ("cap_share", "share")


def main_table(cells: Cells, grid: Grid) -> Sheet:
    """Every learner in the default scenario at the main size, and ours less each, paired."""
    practice = practice_of(cells, grid, DEFAULT, grid.main)
    rows = pd.DataFrame([_main_row(practice, learner) for learner in _ranked(practice, grid)])
    meaning = (
        "Means over seeds ± standard error. `ours -` is paired over seeds: read these, since "
        "the worlds of the seeds differ. `too high` is predicted less true alliance in points. "
        "Coverage of the stated 90 % range: rated pairings that staff chose, and the first-ranked "
        "clinician when everybody rates. Seconds are "
        "processor time of learning and scoring; our halves are learned by the whole fit."
    )
    title = f"All learners, {grid.main:,} ratings"
    return Sheet("main", title, meaning, rows, tuple(absent(practice, grid)), ("main.svg",))


def _ranked(practice: Practice, grid: Grid) -> list[str]:
    """Learners by their mean cap_share, those without one last."""
    found = {name: practice.mean(name, "cap_share") for name in grid.learners}
    return sorted(grid.learners, key=lambda name: -found[name].value if found[name].seeds else 9.0)


def _main_row(practice: Practice, learner: str) -> dict[str, str]:
    row = {"learner": learner, "seeds": str(practice.mean(learner, "seconds").seeds)}
    for figure in PAIRED:
        row[f"ours - {figure}"] = _against(practice, learner, figure)
    row |= {head: str(practice.mean(learner, name)) for head, name in MAIN_FIGURES.items()}
    row["cap_share of ceiling"] = str(practice.part_of(learner, CEILING, "cap_share"))
    row["seconds"] = _seconds(practice.mean(learner, "seconds"))
    return row


def _against(practice: Practice, learner: str, figure: str) -> str:
    if learner == OURS:
        return NONE
    return signed(practice.difference(OURS, learner, figure))


def _seconds(mean: Mean) -> str:
    return f"{mean.value:.1f}" if mean.seeds else NONE


def learning_tables(cells: Cells, grid: Grid) -> tuple[Sheet, ...]:
    """Learning curves of cap_share and share over the sizes."""
    sizes = [size for name, size in grid.practices() if name == DEFAULT]
    found = [practice_of(cells, grid, DEFAULT, size) for size in sizes]
    notes = tuple(note for practice in found for note in absent(practice, grid))
    curves = tuple(_curve(figure, found, grid, notes) for figure in CURVES)
    return (*curves, _of_ceiling(found, grid, notes)) if CEILING in grid.learners else curves


def _curve(figure: str, found: list[Practice], grid: Grid, notes: tuple[str, ...]) -> Sheet:
    rows = [
        {"learner": learner}
        | {f"{practice.ratings:,}": str(practice.mean(learner, figure)) for practice in found}
        for learner in grid.learners
    ]
    if PRIOR in grid.learners and OURS in grid.learners:
        rows += _beside_prior(figure, found)
    meaning = (
        f"Mean {figure} over seeds ± standard error, by ratings learned from. The last rows say "
        "where the prior hands over to what is learned, and whether ours is ever below it."
    )
    title = f"Learning curve: {figure}"
    return Sheet(f"learning_{figure}", title, meaning, pd.DataFrame(rows), notes, ("learning.svg",))


def _of_ceiling(found: list[Practice], grid: Grid, notes: tuple[str, ...]) -> Sheet:
    rows = [
        {"learner": learner}
        | {f"{p.ratings:,}": str(p.part_of(learner, CEILING, "cap_share")) for p in found}
        for learner in grid.learners
        if learner != CEILING
    ]
    meaning = (
        "cap_share as a part of what a Bayesian fit with the true forms reaches on the same "
        "ratings, mean over seeds ± standard error. Above 1 a learner knows more than the forms, "
        "such as sizes from the literature or from other practices."
    )
    title = "Learning curve: cap_share as a part of the ceiling"
    return Sheet("learning_of_ceiling", title, meaning, pd.DataFrame(rows), notes)


def _beside_prior(figure: str, found: list[Practice]) -> list[dict[str, str]]:
    apart = {f"{p.ratings:,}": p.apart(OURS, PRIOR, figure) for p in found}
    return [
        {"learner": "ours - prior"} | {size: signed(mean_of(d)) for size, d in apart.items()},
        {"learner": "ours below the prior"} | {size: _below(d) for size, d in apart.items()},
    ]


def _below(apart: "pd.Series[float]") -> str:
    """Whether the mean is below, and in how many seeds a single one is."""
    if not len(apart):
        return NONE
    under = apart[apart < 0]
    mean = "yes" if apart.mean() < 0 else "no"
    worst = f", worst {under.min():+.3f}" if len(under) else ""
    return f"{mean}; {len(under)} of {len(apart)} seeds{worst}"


def scenario_table(cells: Cells, grid: Grid) -> Sheet:
    """cap_share and share of every learner in every scenario at the main size."""
    found = [practice_of(cells, grid, name, grid.main) for name in grid.scenarios]
    worth = [practice for practice in found if practice.scenario != "null"]
    rows = [
        {"figure": figure, "learner": learner}
        | {practice.scenario: str(practice.mean(learner, figure)) for practice in worth}
        for figure in PAIRED
        for learner in grid.learners
    ]
    notes = tuple(note for p in found if p.scenario != DEFAULT for note in absent(p, grid))
    meaning = (
        "Means over seeds ± standard error. In the null world clinicians do not differ, so that "
        "there is nothing to have a share of: its table follows."
    )
    title = f"Scenarios, {grid.main:,} ratings"
    return Sheet("scenarios", title, meaning, pd.DataFrame(rows), notes)


def null_table(cells: Cells, grid: Grid) -> Sheet:
    """What each learner seems to find in later ratings where there is nothing to find."""
    practice = practice_of(cells, grid, "null", grid.main, every_seed=True)
    rows = []
    for learner in grid.learners:
        low, high = (practice.by_seed(learner, name).dropna() for name in ("dyad_low", "dyad_high"))
        held = int(((low <= 0) & (high >= 0)).sum())
        rows.append(
            {
                "learner": learner,
                "dyad partial": str(practice.mean(learner, "dyad_partial")),
                "client-adjusted partial": str(practice.mean(learner, "partial")),
                "interval covers 0": f"{held} of {len(low)}",
                "too high, first": str(practice.mean(learner, "optimism_first")),
            }
        )
    meaning = (
        "Partial correlations with later ratings of staff's choices. The 95 % interval of the dyad "
        "partial, by bootstrap over clients and clinicians, should cover 0 in 95 % of runs. All "
        "seeds measured so far count, also those beyond the grid's."
    )
    title = f"Null world, {grid.main:,} ratings"
    return Sheet("null", title, meaning, pd.DataFrame(rows))


def world_table(grid: Grid) -> Sheet:
    """What the simulated practices are made of."""
    usual = _flat(Settings(ratings=grid.main, test_clients=grid.test_clients))
    rows = [{"setting": name, DEFAULT: value} for name, value in usual.items()]
    for name in (each for each in grid.scenarios if each != DEFAULT):
        changed = _flat(scenario(name, ratings=grid.main, test_clients=grid.test_clients))
        for row in rows:
            value = changed.get(row["setting"], NONE)
            row[name] = "" if value == row[DEFAULT] else value
    meaning = (
        "As `truth/settings.json` of each practice has it; a scenario shows only what it changes. "
        f"What they mean stands in `simulated_practice/settings.py` ({len(SCENARIOS)} scenarios)."
    )
    return Sheet("settings", "The simulated practices", meaning, pd.DataFrame(rows))


def _flat(settings: Settings) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in asdict(settings).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{part}": str(size) for part, size in value.items()}
        elif isinstance(value, tuple):
            flat[name] = ", ".join(f"{kind} {odds:g}" for kind, odds in value)
        elif name != "seed":
            flat[name] = str(value)
    return flat


def entrants_table(grid: Grid) -> Sheet:
    """Who takes part."""
    rows = [{"learner": name, "what it is": ENTRANTS[name].meaning} for name in grid.learners]
    return Sheet("learners", "Who takes part", "", pd.DataFrame(rows))
