"""Boundaries of a group-sequential test: valid at every look, however many and whenever.

The error is spent over the course of the trial (Lan & DeMets 1983, Biometrika 70:659): at each look
a function of the share of ratings that are in says how much may have been spent by then. The chance
of crossing is computed by numerical integration from look to look (Armitage, McPherson & Rowe 1969,
JRSS A 132:235; Jennison & Turnbull 2000, chapter 19).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Spending = Callable[[float, float], float]

GRID = 401
"""Points of the grid on which the chance of not having stopped is followed; odd for Simpson's rule.
With twice as many no boundary changes in the fourth decimal."""
WIDEST = 8.0
"""Standard deviations beyond which a statistic is not followed, and no boundary lies."""


def spent_on_benefit(share: float, alpha: float) -> float:
    """One-sided error spent when this share of the ratings is in, of O'Brien and Fleming's type.

    Little early, so that only a large effect stops a trial soon (Lan & DeMets 1983, alpha_1).

    >>> round(spent_on_benefit(0.5, 0.025), 5), spent_on_benefit(1.0, 0.025)
    (0.00153, 0.025)
    """
    if share >= 1.0:
        return alpha
    return float(2.0 * ndtr(ndtri(alpha / 2.0) / np.sqrt(share)))


def spent_on_harm(share: float, alpha: float) -> float:
    """One-sided error spent when this share of the ratings is in, of Pocock's type.

    More of it early, so that harm is seen soon (Lan & DeMets 1983, alpha_2).

    >>> round(spent_on_harm(0.5, 0.025), 5)
    0.0155
    """
    return float(alpha * np.log1p((np.e - 1.0) * min(share, 1.0)))


@dataclass(frozen=True, slots=True)
class Crossings:
    """One boundary a look, and the chance of crossing it first at that look, under a drift."""

    boundaries: tuple[float, ...]
    chances: tuple[float, ...]

    @property
    def power(self) -> float:
        """Chance of crossing at any look."""
        return float(sum(self.chances))


def boundaries_at(
    rated: Sequence[int],
    planned: int,
    spending: Spending,
    alpha: float,
    *,
    last: bool = False,
) -> tuple[float, ...]:
    """The boundary of the standard normal statistic at each look so far.

    A boundary rests on the looks up to its own alone: later ones do not change it.

    Parameters
    ----------
    rated
        Rated clients at each look, ascending.
    planned
        Rated clients at which all of the error is spent.
    spending
        Error spent by a share of the ratings, such as `spent_on_benefit`.
    alpha
        One-sided error of the whole trial.
    last
        Whether the trial ends at the last of these looks whatever it shows: all error that is left
        is spent there.

    Examples
    --------
    The table of five looks at equal distances for one-sided error .025 (Jennison & Turnbull 2000,
    section 7.2; error-spending boundaries of O'Brien and Fleming's type):

    >>> found = boundaries_at([20, 40, 60, 80, 100], 100, spent_on_benefit, 0.025)
    >>> [round(each, 2) for each in found]
    [4.88, 3.36, 2.68, 2.29, 2.03]
    """
    return _boundaries(tuple(rated), planned, spending, alpha, last)


@lru_cache(maxsize=128)
def _boundaries(
    rated: tuple[int, ...], planned: int, spending: Spending, alpha: float, last: bool
) -> tuple[float, ...]:
    by_now = [spending(min(each / planned, 1.0), alpha) for each in rated]
    if last and by_now:
        by_now[-1] = alpha
    steps = np.diff([0.0, *by_now])
    found: list[float] = []
    continuing = _Continuing.at_start()
    for number, step in zip(rated, steps.tolist(), strict=True):
        bound = continuing.boundary(number / planned, step)
        found.append(bound)
        continuing = continuing.after(number / planned, bound)
    return tuple(found)


def crossings_of(times: Sequence[float], boundaries: Sequence[float], drift: float) -> Crossings:
    """Chances of crossing the boundaries when the statistic has this mean at time 1.

    Parameters
    ----------
    times
        Share of the planned information at each look, ascending.
    boundaries
        Of the standard normal statistic, one a look.
    drift
        Mean of the statistic at time 1: effect divided by its standard error there.
    """
    continuing, chances = _Continuing.at_start(drift), []
    for time, bound in zip(times, boundaries, strict=True):
        chances.append(continuing.chance_above(time, bound))
        continuing = continuing.after(time, bound)
    return Crossings(tuple(boundaries), tuple(chances))


@dataclass(frozen=True, slots=True)
class _Continuing:
    """Where a trial that has not stopped may be: mass on values of the statistic times root time.

    The statistic times the root of time is a Brownian motion with drift: its steps are independent
    (Jennison & Turnbull 2000, section 3.1).
    """

    time: float
    drift: float
    values: Floats
    mass: Floats

    @classmethod
    def at_start(cls, drift: float = 0.0) -> "_Continuing":
        return cls(0.0, drift, np.zeros(1), np.ones(1))

    def chance_above(self, time: float, bound: float) -> float:
        """Chance that the statistic is above a bound at a later time, the trial not stopped."""
        step = time - self.time
        means = self.values + self.drift * step
        return float(self.mass @ ndtr((means - bound * np.sqrt(time)) / np.sqrt(step)))

    def boundary(self, time: float, error: float) -> float:
        """The bound that is crossed with this chance."""
        if self.chance_above(time, WIDEST) >= error:
            return WIDEST
        # Late: it takes a third of a second, and servers seldom look at a trial.
        from scipy.optimize import brentq

        return float(brentq(lambda bound: self.chance_above(time, bound) - error, -WIDEST, WIDEST))

    def after(self, time: float, bound: float) -> "_Continuing":
        """The trial after a look at which it did not cross the bound."""
        step, end = time - self.time, np.sqrt(time)
        middle = self.drift * time
        values = np.linspace(middle - WIDEST * end, min(bound * end, middle + WIDEST * end), GRID)
        moves = values[:, None] - self.values[None, :] - self.drift * step
        # Four times as fast as scipy's density.
        density = np.exp(moves**2 / (-2.0 * step)) @ self.mass / np.sqrt(2.0 * np.pi * step)
        weights = np.full(GRID, 2.0)
        weights[1::2], weights[0], weights[-1] = 4.0, 1.0, 1.0
        return _Continuing(
            time, self.drift, values, density * weights * (values[1] - values[0]) / 3.0
        )
