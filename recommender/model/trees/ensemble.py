"""A fitted LightGBM ensemble as text: scores and exact contributions of array rows.

LightGBM is spoken here for predicting and in `training` for learning.
"""

from functools import cached_property

import numpy as np
from lightgbm import Booster
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.forest import read_forest
from recommender.model.trees.shapley import ShapleyTable, shapley_table


class Trees:
    """An ensemble that is its own text, opened once.

    Parameters
    ----------
    text
        LightGBM's model text, truncated at the trees in use.

    Raises
    ------
    BundleError
        When the text is not one of numerical trees that are whole.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._forest = read_forest(text)
        self._booster = Booster(model_str=text)

    @property
    def width(self) -> int:
        """Number of columns a row must have."""
        return int(self._booster.num_feature())

    def score(self, rows: Array) -> Array:
        """Predicted value of each row, (n,); columns by position, NaN is missing."""
        return np.asarray(self._booster.predict(_narrow(rows), num_threads=1), dtype=np.float64)

    def contributions(self, rows: Array) -> Array:
        """Exact Shapley values, (n, columns + 1), the last being what every row starts from.

        Path-dependent TreeSHAP (Lundberg et al. 2020); each row sums to its score. Small trees are
        looked up, ten times faster than LightGBM walks them; `prepare` or the first call makes the
        table.
        """
        if self._table is not None:
            return self._table.contributions(_narrow(rows))
        found = self._booster.predict(_narrow(rows), pred_contrib=True, num_threads=1)
        return np.asarray(found, dtype=np.float64).reshape(len(rows), self.width + 1)

    def prepare(self) -> None:
        """Makes the table of contributions now, so that no request waits for it."""
        _ = self._table

    def gains(self) -> Array:
        """Total gain of the splits on each column, (columns,)."""
        return np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)

    @cached_property
    def _table(self) -> ShapleyTable | None:
        return shapley_table(self._forest)


def _narrow(rows: Array) -> NDArray[np.float32]:
    # Learned on 32-bit rows to halve memory: thresholds are only exact on the same rounding.
    return np.ascontiguousarray(rows, dtype=np.float32)
