"""The pictures of an evaluation, each with the numbers it shows.

Imported by `run` and the command line, which keep or write them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from recommender.practice.definition import Practice
from recommender.training import plots
from recommender.training.baselines import CHAMPION, OURS, RANDOM
from recommender.training.evaluate import Evaluation
from recommender.training.figures import COMPOSITE, DYAD, PARTIAL, RMSE, SLOPE
from recommender.training.plots import BLACK, BLUE, COLOURS, DASHES, GREY, Drawn
from recommender.training.report import ranges
from recommender.training.weighted_moments import Floats

SHOWN = (PARTIAL, DYAD, COMPOSITE, SLOPE, RMSE)
POINTS = 20
"""Steps of a gain curve."""


def draw(evaluation: Evaluation, practice: Practice) -> dict[str, Drawn]:
    """Every picture by its name: baselines, calibration, gain, coverage."""
    tested, rated = evaluation.held_out, evaluation.held_out.is_rated
    unit = f"points of {practice.reference.name}"
    table = evaluation.table[evaluation.table["metric"].isin(SHOWN)]
    names = table["learner"].tolist()
    ends = (table[end] for end in ("value", "low", "high"))
    scores = {
        name: _net(guess.pairing[rated], tested.expected[rated])
        for name, guess in evaluation.scores.items()
        if name not in (CHAMPION, RANDOM)
    }
    said = evaluation.scores[OURS].alliance[rated]
    held = pd.DataFrame(ranges(evaluation, practice.alliance.interval))
    return {
        "baselines": plots.baselines(names, table["metric"].tolist(), *ends, highlight=OURS),
        "calibration": plots.calibration(said, tested.label[rated], unit),
        "gain": gain(scores, (tested.label - tested.expected)[rated], unit, highlight=OURS),
        "coverage": coverage(
            held["among"].tolist(), held["rated"], held["coverage"], held["low"], held["high"],
            level=practice.alliance.interval,
        ),
    }  # fmt: skip


def gain(
    scores: Mapping[str, ArrayLike],
    left: ArrayLike,
    unit: str,
    *,
    highlight: str | None = None,
    title: str = "",
) -> Drawn:
    """Mean rating net of the client among the pairings a learner puts first, by how many are taken.

    A learner that tells good pairings from others starts high and falls to the mean of all; one
    that does not runs along it. Tied pairings share their mean.

    Parameters
    ----------
    scores
        (n,) what each learner orders by.
    left
        (n,) rating less client part.
    unit
        Of the rating, for the axis.
    highlight
        The learner under judgement, drawn in black.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `share` of pairings taken, and a column a learner.
    """
    given = np.asarray(left, float)
    taken = np.unique(np.ceil(np.linspace(0, 1, POINTS + 1)[1:] * len(given)).astype(np.intp))
    taken = taken[taken > 0]
    numbers = pd.DataFrame({"share": taken / max(len(given), 1)})
    figure = plots.sheet((6.4, 4.4), title or "What the first in order were rated")
    axes = figure.subplots()
    for place, (name, score) in enumerate(scores.items()):
        numbers[name] = _mean_of_first(np.asarray(score, float), given, taken)
        own = _style(place) if name != highlight else {"color": BLACK, "linewidth": 2.2}
        axes.plot(numbers["share"], numbers[name], label=name, **own)
    axes.axhline(given.mean() if len(given) else 0.0, color=GREY, linewidth=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of tested pairings taken, highest pairing score first")
    axes.set_ylabel(f"mean rating net of the client\n({unit})")
    axes.legend(frameon=False, fontsize=8)
    return Drawn(figure, numbers)


def coverage(
    among: Sequence[str],
    rated: ArrayLike,
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    level: float,
    title: str = "",
) -> Drawn:
    """How often the stated range held among each group, with its interval, beside what it says.

    Parameters
    ----------
    among
        (n,) names of the groups.
    rated
        (n,) ratings each rests on.
    values, lows, highs
        (n,) shares; missing where they cannot be said.
    level
        What the range says, drawn as a line.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `among`, `rated`, `coverage`, `low`, `high`, as given.
    """
    ends = {
        name: np.asarray(values, float)
        for name, values in (("coverage", values), ("low", lows), ("high", highs))
    }
    numbers = pd.DataFrame({"among": among, "rated": np.asarray(rated), **ends})
    figure = plots.sheet((7.0, 1.6 + 0.26 * len(numbers)), title or "How often the range held")
    axes = figure.subplots()
    rows = np.arange(len(numbers))
    axes.hlines(rows, numbers["low"], numbers["high"], color=GREY, linewidth=2)
    axes.plot(numbers["coverage"], rows, "o", color=BLUE, markersize=5)
    axes.axvline(level, color=BLACK, linewidth=0.8, linestyle="--", label=f"said: {level:.0%}")
    told = [f"{name} ({count})" for name, count in zip(among, numbers["rated"], strict=True)]
    axes.set_yticks(rows, told, fontsize=8)
    axes.set_ylim(len(numbers) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of ratings inside the stated range")
    axes.legend(frameon=False, loc="lower left")
    return Drawn(figure, numbers)


def _mean_of_first(score: Floats, left: Floats, taken: NDArray[np.intp]) -> Floats:
    """Mean of what is left among the first so many, tied scores sharing their mean."""
    values, tie = np.unique(-score, return_inverse=True)
    mean = np.bincount(tie, left, minlength=len(values)) / np.bincount(tie, minlength=len(values))
    reached = np.cumsum(mean[np.sort(tie)])
    return np.asarray(reached[taken - 1] / taken)


def _net(score: Floats, expected: Floats) -> Floats:
    """A score less what the client part explains of it: an order of clients is no gain."""
    client = expected - expected.mean()
    spread = float(client @ client)
    return score - client * (float(client @ score) / spread) if spread > 0 else score


def _style(place: int) -> dict[str, Any]:
    colour = COLOURS[place % (len(COLOURS) - 1)]
    return {"color": colour, "linestyle": DASHES[place % len(DASHES)], "linewidth": 1.2}
