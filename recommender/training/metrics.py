"""Metrics of logged ratings: order net of the client, dropouts, coverage, exposure.

They rest on weighted moments, computed for many bootstrap weightings at once. Pure functions of
arrays. A metric that does not apply is NaN; `why_missing` says why.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.errors import RecommenderError
from recommender.model.share_intervals import of_top

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


DROPOUT_QUANTILE = 0.15
"""Quantile of the residuals at which dropouts are imputed; on simulated practices it ordered models
better than .05 and .30."""


def client_adjusted_partial(
    score: Floats, label: Floats, client_part: Floats, weights: Floats | None = None
) -> float:
    """Correlation of score and label, both net of what the client alone explains.

    Partial correlation r(score, label | 1, m(x)) by weighted linear residuals: each is regressed on
    an intercept and the client part, and the residuals are correlated (Fisher 1924).

    Parameters
    ----------
    score : (n,) float64
        Pairing score, or the whole prediction; any unit.
    label, client_part : (n,) float64
        Rating and m(x), in one unit.
    weights : (n,) float64, optional
        Not negative; 0 leaves a row out.

    Returns
    -------
    float
        -1 to 1; 0 when nothing of the score is left, since it then orders nobody; NaN when the
        labels have nothing left or fewer than 3 rows count.
    """
    weights = _weights(label, weights)
    if why_missing(label, weights=weights):
        return float("nan")
    rows = weights > 0
    ready = products([client_part[rows], label[rows], score[rows]])
    return float(ready.at(weights[rows, None]).partial()[0])


def dyad_partial(
    score: Floats,
    label: Floats,
    client_part: Floats,
    clinician: Ints,
    weights: Floats | None = None,
) -> float:
    """Correlation of score and label within clinicians, net of the client: not popularity.

    r(score, label | clinician, m(x)): all three are centred within the clinician, then the client
    part is regressed out and the residuals correlated (Frisch & Waugh 1933). A clinician with one
    row is 0 after centring and does not count.

    Parameters
    ----------
    clinician : (n,) int64
        Codes from 0.
    score, label, client_part, weights
        As in `client_adjusted_partial`.

    Returns
    -------
    float
        -1 to 1; 0 when the score is constant within clinicians (popularity); NaN as in
        `client_adjusted_partial`, or when no clinician has two rows.
    """
    weights = _weights(label, weights)
    if why_missing(label, clinician=clinician, weights=weights):
        return float("nan")
    rows = weights > 0
    ready = products([client_part[rows], label[rows], score[rows]], clinician[rows])
    return float(ready.at(weights[rows, None]).partial()[0])


def composite(
    score: Floats,
    label: Floats,
    client_part: Floats,
    weights: Floats | None = None,
    quantile: float = DROPOUT_QUANTILE,
) -> float:
    """Client-adjusted partial on the composite outcome: the rating, or having left before it.

    Labels that are NaN (left before rating) are filled by `with_dropouts`, so a model cannot gain
    by pleasing only those who stay. This is what the promotion gate compares.
    """
    filled = with_dropouts(label, client_part, quantile, weights)
    return client_adjusted_partial(score, filled, client_part, weights)


def with_dropouts(
    label: Floats,
    client_part: Floats,
    quantile: float = DROPOUT_QUANTILE,
    weights: Floats | None = None,
) -> Floats:
    """Labels with those who left before rating at a low residual, (n,).

    A NaN label becomes m(x) + the given quantile of the rated rows' label - m(x), each row counting
    by its weight. All NaN stays all NaN.
    """
    weights, rated = _weights(label, weights), np.isfinite(label)
    counted = rated & (weights > 0)
    if not counted.any():
        return label.copy()
    residual = label[counted] - client_part[counted]
    low = low_quantile(residual, weights[counted, None], quantile)
    return np.where(rated, label, client_part + low)


def coverage(low: Floats, high: Floats, label: Floats, weights: Floats | None = None) -> float:
    """Share of labels inside their interval, bounds included; NaN without rows."""
    return _mean((low <= label) & (label <= high), _weights(label, weights))


def mean_width(low: Floats, high: Floats, weights: Floats | None = None) -> float:
    """Mean width of the intervals, in the unit of the label; NaN without rows."""
    return _mean(high - low, _weights(low, weights))


def top_share(first: Ints, clinicians: int, fraction: float = 0.1) -> float:
    """Share of first ranks that go to the most-named clinicians.

    Parameters
    ----------
    first : (n,) int64
        Code of the clinician ranked first for each client, 0 to ``clinicians - 1``.
    clinicians : int
        How many there are, named or not.
    fraction : float
        How many of them count as the most-named; rounded up.
    """
    if first.size == 0:
        return float("nan")
    _, named = of_top(np.bincount(first, minlength=clinicians), fraction)
    return named / first.size


def gini(first: Ints, clinicians: int) -> float:
    """Gini coefficient of first ranks over all clinicians: 0 even, (C - 1) / C all to one.

    G = sum_i (2 i - C - 1) x_i / (C sum x), x ascending (Dorfman 1979). NaN without clients.
    """
    if first.size == 0:
        return float("nan")
    counts = np.sort(np.bincount(first, minlength=clinicians))
    ranks = 2 * np.arange(1, counts.size + 1) - counts.size - 1
    return float(ranks @ counts / (counts.size * counts.sum()))


def why_missing(
    label: Floats, clinician: Ints | None = None, weights: Floats | None = None
) -> str | None:
    """Why a partial correlation does not apply, or None when it does.

    Give the clinicians for `dyad_partial`. Only rows with a weight above 0 count.
    """
    weights = _weights(label, weights)
    counted = weights > 0
    if np.isnan(label[counted]).any():
        return "some labels are missing"
    if int(counted.sum()) < 3:
        return "fewer than 3 rated pairings"
    if np.ptp(label[counted]) == 0:
        return "all labels are the same"
    if clinician is None:
        return None
    if np.bincount(clinician[counted]).max() < 2:
        return "no clinician has 2 rated pairings"
    means = _group_means(label[counted], clinician[counted], weights[counted])
    if np.abs(label[counted] - means).max() <= ROUNDING * max(
        1.0, float(np.abs(label[counted]).max())
    ):
        return "the labels do not vary within any clinician"
    return None


def _weights(rows: Floats, weights: Floats | None) -> Floats:
    if weights is None:
        return np.ones(rows.size)
    if weights.shape != rows.shape or not (weights >= 0).all():
        remedy = "give one number of 0 or more for each row"
        raise RecommenderError("weights", "do not fit the rows", remedy)
    return weights


def _mean(values: NDArray[np.generic], weights: Floats) -> float:
    # A row of weight 0 may hold NaN, for example a label not given.
    rows = weights > 0
    if not rows.any():
        return float("nan")
    return float(np.average(np.asarray(values, np.float64)[rows], weights=weights[rows]))


def _group_means(values: Floats, group: Ints, weights: Floats) -> Floats:
    """Weighted mean of each row's group, (n,); 0 where a group has no weight."""
    totals = np.bincount(group, weights=weights)
    sums = np.bincount(group, weights=weights * values)
    return np.asarray(np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)[group])
