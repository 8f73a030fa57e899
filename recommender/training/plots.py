"""Figures of an evaluation, each with the numbers it shows.

Drawn with matplotlib's object interface, so that no global figure is left open and no screen is
needed.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from recommender.model.evaluation_report import (
    COMPOSITE,
    DYAD,
    PARTIAL,
    RMSE,
    SLOPE,
    RangeCoverage,
)
from recommender.practice.definition import Practice
from recommender.training.baselines import CHAMPION, OURS, RANDOM
from recommender.training.evaluate import Evaluation
from recommender.training.metrics import Floats
from recommender.training.report import ranges

BLACK, BLUE, GREY = "#000000", "#0072B2", "#767676"
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", BLACK)
"""Okabe & Ito (2008): distinct with every common form of colour blindness."""
DASHES = ("-", "--", "-.", ":")
NORMAL_95 = 1.959963984540054
"""The 0.975 quantile of the standard normal distribution."""
SHOWN = (PARTIAL, DYAD, COMPOSITE, SLOPE, RMSE)
POINTS = 20
"""Steps of a gain curve."""
SCREEN_DPI = 80
"""Of a figure in a notebook: 7 inches then fill a page, in a tenth of the bytes of 150."""


class NotebookFigure(Figure):
    """A figure that a notebook shows where a cell ends with it, without `%matplotlib inline`."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=SCREEN_DPI)
        return drawn.getvalue()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and the table of the numbers it shows."""

    figure: Figure
    numbers: pd.DataFrame


def draw(evaluation: Evaluation, practice: Practice) -> dict[str, Drawn]:
    """The figures of an evaluation by name: baselines, calibration, gain, coverage."""
    tested, rated = evaluation.held_out, evaluation.held_out.is_rated
    unit = f"points of {practice.reference.name}"
    scores = {
        name: _net(learner_scores.pairing[rated], tested.expected[rated])
        for name, learner_scores in evaluation.scores.items()
        if name not in (CHAMPION, RANDOM)
    }
    predicted = evaluation.scores[OURS].alliance[rated]
    level = practice.alliance.interval
    # Without dropouts the composite is the client-adjusted partial.
    shown = [name for name in SHOWN if name != COMPOSITE or not rated.all()]
    return {
        "baselines": baselines(evaluation.table[evaluation.table["metric"].isin(shown)], OURS),
        "calibration": calibration(predicted, tested.label[rated], unit),
        "gain": gain(scores, (tested.label - tested.expected)[rated], unit, highlight=OURS),
        "coverage": coverage(list(ranges(evaluation, level)), level),
    }


def calibration(predicted: ArrayLike, observed: ArrayLike, unit: str, *, bins: int = 10) -> Drawn:
    """Mean observed alliance beside mean predicted alliance, in bins of equal count.

    Parameters
    ----------
    predicted, observed : (n,)
        In one unit; a row where either is missing is left out and counted.
    unit
        Of both, for the axes: "WAI-SR mean, 1 to 5".
    bins
        Fewer when there are fewer rows.

    Returns
    -------
    Drawn
        Numbers: `bin`, `count`, `predicted`, `observed`, `low`, `high`; the last two are the 95 %
        interval of the mean, missing where a bin holds one row.
    """
    x, y = np.asarray(predicted, float), np.asarray(observed, float)
    complete = np.isfinite(x) & np.isfinite(y)
    numbers = _binned(x[complete], y[complete], bins)
    figure = _empty((5.6, 5.6), "Predicted and observed alliance")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    _agreement(axes, numbers, unit)
    _counts(below, numbers)
    left_out = int((~complete).sum())
    note = f"; {left_out} without a value left out" if left_out else ""
    below.set_xlabel(f"predicted alliance ({unit}){note}")
    return Drawn(figure, numbers)


def _binned(predicted: Floats, observed: Floats, bins: int) -> pd.DataFrame:
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rows = []
    for number, part in enumerate(parts, start=1):
        mean = observed[part].mean()
        several = len(part) > 1
        half = NORMAL_95 * observed[part].std(ddof=1) / np.sqrt(len(part)) if several else np.nan
        rows.append((number, len(part), predicted[part].mean(), mean, mean - half, mean + half))
    return pd.DataFrame(rows, columns=["bin", "count", "predicted", "observed", "low", "high"])


def _agreement(axes: Axes, numbers: pd.DataFrame, unit: str) -> None:
    x, y = numbers["predicted"].to_numpy(float), numbers["observed"].to_numpy(float)
    # Any point of the diagonal will do; a bin's own keeps the axes' limits where the data are.
    start = float(x[0]) if len(x) else 0.0
    axes.axline((start, start), slope=1, color=GREY, linestyle="--", linewidth=1, label="agreement")
    half = np.nan_to_num(numbers["high"].to_numpy(float) - y)
    axes.errorbar(x, y, yerr=half, fmt="o", color=BLUE, capsize=3, label="mean and 95 % interval")
    axes.set_ylabel(f"observed alliance\n({unit})")
    axes.legend(frameon=False, loc="upper left")


def _counts(axes: Axes, numbers: pd.DataFrame) -> None:
    x = numbers["predicted"].to_numpy(float)
    gaps = np.diff(x)
    width = 0.6 * float(gaps.min()) if (gaps > 0).all() and len(gaps) else 0.1
    axes.bar(x, numbers["count"].to_numpy(), width=width, color=GREY)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylabel("ratings")


def baselines(table: pd.DataFrame, highlight: str | None = None) -> Drawn:
    """Every learner's value with its interval, one panel a metric, one line a learner.

    Parameters
    ----------
    table
        Columns `learner`, `metric`, `value`, `low`, `high`; a missing value is an empty line.
    highlight
        The learner drawn in colour.
    """
    numbers = table[["learner", "metric", "value", "low", "high"]].reset_index(drop=True)
    rows, panels = (list(dict.fromkeys(numbers[name])) for name in ("learner", "metric"))
    size = (max(4.0, 3.2 * len(panels)), 1.4 + 0.38 * len(rows))
    figure = _empty(size, "Beside the baselines")
    grid = figure.subplots(1, max(len(panels), 1), sharey=True, squeeze=False)[0]
    for axes, metric in zip(grid, panels, strict=False):
        _dots(axes, numbers[numbers["metric"] == metric], rows, highlight)
        axes.set_xlabel(metric)
    grid[0].set_yticks(range(len(rows)), rows)
    grid[0].set_ylim(len(rows) - 0.5, -0.5)
    return Drawn(figure, numbers)


def _dots(axes: Axes, shown: pd.DataFrame, rows: Sequence[str], highlight: str | None) -> None:
    for learner, _, value, low, high in shown.itertuples(index=False):
        line, highlighted = rows.index(learner), learner == highlight
        colour = BLUE if highlighted else GREY
        axes.plot([low, high], [line, line], color=colour, linewidth=2)
        axes.plot([value], [line], "D" if highlighted else "o", color=colour, markersize=6)
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def importance(
    names: Sequence[str], contributions: ArrayLike, unit: str, *, title: str = ""
) -> Drawn:
    """How far each group or feature moves a prediction on average, largest first.

    Parameters
    ----------
    names : (g,)
    contributions : (n, g)
        Contributions to n predictions, in units of the alliance.
    unit
        Of the alliance, for the axis.
    title
        Of the figure.

    Returns
    -------
    Drawn
        Numbers: `group`, `mean_absolute`.
    """
    values = np.asarray(contributions, float).reshape(-1, len(names))
    size = np.abs(values).mean(axis=0) if len(values) else np.full(len(names), np.nan)
    numbers = pd.DataFrame({"group": names, "mean_absolute": size})
    numbers = numbers.sort_values(["mean_absolute", "group"], ascending=[False, True])
    numbers = numbers.reset_index(drop=True)
    figure = _empty((7.0, 1.4 + 0.45 * len(names)), title or "What moves the prediction")
    axes = figure.subplots()
    axes.barh(range(len(numbers)), numbers["mean_absolute"], color=BLUE, height=0.6)
    axes.set_yticks(range(len(numbers)), list(numbers["group"]))
    axes.invert_yaxis()
    axes.set_xlabel(f"mean size of contribution ({unit})")
    return Drawn(figure, numbers)


def signed_bars(names: Sequence[str], points: ArrayLike, unit: str, *, title: str = "") -> Drawn:
    """A bar to the right for each part above 0 and to the left for each below, in the order given.

    Parameters
    ----------
    names : (g,)
    points : (g,)
    unit
        Of the points, for the axis.
    title
        Of the figure.

    Returns
    -------
    Drawn
        Numbers: `part`, `points`.
    """
    numbers = pd.DataFrame({"part": list(names), "points": np.asarray(points, float)})
    figure = _empty((7.0, 1.4 + 0.4 * len(numbers)), title or "What moves the prediction")
    axes = figure.subplots()
    colours = [BLUE if value >= 0 else COLOURS[1] for value in numbers["points"]]
    axes.barh(range(len(numbers)), numbers["points"], color=colours, height=0.6)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(range(len(numbers)), list(numbers["part"]))
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    return Drawn(figure, numbers)


def gain(
    scores: Mapping[str, ArrayLike], net: ArrayLike, unit: str, *, highlight: str | None = None
) -> Drawn:
    """Mean net rating of the pairings a learner ranks first, by the share of pairings taken.

    A learner that separates strong pairings from others starts high and falls to the mean of all;
    one that does not runs along it. Tied pairings share their mean.

    Parameters
    ----------
    scores : (n,) each
        The scores of each learner.
    net : (n,)
        Rating minus client part.
    unit
        Of the rating, for the axis.
    highlight
        The learner drawn in black.

    Returns
    -------
    Drawn
        Numbers: `share` of pairings taken, and a column a learner.
    """
    rating = np.asarray(net, float)
    taken = np.unique(np.ceil(np.linspace(0, 1, POINTS + 1)[1:] * len(rating)).astype(np.intp))
    taken = taken[taken > 0]
    numbers = pd.DataFrame({"share": taken / max(len(rating), 1)})
    figure = _empty((6.4, 4.4), "Ratings of the pairings ranked first")
    axes = figure.subplots()
    for place, (name, score) in enumerate(scores.items()):
        numbers[name] = _mean_of_first(np.asarray(score, float), rating, taken)
        style = _style(place) if name != highlight else {"color": BLACK, "linewidth": 2.2}
        axes.plot(numbers["share"], numbers[name], label=name, **style)
    axes.axhline(rating.mean() if len(rating) else 0.0, color=GREY, linewidth=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of tested pairings taken, highest pairing score first")
    axes.set_ylabel(f"mean rating net of the client\n({unit})")
    axes.legend(frameon=False, fontsize=8)
    return Drawn(figure, numbers)


def coverage(rows: Sequence[RangeCoverage], level: float) -> Drawn:
    """Observed coverage of the stated interval in each population, beside the stated level.

    Returns
    -------
    Drawn
        Numbers: `among`, `rated`, `coverage`, `low`, `high`; missing where not measured.
    """
    numbers = pd.DataFrame(
        {
            "among": [row.among for row in rows],
            "rated": [row.rated for row in rows],
            **{
                name: np.array([getattr(row, name) for row in rows], dtype=float)
                for name in ("coverage", "low", "high")
            },
        }
    )
    figure = _empty((7.0, 1.6 + 0.26 * len(numbers)), "Interval coverage")
    axes = figure.subplots()
    lines = np.arange(len(numbers))
    axes.hlines(lines, numbers["low"], numbers["high"], color=GREY, linewidth=2)
    axes.plot(numbers["coverage"], lines, "o", color=BLUE, markersize=5)
    axes.axvline(level, color=BLACK, linewidth=0.8, linestyle="--", label=f"stated: {level:.0%}")
    axes.set_yticks(lines, [f"{row.among} ({row.rated})" for row in rows], fontsize=8)
    axes.set_ylim(len(numbers) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of ratings inside the stated interval")
    axes.legend(frameon=False, loc="lower left")
    return Drawn(figure, numbers)


def _mean_of_first(score: Floats, rating: Floats, taken: NDArray[np.intp]) -> Floats:
    """Mean rating among the first so many, tied scores sharing their mean."""
    values, tie = np.unique(-score, return_inverse=True)
    mean = np.bincount(tie, rating, minlength=len(values)) / np.bincount(tie, minlength=len(values))
    reached = np.cumsum(mean[np.sort(tie)])
    return np.asarray(reached[taken - 1] / taken)


def _net(score: Floats, expected: Floats) -> Floats:
    """A score minus what the client part explains of it: an order of clients is no gain."""
    client = expected - expected.mean()
    variance = float(client @ client)
    return score - client * (float(client @ score) / variance) if variance > 0 else score


def _style(place: int) -> dict[str, Any]:
    colour = COLOURS[place % (len(COLOURS) - 1)]
    return {"color": colour, "linestyle": DASHES[place % len(DASHES)], "linewidth": 1.2}


def _empty(size: tuple[float, float], title: str) -> Figure:
    """A figure of a size in inches, with its title."""
    figure = NotebookFigure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    return figure
