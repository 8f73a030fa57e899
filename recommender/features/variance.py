"""Variance within and between groups, such as the ratings of one clinician or of one client."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Variance of values within a group and of the true means between groups, in points squared."""

    within: float
    between: float


def variance_components(
    group: NDArray[np.integer], values: Array, weight: Array | None = None
) -> VarianceComponents | None:
    """Variances of an unbalanced one-way layout, estimated by analysis of variance.

    Searle, Casella and McCulloch (1992), Variance Components, section 3.6. With n values in k
    groups of weight w_i, W = sum(w_i) and the mean squares MSW and MSB::

        within = MSW
        between = max(0, MSB - MSW) / n0,  n0 = (W - sum(w_i^2) / W) / (k - 1)

    Parameters
    ----------
    group : (n,) int
        Group of each value, from 0; a number that no value has is no group.
    values : (n,)
        The values, such as ratings in points.
    weight : (n,), optional
        Precision of each value relative to the others; 1 where it is left out.

    Returns
    -------
    VarianceComponents or None
        None with fewer than two groups, or where no group has two values.

    Examples
    --------
    >>> variance_components(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 4.0, 5.0]))
    VarianceComponents(within=0.5, between=4.25)
    """
    weight = np.ones(len(values)) if weight is None else weight
    total = np.bincount(group, weight)
    seen = np.bincount(group) > 0
    n, groups = len(values), int(seen.sum())
    if groups < 2 or n == groups:
        return None
    mean = np.zeros(len(total))
    np.divide(np.bincount(group, weight * values), total, out=mean, where=seen)
    within = float(weight @ (values - mean[group]) ** 2) / (n - groups)
    among = float(total @ (mean - np.average(values, weights=weight)) ** 2) / (groups - 1)
    size = float(total.sum() - total @ total / total.sum()) / (groups - 1)
    return VarianceComponents(within, max(among - within, 0.0) / size)
