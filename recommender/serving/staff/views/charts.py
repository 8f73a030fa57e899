"""Geometry of the charts on staff pages, drawn by the templates as inline SVG.

Every figure of a chart is also in a table beside it. Lengths are in units of each chart's view box.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recommender.model.evaluation_report import Estimate
from recommender.model.match_sizes import MatchSize
from recommender.monitoring.clinician_records import ClinicianExposure
from recommender.monitoring.early_ratings import CalibrationBin, ErrorWindow
from recommender.serving.staff.views.explanation import ExplanationLine, ExplanationView

EDGE, MARGIN = 40, 12
"""Space for the figures of an axis, and on the other sides."""
CALIBRATION_SIZE, SCALE_STEPS = 280, 8
"""Width and height, and steps of the scale at which an axis may end."""
ERROR_WIDTH, ERROR_HEIGHT, ERROR_STEP = 340, 220, 0.25
"""The last is the step in points at which the axis may end."""
MIDDLE, HALF = 50.0, 48.0
"""The line from which the bars of contributions start, and the longest of them."""
EXPOSURE_BAR = 120
"""Length of the longest bar of exposure."""
INTERVAL_WIDTH, INTERVAL_EDGE = 160, 6
"""Width of the picture of an interval, and the space on both sides."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from `low` to `high` onto places from `start` to `end`.

    Examples
    --------
    >>> Axis(1, 5, 0, 200).at(2)
    50.0
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def around(low: float, high: float, step: float) -> tuple[float, float]:
    """The nearest multiples of `step` that contain both ends, at least one step apart.

    Examples
    --------
    >>> around(3.1, 4.2, 0.5)
    (3.0, 4.5)
    """
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, max(last, first + 1) * step


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A bin or window and its place; on the diagonal of bins, ratings were as predicted."""

    x: float
    y: float
    of: CalibrationBin | ErrorWindow


@dataclass(frozen=True, slots=True)
class CalibrationChart:
    """Mean ratings against mean predictions, on equal axes."""

    low: float
    high: float
    x: Axis
    y: Axis
    points: tuple[ChartPoint, ...]
    size: int = CALIBRATION_SIZE


def calibration_chart(bins: Sequence[CalibrationBin], low: float, high: float) -> CalibrationChart:
    """The chart of bins on a scale that runs from `low` to `high`."""
    values = [value for each in bins for value in (each.predicted, each.rated)]
    first, last = around(min(values) - low, max(values) - low, (high - low) / SCALE_STEPS)
    ends = low + first, low + last
    x = Axis(*ends, EDGE, CALIBRATION_SIZE - MARGIN)
    y = Axis(*ends, CALIBRATION_SIZE - EDGE, MARGIN)
    points = tuple(ChartPoint(x.at(each.predicted), y.at(each.rated), each) for each in bins)
    return CalibrationChart(*ends, x, y, points)


@dataclass(frozen=True, slots=True)
class ErrorChart:
    """Mean absolute error over time, from 0 to `highest` points."""

    highest: float
    points: tuple[ChartPoint, ...]
    bottom: float = ERROR_HEIGHT - EDGE
    width: int = ERROR_WIDTH
    height: int = ERROR_HEIGHT

    @property
    def line(self) -> str:
        """The `points` attribute of the line through all points."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


def error_chart(windows: Sequence[ErrorWindow]) -> ErrorChart:
    """The chart of at least two windows."""
    _, highest = around(0, max(each.error for each in windows), ERROR_STEP)
    x = Axis(0, max(len(windows) - 1, 1), EDGE + MARGIN, ERROR_WIDTH - 2 * MARGIN)
    y = Axis(0, highest, ERROR_HEIGHT - EDGE, MARGIN)
    points = (ChartPoint(x.at(n), y.at(each.error), each) for n, each in enumerate(windows))
    return ErrorChart(highest, tuple(points))


@dataclass(frozen=True, slots=True)
class ContributionBar:
    """A bar in the row of its figure: right of the middle for more, hollow and left for less."""

    x: float
    width: float
    hollow: bool


def longest_line(explanations: Iterable[ExplanationView]) -> int:
    """Hundredths of the longest line of several explanations, which share one scale."""
    lines = (line for each in explanations for line in each.lines)
    return max((abs(line.hundredths) for line in lines), default=0) or 1


def contribution_bar(line: ExplanationLine, reach: int) -> ContributionBar:
    """The bar of one line; `reach` hundredths of a point are the longest bar."""
    width = round(HALF * abs(line.hundredths) / reach, 1)
    x = MIDDLE if line.hundredths >= 0 else MIDDLE - width
    return ContributionBar(x, width, line.hundredths < 0)


@dataclass(frozen=True, slots=True)
class ExposureBar:
    """The length of an outline, and of the part of it that is filled."""

    outline: float
    filled: float


def exposure_bars(
    rows: Sequence[ClinicianExposure],
) -> tuple[tuple[ExposureBar, ExposureBar | None], ...]:
    """For each row, a bar of how often shown (filled: first) and of places (filled: taken).

    The second is None where places are not recorded.
    """
    most_shown = max((row.counts.shown for row in rows), default=0)
    places = [None if r.open_places is None else r.counts.chosen + r.open_places for r in rows]
    most_places = max((each for each in places if each is not None), default=0)
    return tuple(
        (
            _exposure_bar(row.counts.first, row.counts.shown, most_shown),
            None if total is None else _exposure_bar(row.counts.chosen, total, most_places),
        )
        for row, total in zip(rows, places, strict=True)
    )


def _exposure_bar(part: float, total: float, longest: float) -> ExposureBar:
    unit = EXPOSURE_BAR / max(longest, 1)
    return ExposureBar(round(unit * total, 1), round(unit * part, 1))


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """An interval and its value as places on a horizontal line."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class MatchPicture:
    """The size of a match and, below it, what own ratings say, on the scale of all matches.

    `own` is None where there is no rating; `zero` is the place of 0.
    """

    size: IntervalMark | None
    own: IntervalMark | None
    zero: float
    width: int = INTERVAL_WIDTH


def match_pictures(sizes: Sequence[MatchSize]) -> tuple[MatchPicture, ...]:
    """A picture for each match, from -r to r, where r is the end furthest from 0 of all."""
    estimates = [estimate for each in sizes for estimate in (each.size, each.own)]
    ends = [end for each in estimates for end in (each.low, each.high) if end is not None]
    reach = max(map(abs, ends), default=0.0) or 1.0
    axis = Axis(-reach, reach, INTERVAL_EDGE, INTERVAL_WIDTH - INTERVAL_EDGE)
    return tuple(
        MatchPicture(_interval_mark(axis, each.size), _interval_mark(axis, each.own), axis.at(0))
        for each in sizes
    )


def _interval_mark(axis: Axis, estimate: Estimate) -> IntervalMark | None:
    if estimate.low is None or estimate.value is None or estimate.high is None:
        return None
    return IntervalMark(axis.at(estimate.low), axis.at(estimate.value), axis.at(estimate.high))
