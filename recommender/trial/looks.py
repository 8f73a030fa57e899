"""One look at a trial: the effect so far, its boundaries, and whether the trial ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from recommender.errors import RecommenderError
from recommender.trial.boundaries import boundaries_at, spent_on_benefit, spent_on_harm
from recommender.trial.effect import ArmEffect, arm_effect, arm_effect_beyond
from recommender.trial.protocol import TrialClients, TrialProtocol

Decision = Literal["continue", "benefit", "harm", "no_difference_shown"]
CONTINUE: Decision = "continue"
BENEFIT: Decision = "benefit"
HARM: Decision = "harm"
NO_DIFFERENCE: Decision = "no_difference_shown"
LEAST_CLINICIANS = 4
"""Clinicians below which nothing is estimated of others (degrees of freedom near 1)."""
LEAST_PER_ARM = 10
"""Rated clients an arm has at least when it is looked at."""


@dataclass(frozen=True, slots=True)
class TrialLook:
    """What one look found.

    Attributes
    ----------
    rated
        Rated clients at this look.
    effect
        By intention to treat, rated clients alone, in points; among the clinicians of the trial.
    beyond
        The same with an error that also covers other clinicians; no look ends a trial by it. None
        with fewer than `LEAST_CLINICIANS`.
    benefit_above, harm_below
        Boundaries of the statistic z: above the first it ends for a benefit, below the second for
        harm.
    decision
        Whether the trial goes on, and else what it ends with.
    """

    rated: int
    effect: ArmEffect
    beyond: ArmEffect | None
    benefit_above: float
    harm_below: float
    decision: Decision

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> "TrialLook":
        """A look as `dataclasses.asdict` gave it: ratings that arrived later do not change it."""
        beyond = None if result["beyond"] is None else ArmEffect(**result["beyond"])
        effects = {"effect": ArmEffect(**result["effect"]), "beyond": beyond}
        return cls(**{**result, **effects})

    @property
    def interval(self) -> tuple[float, float]:
        """The repeated confidence interval: valid at this look whether or not the trial ends.

        Jennison & Turnbull 1989, JRSS B 51:305.
        """
        return self._interval_of(self.effect)

    @property
    def interval_beyond(self) -> tuple[float, float] | None:
        """The same for `beyond`.

        Its error has a part that does not change from look to look. Its statistics are correlated
        more than those for which the boundaries are computed, so that they are crossed less often.
        """
        return None if self.beyond is None else self._interval_of(self.beyond)

    def _interval_of(self, effect: ArmEffect) -> tuple[float, float]:
        return effect.end(self.benefit_above), effect.end(self.harm_below)


def look_at(
    clients: TrialClients,
    protocol: TrialProtocol,
    rated_before: Sequence[int],
    *,
    last: bool = False,
) -> TrialLook:
    """One look.

    Parameters
    ----------
    rated_before
        Rated clients at each earlier look, ascending.
    last
        Whether the trial was ended by hand, so that this look spends all error that is left. That
        is valid where nobody knew results when it was ended.

    Raises
    ------
    RecommenderError
        Where no look is due, too few clients are there for a variance, or the protocol registers
        another analysis than this one.
    """
    protocol.refuse_other_analysis()
    rated = int(np.count_nonzero(clients.rated))
    due = protocol.next_due(rated_before)
    if not last and rated < due:
        problem = f"is not due: {rated} clients are rated, {due} are needed"
        raise RecommenderError("look", problem, "wait: looking sooner would spend error")
    if rated_before and rated <= rated_before[-1]:
        problem = "would see no rating that the look before did not see"
        raise RecommenderError("look", problem, "wait until more clients are rated")
    effect, beyond = effects_of(clients)
    last = last or rated >= protocol.rated
    counts = (*rated_before, rated)
    half = protocol.alpha / 2.0
    benefit = boundaries_at(counts, protocol.rated, spent_on_benefit, half, last=last)[-1]
    harm = -boundaries_at(counts, protocol.rated, spent_on_harm, half, last=last)[-1]
    decision = CONTINUE if not last else NO_DIFFERENCE
    if effect.z >= benefit:
        decision = BENEFIT
    elif effect.z <= harm:
        decision = HARM
    return TrialLook(rated, effect, beyond, benefit, harm, decision)


def effects_of(clients: TrialClients) -> tuple[ArmEffect, ArmEffect | None]:
    """The primary analysis, intention to treat among rated clients; and beyond these clinicians.

    Raises
    ------
    RecommenderError
        Where too few clients are there for a variance.
    """
    rows = clients.rated
    arms, whom = clients.arm[rows], clients.clinician[rows]
    least = int(min(np.count_nonzero(arms == arm) for arm in (0.0, 1.0)))
    if least < LEAST_PER_ARM:
        problem = f"rests on {least} rated clients in the smaller arm"
        raise RecommenderError("trial", problem, f"wait for {LEAST_PER_ARM} in each arm")
    ratings, part = clients.rating[rows], known_part(clients)[rows]
    effect, beyond = arm_effect(ratings, arms, part), None
    if len(np.unique(whom)) >= LEAST_CLINICIANS:
        beyond = arm_effect_beyond(ratings, arms, part, whom)
    return effect, beyond


def known_part(clients: TrialClients) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The client part with its mean where it is unknown, (n,).

    A covariate from before randomisation may be filled so without bias (White & Thompson 2005, Stat
    Med 24:993).
    """
    known = ~np.isnan(clients.client_part)
    mean = float(clients.client_part[known].mean()) if known.any() else 0.0
    return np.where(known, clients.client_part, mean)
