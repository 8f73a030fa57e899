"""Which settings of a fit tuning may change, within what, and where those ranges come from.

Imported by `study` and `tune`.
"""

from collections.abc import Mapping
from dataclasses import replace

from optuna.distributions import FloatDistribution, IntDistribution

from recommender.training.tree_fitting import FitSettings, parameters_of

Range = IntDistribution | FloatDistribution
Space = Mapping[str, Range]
Params = Mapping[str, float]
"""Settings by name, as `parameters_of` names them."""

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
"""Ranges around the settings that worked in `reference/methods.md`.

Its arms span them. Behind the mixed model in share were deeper trees (j8) by .08, 100 trees by .10
and 800 by .06 (j9; one seed each), LightGBM's own settings (j10) by .12, and the small penalised
trees of d7, which are the defaults, by .03. The client part is only taken out and orders nobody:
little of it is sought, on a coarse grid, so that few client parts are learned.

Tuning rarely pays here. The defaults were already chosen among 77 learners; d7 is .01 share from
the next arm, where one seed is .04 from another; the trees are one part of the pairing part only;
and some hundred tested ratings cannot see such differences: it takes 600 to order two models that
are .1 share apart. Of many noisy values the highest is high by chance: hence the rule
in `trials`, under which the defaults nearly always stand.
"""
VERSION = 1
"""Of the space: raise it with every change, so that its trials get a file of their own."""


def searched(space: Space, settings: FitSettings, rows: int) -> Space:
    """The part of a space that can matter when so many rows are learned from at most.

    Below `fewest_for_trees` no pairing trees grow, so that their settings change nothing.
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
    """What the settings have for each name of the space."""
    flat = parameters_of(settings)
    return {name: _number(flat[name]) for name in space}


def nearest(params: Params, space: Space) -> dict[str, float]:
    """The closest settings the space holds, to six decimals."""
    return {name: _within(value, space[name]) for name, value in params.items()}


def _within(value: float, known: Range) -> float:
    value = min(max(value, known.low), known.high)
    if known.step and not known.log:
        value = known.low + round((value - known.low) / known.step) * known.step
    return int(value) if isinstance(known, IntDistribution) else round(value, 6)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is no number")
    return value
