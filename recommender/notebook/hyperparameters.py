"""Hyperparameters of a fit by name, as `AllianceRegressor` takes them."""

from collections.abc import Mapping
from typing import Any

from recommender.errors import RecommenderError
from recommender.notebook import arguments
from recommender.training.tree_fitting import FitSettings, parameters_of, settings_from

Settings = Mapping[str, Any]
"""Names and values, such as `{"client_num_trees": 50}`."""


def fit_settings(settings: Settings | None, seed: int) -> FitSettings:
    """Hyperparameters by name as `fit` takes them.

    Raises
    ------
    RecommenderError
        When one is not known, or a value is of another type.
    """
    arguments.whole_number("seed", seed)
    if settings is not None:
        remedy = "give names and values, such as {'client_num_trees': 50}"
        arguments.expect("settings", settings, Mapping, remedy)
    declared = parameters_of(FitSettings())
    by_name = {name.replace(".", "_"): name for name in declared}
    given = dict(settings or {})
    unknown = sorted(map(str, set(given) - set(by_name)))
    if unknown:
        known = ", ".join(sorted(set(by_name) - {"seed"}))
        raise RecommenderError("settings", f"has no {', '.join(unknown)}", f"known are {known}")
    chosen = {**declared, **{by_name[name]: value for name, value in given.items()}}
    return settings_from({"seed": seed} | {n: v for n, v in chosen.items() if n != "seed"})


def without_effect(settings: Settings | None, rated: int, chosen: FitSettings) -> list[str]:
    """Names of changed settings that cannot act: those of trees of pairings, which are not grown.

    Parameters
    ----------
    settings
        As given to `fit_settings`.
    rated
        Number of rated pairings.
    chosen
        The settings of the fit.
    """
    if rated >= chosen.fewest_for_trees:
        return []
    declared = parameters_of(FitSettings())
    of_trees = {
        name.replace(".", "_"): value
        for name, value in declared.items()
        if name.startswith("pairing.")
    }
    return [
        name for name, v in (settings or {}).items() if name in of_trees and v != of_trees[name]
    ]
