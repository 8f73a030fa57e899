"""How trees are grown, and every setting of a fit.

LightGBM learns here and in `training.baselines`; nowhere else. Imported by `fit` and above.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np

from recommender.features.feature import Array
from recommender.trees.ensemble import Trees

Parameters = dict[str, Any]
CELLS_FOR_THREADS = 50_000_000
"""Cells of a matrix below which one thread grows the trees: threads on small trees mostly wait for
each other, and where the machine has other work to do they wait for that."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How an ensemble is grown; names are LightGBM's."""

    num_leaves: int
    num_trees: int
    learning_rate: float = 0.04
    min_data_in_leaf: int = 60
    feature_fraction: float = 0.4
    bagging_fraction: float = 1.0
    lambda_l2: float = 0.0

    def parameters(self, seed: int, cells: int) -> Parameters:
        """LightGBM parameters that give the same bytes for the same rows and seed.

        `cells` is the size of the matrix: on a small one threads wait longer than they work.
        """
        return asdict(self) | {
            "num_threads": 1 if cells < CELLS_FOR_THREADS else 0,
            "objective": "regression",
            "bagging_freq": 1 if self.bagging_fraction < 1 else 0,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of a fit; the defaults are those that won in the methods study.

    Attributes
    ----------
    seed
        Of folds, panel and ensembles.
    folds
        Client-grouped folds for everything that must be out of fold.
    client, pairing
        How the client part and the trees of the pairing part are grown.
    fewest_for_trees
        Ratings below which the pairing part is the additive model alone.
    left_quantile
        Quantile of the rated clients' residuals at which clients who left before rating enter the
        pairing part; None leaves them out. The methods study had .15 before .05 and .30.
    """

    seed: int = 0
    folds: int = 5
    client: Growth = field(
        default_factory=lambda: Growth(num_leaves=6, num_trees=150, feature_fraction=0.5)
    )
    pairing: Growth = field(
        default_factory=lambda: Growth(
            num_leaves=4, num_trees=400, bagging_fraction=0.7, lambda_l2=5.0
        )
    )
    fewest_for_trees: int = 1000
    left_quantile: float | None = 0.15


def parameters_of(settings: FitSettings) -> Mapping[str, object]:
    """The settings flat, as a run records them."""
    flat: dict[str, object] = {}
    for name, value in asdict(settings).items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"{name}.{key}" if key else name: part for key, part in parts}
    return flat


def binned(rows: Array, label: Array, weight: Array, parameters: Parameters) -> lgb.Dataset:
    """Rows sorted into bins once, to be grown on or subset: 32-bit, columns by position."""
    return lgb.Dataset(
        np.asarray(rows, dtype=np.float32),
        label,
        weight=weight,
        params=parameters | {"feature_pre_filter": False},
    )


def grown(data: lgb.Dataset, parameters: Parameters) -> Trees:
    """An ensemble learned from binned rows."""
    return Trees(lgb.train(parameters, data).model_to_string())
