"""Figures of a training report, each with the numbers it shows.

Drawn from plain arrays with matplotlib's object interface, so that no global figure is left open
and no screen is needed. Imported by `training.pictures` and by experiments.
"""

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

from recommender.practice.definition import Practice
from recommender.training import plots
from recommender.training.baselines import CHAMPION, OURS, RANDOM
from recommender.training.evaluate import Evaluation
from recommender.training.figures import COMPOSITE, DYAD, PARTIAL, RMSE, SLOPE
from recommender.training.report import ranges
from recommender.training.weighted_moments import Floats

BLACK, BLUE, GREY = "#000000", "#0072B2", "#767676"
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", BLACK)
"""Okabe & Ito (2008): told apart with every common form of colour blindness."""
DASHES = ("-", "--", "-.", ":")
NORMAL_95 = 1.959963984540054
"""The 0.975 quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and the table of the numbers it shows."""

    figure: Figure
    numbers: pd.DataFrame


def calibration(
    predicted: ArrayLike, observed: ArrayLike, unit: str, *, bins: int = 10, title: str = ""
) -> Drawn:
    """Mean observed alliance beside mean predicted alliance, in bins of equal count.

    Parameters
    ----------
    predicted, observed
        (n,) each, in the same unit; a row where either is missing is left out and counted.
    unit
        Of both, for the axes: "WAI-SR mean, 1 to 5".
    bins
        Deciles by default; fewer when there are fewer rows.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `bin`, `count`, `predicted`, `observed`, `low`, `high`; the last two are the 95 %
        interval of the mean, missing where a bin holds one row.
    """
    said, seen = np.asarray(predicted, float), np.asarray(observed, float)
    whole = np.isfinite(said) & np.isfinite(seen)
    numbers = _binned(said[whole], seen[whole], bins)
    figure, (axes, below) = _stacked(title or "Predicted and observed alliance")
    _agreement(axes, numbers, unit)
    _counts(below, numbers)
    left_out = int((~whole).sum())
    noted = f"; {left_out} without a value left out" if left_out else ""
    below.set_xlabel(f"predicted alliance ({unit}){noted}")
    return Drawn(figure, numbers)


def _binned(said: NDArray[np.float64], seen: NDArray[np.float64], bins: int) -> pd.DataFrame:
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rows = []
    for number, part in enumerate(parts, start=1):
        mean = seen[part].mean()
        several = len(part) > 1
        half = NORMAL_95 * seen[part].std(ddof=1) / np.sqrt(len(part)) if several else np.nan
        rows.append((number, len(part), said[part].mean(), mean, mean - half, mean + half))
    return pd.DataFrame(rows, columns=["bin", "count", "predicted", "observed", "low", "high"])


def _agreement(axes: Axes, numbers: pd.DataFrame, unit: str) -> None:
    said, seen = numbers["predicted"].to_numpy(float), numbers["observed"].to_numpy(float)
    # Any point of the diagonal will do; a bin's own keeps the axes' limits where the data are.
    start = float(said[0]) if len(said) else 0.0
    axes.axline((start, start), slope=1, color=GREY, linestyle="--", linewidth=1, label="agreement")
    axes.errorbar(
        said,
        seen,
        yerr=np.nan_to_num(numbers["high"].to_numpy(float) - seen),
        fmt="o",
        color=BLUE,
        capsize=3,
        label="mean and 95 % interval",
    )
    axes.set_ylabel(f"observed alliance\n({unit})")
    axes.legend(frameon=False, loc="upper left")


def _counts(axes: Axes, numbers: pd.DataFrame) -> None:
    said = numbers["predicted"].to_numpy(float)
    apart = np.diff(said)
    width = 0.6 * float(apart.min()) if (apart > 0).all() and len(apart) else 0.1
    axes.bar(said, numbers["count"].to_numpy(), width=width, color=GREY)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylabel("ratings")


def baselines(
    learners: Sequence[str],
    metrics: Sequence[str],
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    highlight: str | None = None,
    title: str = "",
) -> Drawn:
    """Every learner's value with its interval, one panel a metric, one line a learner.

    Parameters
    ----------
    learners, metrics, values, lows, highs
        (n,) each: the long table of results; metrics say their unit. A missing value keeps its
        line and shows no dot.
    highlight
        The learner under judgement, drawn in colour.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `learner`, `metric`, `value`, `low`, `high`, as given.
    """
    numbers = pd.DataFrame(
        {"learner": learners, "metric": metrics, "value": values, "low": lows, "high": highs}
    )
    rows = list(dict.fromkeys(learners))
    panels = list(dict.fromkeys(metrics))
    size = (max(4.0, 3.2 * len(panels)), 1.4 + 0.38 * len(rows))
    figure = sheet(size, title or "Beside the baselines")
    grid = figure.subplots(1, max(len(panels), 1), sharey=True, squeeze=False)[0]
    for axes, metric in zip(grid, panels, strict=False):
        _dots(axes, numbers[numbers["metric"] == metric], rows, highlight)
        axes.set_xlabel(metric)
    grid[0].set_yticks(range(len(rows)), rows)
    grid[0].set_ylim(len(rows) - 0.5, -0.5)
    return Drawn(figure, numbers)


def _dots(axes: Axes, shown: pd.DataFrame, rows: Sequence[str], highlight: str | None) -> None:
    for learner, value, low, high in shown[["learner", "value", "low", "high"]].itertuples(
        index=False
    ):
        at, chosen = rows.index(learner), learner == highlight
        colour = BLUE if chosen else GREY
        axes.plot([low, high], [at, at], color=colour, linewidth=2)
        axes.plot([value], [at], "D" if chosen else "o", color=colour, markersize=6)
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def importance(
    phrases: Sequence[str], contributions: ArrayLike, unit: str, *, title: str = ""
) -> Drawn:
    """How far each explanation group moves a prediction on average, largest first.

    Parameters
    ----------
    phrases
        (g,) what staff read for each group.
    contributions
        (n, g) contributions of the groups to n predictions, in units of the alliance.
    unit
        Of the alliance, for the axis.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `group`, `mean_absolute`.
    """
    given = np.asarray(contributions, float).reshape(-1, len(phrases))
    size = np.abs(given).mean(axis=0) if len(given) else np.full(len(phrases), np.nan)
    numbers = pd.DataFrame({"group": phrases, "mean_absolute": size})
    numbers = numbers.sort_values(["mean_absolute", "group"], ascending=[False, True])
    numbers = numbers.reset_index(drop=True)
    figure = sheet((7.0, 1.4 + 0.45 * len(phrases)), title or "What moves the prediction")
    axes = figure.subplots()
    axes.barh(range(len(numbers)), numbers["mean_absolute"], color=BLUE, height=0.6)
    axes.set_yticks(range(len(numbers)), list(numbers["group"]))
    axes.invert_yaxis()
    axes.set_xlabel(f"mean size of contribution ({unit})")
    return Drawn(figure, numbers)


def progress(
    rounds: ArrayLike,
    losses: Mapping[str, ArrayLike],
    unit: str,
    *,
    chosen: int | None = None,
    title: str = "",
) -> Drawn:
    """Error by boosting round or by number of ratings, one line a series.

    Parameters
    ----------
    rounds
        (n,) what was counted, ascending.
    losses
        (n,) error of each series, by its name: "training", "held out".
    unit
        Of the error, for the axis: "root mean squared error, WAI-SR mean".
    chosen
        The round kept, marked with a line.
    title
        Above the figure.

    Returns
    -------
    Drawn
        Numbers: `round` and one column a series.
    """
    numbers = pd.DataFrame({"round": np.asarray(rounds)})
    figure = sheet((6.4, 4.0), title or "Learning")
    axes = figure.subplots()
    for place, (name, loss) in enumerate(losses.items()):
        numbers[name] = np.asarray(loss, float)
        axes.plot(
            numbers["round"],
            numbers[name],
            color=COLOURS[place % len(COLOURS)],
            linestyle=DASHES[place % len(DASHES)],
            label=name,
        )
    if chosen is not None:
        axes.axvline(chosen, color=GREY, linewidth=1, linestyle=":", label=f"kept: {chosen}")
    axes.set_xlabel("round")
    axes.set_ylabel(unit)
    axes.legend(frameon=False)
    return Drawn(figure, numbers)


def sheet(size: tuple[float, float], title: str) -> Figure:
    """An empty figure of a size in inches, with its title."""
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    return figure


def _stacked(title: str) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = sheet((5.6, 5.6), title)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    return figure, (upper, lower)


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
        name: _net(learner_scores.pairing[rated], tested.expected[rated])
        for name, learner_scores in evaluation.scores.items()
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
    interval = float(client @ client)
    return score - client * (float(client @ score) / interval) if interval > 0 else score


def _style(place: int) -> dict[str, Any]:
    colour = COLOURS[place % (len(COLOURS) - 1)]
    return {"color": colour, "linestyle": DASHES[place % len(DASHES)], "linewidth": 1.2}
