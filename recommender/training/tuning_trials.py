"""The search space of tuning, its trials, and which settings they lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

from recommender.features.feature import Array
from recommender.training.tree_fitting import FitSettings, parameters_of

Range = IntDistribution | FloatDistribution
Space = Mapping[str, Range]
Params = Mapping[str, float]
"""Settings by name, as `parameters_of` names them."""
FINISHED, PRUNED = "finished", "pruned"
CHANCE = 0.05
SPACE: Space = {
    "pairing.num_leaves": IntDistribution(3, 8),
    "pairing.num_trees": IntDistribution(100, 800, step=50),
    "pairing.learning_rate": FloatDistribution(0.02, 0.1, log=True),
    "pairing.min_data_in_leaf": IntDistribution(20, 200, log=True),
    "pairing.feature_fraction": FloatDistribution(0.2, 0.8, step=0.05),
    "pairing.bagging_fraction": FloatDistribution(0.5, 1.0, step=0.05),
    "pairing.lambda_l2": FloatDistribution(0.1, 50.0, log=True),
    "client.num_trees": IntDistribution(50, 250, step=100),
    "client.num_leaves": IntDistribution(4, 8, step=2),
}
"""Ranges around the defaults, which were chosen among 77 learners on simulated practices
(`experiments/bake_off`). The client part orders nobody: little of it is tuned, on a coarse grid.

Tuning rarely pays here: the trees are one part of the pairing part only, and some hundred tested
ratings cannot show such differences; it takes 600 to order two models that are .1 share apart. Of
many noisy values the highest is high by chance: hence the rule of `decide`, under which the
defaults nearly always stay.
"""


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult:
    """One trial: settings, their figures, and how long it took.

    Attributes
    ----------
    number
        0 is the settings that tuning began with.
    params
        By name, as `parameters_of` names them.
    by_fold
        Composite on each fold that was measured.
    draws : (folds, draws)
        The composite on bootstrap draws, which are the same for every trial.
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
        """Mean composite over folds; NaN for a pruned trial, which lacks some."""
        return float(np.mean(self.by_fold)) if self.state == FINISHED else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class TuningResult:
    """The result of tuning.

    Attributes
    ----------
    settings
        To train with: the highest trial's, or those that tuning began with.
    trials
        All, those of earlier runs included.
    already
        How many of them earlier runs had left.
    highest
        The finished trial of the highest value.
    lead
        Its value minus that of trial 0.
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
    def keeps_defaults(self) -> bool:
        """Whether the settings that tuning began with stay."""
        return not self.lead > self.margin

    @property
    def value(self) -> float:
        """Mean composite over folds of the settings to train with."""
        return (self.trials[0] if self.keeps_defaults else self.highest).value

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        default, several = self.trials[0].value, len(self.trials)
        if self.highest.number == 0:
            return f"the defaults stay: none of {several} trials is above their {default:.3f}"
        lead = f"is {self.lead:.3f} above the defaults' {default:.3f}"
        chance = f"the highest of {several} can be {self.margin:.3f} above by chance"
        if self.keeps_defaults:
            return f"the defaults stay: the highest trial {lead}, and {chance}"
        return f"trial {self.highest.number} is used: it {lead}, where {chance}"


def decide(trials: Sequence[TrialResult], settings: FitSettings, already: int) -> TuningResult:
    """The highest of the trials where it clearly beats the first, whose settings are given.

    Its lead must be more than the highest of so many has by chance (White 2000, Econometrica
    68:1097).
    """
    finished = [trial for trial in trials if trial.state == FINISHED]
    highest = max(finished, key=lambda trial: (trial.value, -trial.number))
    lead = highest.value - trials[0].value
    tuned = TuningResult(settings, tuple(trials), already, highest, lead, _margin(finished))
    if tuned.keeps_defaults:
        return tuned
    return replace(tuned, settings=settings_with(settings, highest.params))


def _margin(finished: Sequence[TrialResult]) -> float:
    """The lead over the first that the highest of the others has by chance once in 20 times."""
    draws = np.stack([trial.draws.mean(axis=0) for trial in finished])
    leads = (draws[1:] - draws[0])[:, np.isfinite(draws).all(axis=0)]
    if not leads.size:
        return 0.0
    noise = leads - leads.mean(axis=1, keepdims=True)
    return float(np.quantile(noise.max(axis=0), 1 - CHANCE))


def effective_space(space: Space, settings: FitSettings, rows: int) -> Space:
    """The part of a space that can matter when at most so many rows are learned from.

    Below `fewest_for_trees` there are no pairing trees, so that their settings change nothing.
    """
    grows = rows >= settings.fewest_for_trees
    return {name: known for name, known in space.items() if grows or name.startswith("client.")}


def settings_with(settings: FitSettings, params: Params) -> FitSettings:
    """The settings with some changed."""
    for name, value in params.items():
        part, key = name.split(".")
        settings = replace(settings, **{part: replace(getattr(settings, part), **{key: value})})
    return settings


def params_of(settings: FitSettings, space: Space) -> dict[str, float]:
    """The values that settings have for each name of the space."""
    flat = parameters_of(settings)
    values = {name: flat[name] for name in space}
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def nearest(params: Params, space: Space) -> dict[str, float]:
    """The closest settings the space holds."""
    return {name: _within(value, space[name]) for name, value in params.items()}


def _within(value: float, known: Range) -> float:
    value = min(max(value, known.low), known.high)
    if known.step and not known.log:
        value = known.low + round((value - known.low) / known.step) * known.step
    return int(value) if isinstance(known, IntDistribution) else round(value, 6)
