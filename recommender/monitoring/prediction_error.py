"""Predictions against ratings: calibration in bins, and the mean error over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import fmean

from recommender.monitoring.early_ratings import RatedPrediction

MIN_IN_BIN, MAX_BINS = 10, 5
"""Matches a bin needs at least, and how many bins there are at most."""
WINDOW = 25
"""Rated matches over which one error is averaged; fewer would show mostly chance."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Matches with similar predictions; all values in points.

    Attributes
    ----------
    lowest, highest
        Range of the predictions.
    count
        Number of matches.
    predicted, rated
        Mean prediction and mean rating.
    """

    lowest: float
    highest: float
    count: int
    predicted: float
    rated: float


@dataclass(frozen=True, slots=True)
class ErrorWindow:
    """Consecutive matches, numbered from 1, and their mean absolute error in points."""

    first: int
    last: int
    since: date
    until: date
    error: float


def calibration_bins(matches: Sequence[RatedPrediction]) -> tuple[CalibrationBin, ...]:
    """Bins of nearly equal size, lowest prediction first; none where two cannot be filled."""
    bins = min(len(matches) // MIN_IN_BIN, MAX_BINS)
    if bins < 2:
        return ()
    ordered = sorted(matches, key=lambda each: each.predicted)
    ends = [len(matches) * number // bins for number in range(bins + 1)]
    return tuple(calibration_bin(ordered[start:end]) for start, end in pairwise(ends))


def calibration_bin(matches: Sequence[RatedPrediction]) -> CalibrationBin:
    """Some matches as one bin."""
    predicted = [each.predicted for each in matches]
    rated = fmean(each.rated for each in matches)
    return CalibrationBin(min(predicted), max(predicted), len(matches), fmean(predicted), rated)


def error_windows(matches: Sequence[RatedPrediction]) -> tuple[ErrorWindow, ...]:
    """Full windows in the order matches started; matches that do not fill one are left out."""
    ordered = sorted(matches, key=lambda each: each.started_on)
    starts = range(0, len(ordered) - WINDOW + 1, WINDOW)
    return tuple(_window(ordered[start : start + WINDOW], start) for start in starts)


def _window(matches: Sequence[RatedPrediction], start: int) -> ErrorWindow:
    error = fmean(abs(each.rated - each.predicted) for each in matches)
    since, until = matches[0].started_on, matches[-1].started_on
    return ErrorWindow(start + 1, start + len(matches), since, until, error)
