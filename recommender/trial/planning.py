"""The size of a trial: ratings, clients and months for an effect, and the power of fewer.

Power is that of the group-sequential test that is run (`trial.boundaries`), for the effect by
intention to treat.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from recommender.errors import RecommenderError
from recommender.trial.boundaries import (
    boundaries_at,
    crossings_of,
    spent_on_benefit,
)

EFFECTS = (0.1, 0.2, 0.3)
"""Effects that a plan is shown for, in standard deviations of the early alliance. About .3 is
plausible where everybody follows the order, .2 where 60 % do (simulated)."""
LARGEST_TRIAL = 100_000
"""Rated clients from which a trial is called impossible."""


@dataclass(frozen=True, slots=True)
class TrialAssumptions:
    """What the size of a trial rests on.

    Attributes
    ----------
    power
        Chance that an effect of the assumed size is found.
    alpha
        Two-sided error: half of it for a benefit, half for harm. Below .05, so that false claims
        are at most .05 with what the normal boundaries approximate; it costs 7 % more clients.
    looks
        Shares of the ratings at which is looked, ascending; the last is 1.
    explained
        Share of the variance of ratings that the client part explains (.02 and .07 in two simulated
        practices with models of 1,500 ratings: `python -m experiments.trial`).
    icc
        Share of the variance of ratings that lies between clinicians; like the next two, it enters
        `error_beyond` alone. Published shares run from 0
        to .17; .05 is their middle (Baldwin & Imel 2013 found .05 for outcome).
    clinicians
        Clinicians who take clients of the trial, as so many that are equally busy: one over the sum
        of squared shares of the clients (Kish 1965, section 11.7).
    apart
        Share of the clients whom the two orders bring to different clinicians, as a difference of
        caseloads: 0 where both arms have the same caseloads, 1 where no clinician has clients of
        both.
    follow
        Share of clients who begin with the first of their order in excess of the other arm: the
        effect by intention to treat is this part of that among those who follow.
    rated
        Share of randomised clients who are rated (.68: simulated).
    """

    power: float = 0.8
    alpha: float = 0.04
    looks: tuple[float, ...] = (0.5, 0.75, 1.0)
    explained: float = 0.05
    icc: float = 0.05
    clinicians: float = 20
    apart: float = 0.2
    follow: float = 1.0
    rated: float = 0.68

    def __post_init__(self) -> None:
        """Raises `RecommenderError` for an assumption outside its range."""
        # Name, value, an example, and whether the share may be 0, and 1.
        shares = (
            ("power", self.power, 0.8, False, False),
            ("alpha", self.alpha, 0.04, False, False),
            ("follow", self.follow, 0.6, False, True),
            ("rated", self.rated, 0.68, False, True),
            ("explained", self.explained, 0.05, True, False),
            ("icc", self.icc, 0.05, True, False),
            ("apart", self.apart, 0.2, True, True),
        )
        for name, value, example, none, all_ in shares:
            if not (0.0 < value < 1.0 or (none and value == 0.0) or (all_ and value == 1.0)):
                ends = [end for end, allowed in (("0", none), ("1", all_)) if not allowed]
                apart = f", and not be {' or '.join(ends)}" if ends else ""
                problem = f"must lie between 0 and 1{apart}"
                raise RecommenderError(name, problem, f"give a share such as {example}")
        if self.clinicians < 2:
            problem = "are too few: a trial needs at least 2 clinicians who take clients"
            remedy = "count those who take about as many clients as the others"
            raise RecommenderError("clinicians", problem, remedy)
        ascending = all(a < b for a, b in zip((0.0, *self.looks), self.looks, strict=False))
        if not ascending or not self.looks or self.looks[-1] != 1.0:
            problem = "are not ascending shares of the ratings that end with 1"
            raise RecommenderError("looks", problem, "give shares such as 0.5 0.75 1")


@dataclass(frozen=True, slots=True)
class TrialSize:
    """A trial for one effect; numbers are None above `LARGEST_TRIAL`.

    Attributes
    ----------
    effect
        In standard deviations of the early alliance, among clients who follow the order.
    rated, randomised
        Clients to be rated, and to be randomised so that so many are.
    months
        Until so many have asked here; None where the rate is not known.
    """

    effect: float
    rated: int | None
    randomised: int | None
    months: float | None


def size_of(effect: float, assumed: TrialAssumptions, per_month: float | None = None) -> TrialSize:
    """The size at which an effect is found with the assumed power.

    Raises
    ------
    RecommenderError
        When the effect is not above 0, or the rate of clients is not.
    """
    if not 0.0 < effect <= 3.0:
        problem = "must lie above 0, and at 3 standard deviations at most"
        raise RecommenderError("effect", problem, "give one such as 0.2")
    if per_month is not None and per_month <= 0.0:
        raise RecommenderError("per-month", "is not above 0", "count clients who ask in a month")

    def lacking(log_rated: float) -> float:
        return power_at(float(np.exp(log_rated)), effect, assumed) - assumed.power

    least, most = np.log(4.0), np.log(LARGEST_TRIAL)
    if lacking(most) < 0.0:
        return TrialSize(effect, None, None, None)
    rated = int(np.ceil(np.exp(brentq(lacking, least, most, xtol=1e-4))))
    randomised = int(np.ceil(rated / assumed.rated))
    return TrialSize(effect, rated, randomised, per_month and randomised / per_month)


def power_at(rated: float, effect: float, assumed: TrialAssumptions) -> float:
    """Chance that a benefit is found when so many clients are rated, of this effect.

    The difference between two means of half of the clients each has the variance 4 (1 - R2) / n.
    There is no further term for clinicians: clients are randomised one by one, and ratings differ
    between the clinicians of a trial as they differ between clients (`trial.effect`).

    Parameters
    ----------
    rated
        Clients with a rating at the last look.
    effect
        In standard deviations, among those who follow the order.
    """
    error = np.sqrt(4.0 * (1.0 - assumed.explained) / rated)
    drift = float(effect * assumed.follow / error)
    return crossings_of(assumed.looks, _bounds(assumed.looks, assumed.alpha), drift).power


def error_beyond(rated: float, assumed: TrialAssumptions) -> float:
    """How many times as large the error is that also covers other clinicians.

    Were the clinicians others, their effects would add icc times the sum of (p_1g - p_0g)^2 to the
    variance, where p_ag is the share of arm a's clients with clinician g. Where caseloads are a
    total variation `apart` apart, evenly over G clinicians, that sum is 4 apart^2 / G; it does not
    fall with n (Walwyn & Roberts 2010, Stat Med 29:1132, on clinicians in both arms).

    Parameters
    ----------
    rated
        Clients with a rating.

    Examples
    --------
    >>> [round(error_beyond(n, TrialAssumptions()), 2) for n in (300, 3000)]
    [1.02, 1.15]
    """
    between = assumed.icc * 4.0 * assumed.apart**2 / assumed.clinicians
    return float(np.sqrt(1.0 + between * rated / (4.0 * (1.0 - assumed.explained))))


def _bounds(looks: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    per_mille = [round(1000 * each) for each in looks]
    return boundaries_at(per_mille, 1000, spent_on_benefit, alpha / 2.0)
