"""What is advised for totals that lie outside the range of their metric."""

import numpy as np
from numpy.typing import NDArray

from recommender.alliance.instruments import TOTAL_METRICS, Instrument

MIN_MEANT = 5
"""Scores outside the range before another metric is proposed for them: fewer are typing errors."""
MEANT_SHARE = 0.95
"""Share of them that fits the proposed metric; the others may be typing errors too."""
POMP = "POMP is (score - lowest) / (highest - lowest) of the possible scores"


def range_remedy(instrument: Instrument, metric: str, outside: NDArray[np.float64]) -> str:
    """The range of a metric, behind the metric that the scores outside it probably are of.

    Of the metrics that nearly all these scores fit, the one of the narrowest range is proposed.
    """
    low, high = instrument.bounds(metric)
    remedy = f"give {low:g} to {high:g}"
    if metric == "pomp":
        remedy = f"{remedy}; {POMP}"
    fitting = [
        (last - first, other, f"{first:g} to {last:g}")
        for other in TOTAL_METRICS
        for first, last in (instrument.bounds(other),)
        if other != metric and _nearly_all(outside, first, last)
    ]
    if fitting:
        _, meant, extent = min(fitting)
        return (
            f"they fit {meant} ({extent}): if they are that, set metric to {meant}; else {remedy}"
        )
    if metric == "pomp" and _nearly_all(outside, 0, 100):
        return f"they fit 0 to 100: if they are percentages, divide them by 100; else {remedy}"
    return remedy


def _nearly_all(scores: NDArray[np.float64], low: float, high: float) -> bool:
    within = (scores >= low) & (scores <= high)
    return len(scores) >= MIN_MEANT and bool(within.mean() >= MEANT_SHARE)
