"""Partial correlations and slopes of the same rows under many weightings at once.

A bootstrap weights the same rows hundreds of times: with products of columns computed beforehand,
all draws are one matrix product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A remainder below this share of its column's variance is rounding, not signal.
ROUNDING = 1e-12
MIN_ROWS = 3
CLIENT, LABEL, SCORE = 0, 1, 2
"""Places of the columns that partial correlations and slopes read."""


@dataclass(frozen=True, slots=True)
class WeightedMoments:
    """Weighted sums of products of k columns at each of d weightings.

    Attributes
    ----------
    within : (d, k, k)
        Around the means of the rows' groups.
    whole : (d, k, k)
        Around the columns' own means; only to distinguish rounding from signal.
    rows : (d,)
        Rows of a weight above 0.
    """

    within: Floats
    whole: Floats
    rows: NDArray[np.intp]

    def mixed(self, shares: Floats) -> "WeightedMoments":
        """Of new columns, each a sum of the old ones: `shares` is (d, new, k)."""
        turned = np.swapaxes(shares, 1, 2)
        return WeightedMoments(
            shares @ self.within @ turned, shares @ self.whole @ turned, self.rows
        )

    def partial(self) -> Floats:
        """r(score, label | group, client part) by residuals (Fisher 1924), (d,).

        Exactly 0 where nothing of the score is left, since it then orders nobody; NaN where nothing
        of the label is left or fewer than 3 rows have weight.
        """
        label = self._left(LABEL, LABEL)
        own, both = self._left(SCORE, SCORE), self._left(SCORE, LABEL)
        rounding = ROUNDING * np.diagonal(self.whole, axis1=1, axis2=2)
        orders = own > rounding[:, SCORE]
        size = np.sqrt(np.where(orders, own, 1.0) * np.where(label > 0, label, 1.0))
        applies = (label > rounding[:, LABEL]) & (self.rows >= MIN_ROWS)
        return np.where(applies, np.where(orders, both / size, 0.0), np.nan)

    def slope(self) -> Floats:
        """Least-squares slope of label less client part on the score; NaN without spread, (d,)."""
        own = self.within[:, SCORE, SCORE]
        both = self.within[:, SCORE, LABEL] - self.within[:, SCORE, CLIENT]
        applies = (own > ROUNDING * self.whole[:, SCORE, SCORE]) & (self.rows >= MIN_ROWS)
        return np.where(applies, both / np.where(applies, own, 1.0), np.nan)

    def _left(self, one: int, other: int) -> Floats:
        """The product of two columns once the client part is regressed out of both."""
        client = self.within[:, CLIENT, CLIENT]
        known = client > ROUNDING * self.whole[:, CLIENT, CLIENT]
        slope = self.within[:, one, CLIENT] / np.where(known, client, 1.0)
        explained = slope * self.within[:, other, CLIENT]
        return np.asarray(self.within[:, one, other] - np.where(known, explained, 0.0))


@dataclass(frozen=True, slots=True)
class MomentProducts:
    """Rows prepared for weighting.

    Attributes
    ----------
    crossed : (n, k * k)
        Products of the columns.
    by_group : ((k + 1) * groups, n)
        Ones and then each column, a row a group.
    columns
        How many there are, k.
    """

    crossed: Floats
    by_group: sparse.csr_array
    columns: int

    def at(self, weights: Floats) -> WeightedMoments:
        """Moments at each weighting of the rows, weights (n, d)."""
        size, draws = self.columns, weights.shape[1]
        whole = (weights.T @ self.crossed).reshape(draws, size, size)
        sums = np.asarray(self.by_group @ weights).reshape(size + 1, -1, draws)
        total = sums[0]
        mean = np.divide(sums[1:], total, out=np.zeros_like(sums[1:]), where=total > 0)
        between = np.einsum("igd,jgd->dij", mean, sums[1:], optimize=True)
        return WeightedMoments(whole - between, whole, np.count_nonzero(weights, axis=0))


def products(columns: list[Floats], group: Ints | None = None) -> MomentProducts:
    """Prepares columns of n rows; in one group when none are given."""
    rows = len(columns[0])
    values = np.stack(columns, axis=1)
    centred = values - values.mean(axis=0) if rows else values
    # What centring leaves of a constant is rounding.
    if rows:
        centred[:, np.abs(centred).max(axis=0) <= ROUNDING * np.abs(values).max(axis=0)] = 0.0
    code = np.zeros(rows, np.int64) if group is None else np.unique(group, return_inverse=True)[1]
    groups = int(code.max()) + 1 if rows else 1
    parts = np.concatenate([np.ones((rows, 1)), centred], axis=1)
    place = (np.arange(parts.shape[1]) * groups + code[:, None]).ravel()
    row = np.repeat(np.arange(rows), parts.shape[1])
    shape = (parts.shape[1] * groups, rows)
    by_group = sparse.csr_array((parts.ravel(), (place, row)), shape=shape)
    crossed = (centred[:, :, None] * centred[:, None, :]).reshape(rows, len(columns) ** 2)
    return MomentProducts(crossed, by_group, len(columns))


def low_quantile(values: Floats, weights: Floats, quantile: float) -> Floats:
    """The weighted quantile of values at each weighting, (d,).

    NaN where all weights are 0. Weights are (n, d).
    """
    if not len(values):
        return np.full(weights.shape[1], np.nan)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    total = reached[-1]
    first = np.minimum((reached < quantile * total).sum(axis=0), len(values) - 1)
    return np.where(total > 0, values[order][first], np.nan)
