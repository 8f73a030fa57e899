"""Trees that LightGBM grows on rows with missing cells, zeros and repeated values."""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from recommender.model.trees.ensemble import Trees

Rows = NDArray[np.float64]


def grown_on(rows: Rows, label: Rows, **parameters: object) -> Trees:
    settings = {"num_leaves": 4, "num_trees": 30, "verbosity": -1, "num_threads": 1, "seed": 1}
    data = lgb.Dataset(rows.astype(np.float32), label)
    return Trees(lgb.train(settings | parameters, data).model_to_string())


def odd_rows(n: int = 400, seed: int = 0) -> tuple[Rows, Rows]:
    """Rows with missing cells, exact zeros, constant columns and repeated values."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 6)).round(1)
    label = rows[:, 0] * rows[:, 1] + np.abs(rows[:, 2]) + rng.normal(0, 0.1, n)
    rows[:, 3] = 1.0
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 4] = np.where(rng.random(n) < 0.5, 0.0, np.nan)
    return rows, label
