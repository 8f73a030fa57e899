"""Trials of settings, and what they come to.

Imported by `study`, which keeps them, and `tune`, which makes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommender.features.feature import Array
from recommender.training.search_space import Params, settings_with
from recommender.training.tree_fitting import FitSettings

FINISHED, PRUNED = "finished", "pruned"
CHANCE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult:
    """One trial: settings, what they gave, and how long it took.

    Attributes
    ----------
    number
        0 is the settings that tuning began with.
    params
        By name, as `parameters_of` names them.
    by_fold
        Composite on each fold that was measured.
    draws : (folds, draws)
        The same on bootstrap draws, which are the same for every trial.
    seconds
        Of learning and measuring.
    state
        `finished`, or `pruned` when it was clearly behind before the last fold.
    """

    number: int
    params: Params
    by_fold: tuple[float, ...]
    draws: Array
    seconds: float
    state: str

    @property
    def value(self) -> float:
        """Mean composite over folds; NaN for a pruned trial, which has not seen them all."""
        return float(np.mean(self.by_fold)) if self.state == FINISHED else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class TuningResult:
    """What tuning came to.

    Attributes
    ----------
    settings
        To train with: the highest trial's, or those that tuning began with when they stand.
    trials
        All, those of earlier runs included.
    already
        How many of them earlier runs had left.
    highest
        The finished trial of the highest value.
    lead
        Its value less that of trial 0.
    margin
        The lead that the highest of so many trials has by chance alone once in 20 times.
    """

    settings: FitSettings
    trials: tuple[TrialResult, ...]
    already: int
    highest: TrialResult
    lead: float
    margin: float

    @property
    def stands(self) -> bool:
        """Whether the settings that tuning began with are kept."""
        return not self.lead > self.margin

    @property
    def value(self) -> float:
        """Mean composite over folds of the settings to train with."""
        return (self.trials[0] if self.stands else self.highest).value

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        default, several = self.trials[0].value, len(self.trials)
        if self.highest.number == 0:
            return f"the defaults stand: none of {several} trials is above their {default:.3f}"
        lead = f"is {self.lead:.3f} above the defaults' {default:.3f}"
        chance = f"the highest of {several} can be {self.margin:.3f} above by chance"
        if self.stands:
            return f"the defaults stand: the highest trial {lead}, and {chance}"
        return f"trial {self.highest.number} is taken: it {lead}, where {chance}"


def decided(trials: Sequence[TrialResult], settings: FitSettings, already: int) -> TuningResult:
    """The highest of the trials where it clearly beats the first, whose settings are given.

    Its lead must be more than the highest of so many has by chance (White 2000, Econometrica
    68:1097).
    """
    finished = [tried for tried in trials if tried.state == FINISHED]
    highest = max(finished, key=lambda tried: (tried.value, -tried.number))
    lead = highest.value - trials[0].value
    tuned = TuningResult(settings, tuple(trials), already, highest, lead, _margin(finished))
    if tuned.stands:
        return tuned
    return replace(tuned, settings=settings_with(settings, highest.params))


def _margin(finished: Sequence[TrialResult]) -> float:
    """The lead over the first that the highest of the others has by chance once in 20 times."""
    draws = np.stack([tried.draws.mean(axis=0) for tried in finished])
    leads = (draws[1:] - draws[0])[:, np.isfinite(draws).all(axis=0)]
    if not leads.size:
        return 0.0
    noise = leads - leads.mean(axis=1, keepdims=True)
    return float(np.quantile(noise.max(axis=0), 1 - CHANCE))
