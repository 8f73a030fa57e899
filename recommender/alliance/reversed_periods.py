"""A period in which ratings look as if their scale had been read from its other end.

An export that changed on some day, or a form that was entered the other way round for some months,
leaves the mean of all ratings plausible: the wrong ones and the right ones cancel out.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.alliance.instruments import FloatArray, Instrument

MIN_PERIOD = 20
"""Ratings within a period, and on each side of it that has any, before they are compared."""
MIN_SDS = 1.0
"""Standard deviations of single ratings by which the two means differ. Whole practices whose
alliance wanders over the years differ by less from one half-year to the next."""
MIN_STANDARD_ERRORS = 6.0
"""Standard errors of the difference, as if every rating were of another client. Of 300 to 1,400
ratings, three by each client that correlate .4, the clearest of all periods reached 5.5 at most in
200 draws."""
MAX_BOUNDARIES = 200
"""Days between which periods are looked for; of more, as many evenly spaced by ratings."""


@dataclass(frozen=True, slots=True)
class ReversedPeriod:
    """Where ratings lie on the other side of the middle of the scale than all others do.

    Attributes
    ----------
    rows
        Places of its ratings among those given.
    spans
        First and last day of each part: two parts where the others lie between them.
    mean, others
        Mean of these ratings and of all others, 0 to 1.
    """

    rows: NDArray[np.intp]
    spans: tuple[tuple[date, date], ...]
    mean: float
    others: float


def reversed_period(
    instrument: Instrument, days: NDArray[np.datetime64], pomp: FloatArray
) -> ReversedPeriod | None:
    """The period that differs most from all other ratings, if it looks reversed.

    Periods begin and end on any day with a rating. Of all, the one with the clearest difference
    (in standard errors) is taken among those that pass three tests: enough ratings within and
    beside it (`MIN_PERIOD`), means that differ by more than `MIN_SDS` and `MIN_STANDARD_ERRORS`,
    and a mean that is nearer to the mirror image of the others' mean (1 - mean) than to that mean,
    which is so where the middle of the scale lies between the two. Of the period and the ratings
    outside it, those are taken for reversed whose mean is further from the reference of the
    instrument; without a reference, those with the lower mean.

    Parameters
    ----------
    instrument
        The form of all these ratings.
    days
        When each rating was given, without a missing one; in any order.
    pomp
        The ratings, 0 to 1, in the same order.
    """
    n = len(pomp)
    order = np.argsort(days, kind="stable")
    ordered, values = days[order], pomp[order]
    first, last = _periods(ordered)
    if not len(first):
        return None
    sizes = last - first
    sums = np.r_[0.0, np.cumsum(values)]
    within = (sums[last] - sums[first]) / sizes
    outside = (sums[-1] - sums[last] + sums[first]) / (n - sizes)
    difference = np.abs(within - outside)
    # The sum of squares that a period explains; what remains is the spread around the two means.
    explained = difference**2 * sizes * (n - sizes) / n
    remaining = np.square(values - values.mean()).sum() - explained
    sd = np.sqrt(np.maximum(remaining, 0.0) / (n - 2))
    standard_error = sd * np.sqrt(1 / sizes + 1 / (n - sizes))
    looks_reversed = (
        (difference > MIN_SDS * sd)
        & (difference > MIN_STANDARD_ERRORS * standard_error)
        & (np.abs(within - (1 - outside)) < difference)
    )
    if not looks_reversed.any():
        return None
    # What explains most has the most standard errors.
    best = int(np.argmax(np.where(looks_reversed, explained, -1.0)))
    start, stop = int(first[best]), int(last[best])
    parts, mean, others = [slice(start, stop)], float(within[best]), float(outside[best])
    usual = 1.0 if instrument.reference_mean is None else instrument.reference_mean
    if abs(mean - usual) < abs(others - usual):
        parts = [part for part in (slice(0, start), slice(stop, n)) if part.start < part.stop]
        mean, others = others, mean
    spans = [(ordered[part.start].item(), ordered[part.stop - 1].item()) for part in parts]
    return ReversedPeriod(
        np.concatenate([order[part] for part in parts]), tuple(spans), mean, others
    )


def _periods(days: NDArray[np.datetime64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first place of each period, and the place after its last, among days in order."""
    changes = np.flatnonzero(days[1:] != days[:-1]) + 1
    if len(changes) > MAX_BOUNDARIES:
        even = np.linspace(0, len(changes) - 1, MAX_BOUNDARIES)
        changes = changes[even.astype(np.intp)]
    bounds = np.r_[0, changes, len(days)]
    first, last = (bounds[side] for side in np.triu_indices(len(bounds), k=1))
    before, within, after = first, last - first, len(days) - last
    enough = (within >= MIN_PERIOD) & (within < len(days))
    for side in (before, after):
        enough &= (side == 0) | (side >= MIN_PERIOD)
    return first[enough], last[enough]
