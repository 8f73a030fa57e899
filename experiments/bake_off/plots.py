"""Plots of the bake-off as SVG that is the same for the same figures."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.bake_off.cells import Cells
from experiments.bake_off.grid import DEFAULT, Grid
from experiments.bake_off.learners import TUNED
from experiments.bake_off.summary import Practice, practice_of
from recommender.training.baselines import OURS, PLAIN, POPULARITY, PRIOR
from recommender.training.plots import BLUE, COLOURS, DASHES, GREY

SHOWN = (OURS, PRIOR, TUNED, PLAIN, POPULARITY)
"""Learners of the learning curve: all of them would hide the hand-over."""
PANELS = ("cap_share", "share")


def draw(cells: Cells, grid: Grid, folder: Path) -> None:
    """Writes `main.svg` and `learning.svg`."""
    save(main_plot(practice_of(cells, grid, DEFAULT, grid.main), grid), folder / "main.svg")
    sizes = [size for name, size in grid.practices() if name == DEFAULT]
    found = [practice_of(cells, grid, DEFAULT, size) for size in sizes]
    save(learning_plot(found, grid), folder / "learning.svg")


def save(figure: Figure, path: Path) -> None:
    """The figure as SVG without a date, ids from a fixed salt."""
    with mpl.rc_context({"svg.hashsalt": "bake-off", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def main_plot(practice: Practice, grid: Grid) -> Figure:
    """cap_share and share of every learner, a dot and its standard error each."""
    figure = Figure(figsize=(9.0, 1.2 + 0.32 * len(grid.learners)), layout="constrained")
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for panel, name in zip(axes, PANELS, strict=True):
        for place, learner in enumerate(grid.learners):
            mean = practice.mean(learner, name)
            colour = BLUE if learner == OURS else GREY
            panel.errorbar(mean.value, place, xerr=np.nan_to_num(mean.error), fmt="o", color=colour)
        panel.axvline(0.0, color=GREY, linewidth=0.6)
        panel.set_xlabel(name)
    axes[0].set_yticks(range(len(grid.learners)), grid.learners)
    axes[0].invert_yaxis()
    figure.suptitle(f"All learners, {practice.ratings:,} ratings", fontsize=11)
    return figure


def learning_plot(found: list[Practice], grid: Grid) -> Figure:
    """Both figures over the ratings learned from: where the prior hands over to what is learned."""
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots(1, len(PANELS), sharey=True)
    shown = [learner for learner in SHOWN if learner in grid.learners]
    for panel, name in zip(axes, PANELS, strict=True):
        for place, learner in enumerate(shown):
            _line(panel, found, learner, name, place)
        panel.set_xscale("log")
        panel.set_xticks([p.ratings for p in found], [f"{p.ratings:,}" for p in found])
        panel.minorticks_off()
        panel.set_xlabel("ratings learned from")
        panel.set_ylabel(name)
        panel.axhline(0.0, color=GREY, linewidth=0.6)
    axes[-1].legend(frameon=False, fontsize=8)
    figure.suptitle("From the prior to what is learned", fontsize=11)
    return figure


def _line(panel: Axes, found: list[Practice], learner: str, name: str, place: int) -> None:
    means = [practice.mean(learner, name) for practice in found]
    panel.errorbar(
        [practice.ratings for practice in found],
        [mean.value for mean in means],
        yerr=np.nan_to_num([mean.error for mean in means]),
        color=COLOURS[place % len(COLOURS)],
        linestyle=DASHES[place % len(DASHES)],
        linewidth=2.4 if learner == OURS else 1.4,
        marker="o",
        markersize=3,
        label=learner,
    )
