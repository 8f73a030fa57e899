"""Centre and spread of columns, learned once and applied alike ever after."""

from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Centre and spread of columns as learned; a column that never varied has spread 1."""

    mean: Array
    spread: Array

    def apply(self, values: Array) -> Array:
        """Standardised values; a missing one becomes 0, the average."""
        return np.nan_to_num((values - self.mean) / self.spread, nan=0.0)


def fit_standardizer(values: Array, *, centre: bool = True) -> Standardizer:
    """Mean and standard deviation of the known values of each column."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count if centre else np.zeros(values.shape[1])
    spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return Standardizer(mean, np.where(spread > 1e-12, spread, 1.0))
