"""Whether ratings come out as predicted, on average: matches in bins, and their picture.

Imported by `staff.checking`; the figures stand in the table beside the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from recommender.serving.staff.views.axis import Axis, around
from recommender.serving.staff.views.early_ratings import RatedPrediction

FEWEST_IN_BIN, MOST_BINS = 10, 5
"""Matches it takes to say anything of a bin, and how many bins are told apart."""
SIZE, EDGE, MARGIN = 280, 40, 12
"""Of the picture, the room for its figures, and of its other sides."""
STEPS = 8
"""In which the practice's scale is divided, so that the picture ends at plain figures."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Matches of about the same estimate, and how they were rated."""

    lowest: float
    highest: float
    rated: int
    predicted: float
    points: float


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Where a bin stands in the picture."""

    x: float
    y: float
    bin: CalibrationBin


@dataclass(frozen=True, slots=True)
class CalibrationChart:
    """The picture: a dot on the line came out as predicted."""

    low: float
    high: float
    x: Axis
    y: Axis
    dots: tuple[CalibrationPoint, ...]
    size: int = SIZE


def calibration_bins(found: Sequence[RatedPrediction]) -> tuple[CalibrationBin, ...]:
    """Bins of about as many matches each, lowest estimate first; none where there are too few."""
    bins = min(len(found) // FEWEST_IN_BIN, MOST_BINS)
    if bins < 2:
        return ()
    ordered = sorted(found, key=lambda each: each.predicted)
    ends = [len(found) * number // bins for number in range(bins + 1)]
    return tuple(bin_of(ordered[start:end]) for start, end in pairwise(ends))


def bin_of(found: Sequence[RatedPrediction]) -> CalibrationBin:
    """Some matches as one bin."""
    predicted = [each.predicted for each in found]
    points = fmean(each.points for each in found)
    return CalibrationBin(min(predicted), max(predicted), len(found), fmean(predicted), points)


def calibration_chart(bins: Sequence[CalibrationBin], low: float, high: float) -> CalibrationChart:
    """The picture of bins of a practice whose scale runs from `low` to `high`."""
    values = [value for each in bins for value in (each.predicted, each.points)]
    first, last = around(min(values) - low, max(values) - low, (high - low) / STEPS)
    ends = low + first, low + last
    x, y = Axis(*ends, EDGE, SIZE - MARGIN), Axis(*ends, SIZE - EDGE, MARGIN)
    dots = tuple(CalibrationPoint(x.at(each.predicted), y.at(each.points), each) for each in bins)
    return CalibrationChart(*ends, x, y, dots)
