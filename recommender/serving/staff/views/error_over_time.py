"""How far estimates lay from ratings, window by window: the learning curve of a model at work.

Imported by `staff.checking`; the figures stand in the table beside the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean

from recommender.serving.staff.views.axis import Axis, around
from recommender.serving.staff.views.early_ratings import RatedPrediction

WINDOW = 25
"""Rated matches of which one error is said: fewer would show chance alone."""
WIDTH, HEIGHT, EDGE, MARGIN = 340, 220, 40, 12
STEP = 0.25
"""Points in which the axis of errors ends."""


@dataclass(frozen=True, slots=True)
class ErrorWindow:
    """Some matches in a row, and their mean absolute error in points."""

    first: int
    last: int
    since: date
    until: date
    error: float


@dataclass(frozen=True, slots=True)
class ErrorPoint:
    """Where a window stands in the picture."""

    x: float
    y: float
    window: ErrorWindow


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """The picture: lower is nearer to the ratings."""

    highest: float
    spots: tuple[ErrorPoint, ...]
    bottom: float = HEIGHT - EDGE
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """The points of the line through all spots."""
        return " ".join(f"{spot.x},{spot.y}" for spot in self.spots)


def error_windows(found: Sequence[RatedPrediction]) -> tuple[ErrorWindow, ...]:
    """Full windows, oldest match first; what does not fill one is left out."""
    ordered = sorted(found, key=lambda each: each.started_on)
    full = len(ordered) // WINDOW
    return tuple(_window(ordered, WINDOW * number) for number in range(full))


def error_curve(windows: Sequence[ErrorWindow]) -> ErrorCurve:
    """The picture of windows, from an error of none upwards."""
    _, highest = around(0, max(each.error for each in windows), STEP)
    x = Axis(0, max(len(windows) - 1, 1), EDGE + MARGIN, WIDTH - 2 * MARGIN)
    y = Axis(0, highest, HEIGHT - EDGE, MARGIN)
    spots = (ErrorPoint(x.at(n), y.at(each.error), each) for n, each in enumerate(windows))
    return ErrorCurve(highest, tuple(spots))


def _window(ordered: Sequence[RatedPrediction], start: int) -> ErrorWindow:
    some = ordered[start : start + WINDOW]
    error = fmean(abs(each.points - each.predicted) for each in some)
    return ErrorWindow(start + 1, start + len(some), some[0].started_on, some[-1].started_on, error)
