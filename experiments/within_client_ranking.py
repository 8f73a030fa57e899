"""Order within clients who rated several clinicians: Spearman, NDCG and concordance.

For data where clients rate many clinicians (public sets); with one rated pairing a client these
metrics do not apply.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recommender.training.baselines import LearnerScores
from recommender.training.figures import Measured, Metric
from recommender.training.held_out import HeldOut
from recommender.training.metrics import Floats, Ints

MIN_LISTS = 30
"""Clients with three test ratings below which an order within clients is not reported."""
# Fewer rows or constant labels have no order to find.
LEAST_ROWS = 3


@dataclass(frozen=True, slots=True, eq=False)
class ByClient:
    """One value for each client with at least 3 rows and labels that differ.

    Attributes
    ----------
    client : (m,) int64
        Codes, ascending.
    value : (m,) float64
    """

    client: Ints
    value: Floats

    def mean(self, client: Ints | None = None, weights: Floats | None = None) -> float:
        """Mean over clients, NaN without any; given rows' weights, each by its mean row weight."""
        if self.client.size == 0:
            return float("nan")
        if client is None or weights is None:
            return float(self.value.mean())
        rows = np.maximum(np.bincount(client, minlength=int(self.client.max()) + 1), 1)
        own = (np.bincount(client, weights=weights, minlength=rows.size) / rows)[self.client]
        return float(own @ self.value / own.sum()) if own.sum() > 0 else float("nan")

    @property
    def why_missing(self) -> str | None:
        """Why there is no mean, or None when there is one."""
        return None if self.client.size else "no client has 3 rows with labels that differ"


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """Rows of clients that count, sorted by client; `start` holds each client's first row."""

    client: Ints
    start: Ints
    place: Ints
    prediction: Floats
    label: Floats

    def sums(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.start))


def spearman(prediction: Floats, label: Floats, client: Ints) -> ByClient:
    """Rank correlation of prediction and label within each client.

    Pearson's r of average ranks (Spearman 1904); 0 for a constant prediction.
    """
    lists = _lists(prediction, label, client)
    if lists is None:
        return _nobody()
    counts = lists.sums(np.ones(lists.place.size))
    middle = ((counts + 1) / 2)[lists.place]
    own, other = _ranks(lists, lists.prediction) - middle, _ranks(lists, lists.label) - middle
    both = np.sqrt(lists.sums(own**2) * lists.sums(other**2))
    value = np.divide(lists.sums(own * other), both, out=np.zeros_like(both), where=both > 0)
    return ByClient(lists.client, value)


def ndcg(
    prediction: Floats, label: Floats, client: Ints, minimum: float, depth: int = 5
) -> ByClient:
    """Normalised discounted cumulative gain of the first ranks, expected over random tie-breaks.

    Gain is linear, label - minimum; the discount of rank i is 1 / log2(i + 1) (Jarvelin &
    Kekalainen 2002). Rows with one prediction share their ranks: each expects the mean gain of the
    tie (McSherry & Najork 2008).

    Parameters
    ----------
    minimum : float
        Lowest value of the rating scale.
    depth : int
        How many first ranks count.
    """
    lists = _lists(prediction, label, client)
    if lists is None:
        return _nobody()
    gain = lists.label - minimum
    reached = _discounted(lists, lists.prediction, gain, depth)
    return ByClient(lists.client, reached / _discounted(lists, lists.label, gain, depth))


def pairacc(prediction: Floats, label: Floats, client: Ints) -> ByClient:
    """Share of a client's pairs with different labels that are predicted in the right order.

    A tied prediction counts one half, so chance is .5 (the c-index, Harrell 1982).
    """
    lists = _lists(prediction, label, client)
    if lists is None:
        return _nobody()
    ends = np.append(lists.start[1:], lists.place.size)
    value = [
        _concordance(lists.prediction[a:b], lists.label[a:b])
        for a, b in zip(lists.start, ends, strict=True)
    ]
    return ByClient(lists.client, np.array(value))


def _concordance(prediction: Floats, label: Floats) -> float:
    higher = label[:, None] > label
    ahead = np.sign(prediction[:, None] - prediction)[higher]
    return float((ahead.mean() + 1) / 2)


def _nobody() -> ByClient:
    return ByClient(np.zeros(0, dtype=np.int64), np.zeros(0))


def _lists(prediction: Floats, label: Floats, client: Ints) -> _Lists | None:
    """The rows of clients with enough rows and labels that differ, or None without any."""
    order = np.argsort(client, kind="stable")
    client, prediction, label = client[order], prediction[order], label[order]
    codes, start, place, counts = np.unique(
        client, return_index=True, return_inverse=True, return_counts=True
    )
    if codes.size == 0:
        return None
    varies = np.maximum.reduceat(label, start) > np.minimum.reduceat(label, start)
    counted = (counts >= LEAST_ROWS) & varies
    if not counted.any():
        return None
    rows, sizes = counted[place], counts[counted]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    own = np.repeat(np.arange(sizes.size), sizes)
    return _Lists(codes[counted], first, own, prediction[rows], label[rows])


def _ties(lists: _Lists, key: Floats) -> tuple[Ints, Ints]:
    """Order of rows by client and key ascending, and the number of each ordered row's tie."""
    order = np.lexsort((key, lists.place))
    place, ordered = lists.place[order], key[order]
    new = (np.diff(place) != 0) | (np.diff(ordered) != 0)
    return order, np.concatenate([[0], np.cumsum(new)])


def _ranks(lists: _Lists, key: Floats) -> Floats:
    """Average rank of each row within its client, lowest 1."""
    order, tie = _ties(lists, key)
    within = np.arange(order.size) - lists.start[lists.place[order]] + 1.0
    ranks = np.empty(order.size)
    ranks[order] = (np.bincount(tie, weights=within) / np.bincount(tie))[tie]
    return ranks


def _discounted(lists: _Lists, key: Floats, gain: Floats, depth: int) -> Floats:
    """Expected discounted gain of each client with rows in descending order of the key, (m,)."""
    order, tie = _ties(lists, -key)
    within = np.arange(order.size) - lists.start[lists.place[order]]
    discount = np.where(within < depth, 1 / np.log2(within + 2.0), 0.0)
    counts = np.bincount(tie)
    expected = (np.bincount(tie, weights=gain[order]) / counts)[tie]
    return lists.sums(expected * discount)


@dataclass(frozen=True, slots=True)
class MeasureWithin:
    """A mean over clients who rated several; NaN when too few did.

    `scale` names further attributes of the tested rows that the measure needs.
    """

    measure: Callable[..., ByClient]
    scale: tuple[str, ...] = ()

    def __call__(self, tested: HeldOut, learner_scores: LearnerScores) -> Measured:
        """The metric of these rows at each weighting."""
        rows = tested.is_rated
        lists = tested.client_in_fold[rows]
        lowest = [getattr(tested, name) for name in self.scale]
        order = self.measure(learner_scores.pairing[rows], tested.label[rows], lists, *lowest)
        if order.client.size < MIN_LISTS:
            return lambda weighed: np.full(weighed.rated.shape[1], np.nan)
        return lambda weighed: np.array([order.mean(lists, draw) for draw in weighed.rated.T])


WITHIN_CLIENT: Mapping[str, Metric] = {
    "Spearman": MeasureWithin(spearman),
    "NDCG@5": MeasureWithin(ndcg, ("lowest",)),
    "pairs in order": MeasureWithin(pairacc),
}
