"""Every learner's figures on the same tested rows and the same bootstrap draws.

What does not depend on the weights is found once for each learner. Imported by `evaluate` and
`report`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recommender.training import within_client_ranking
from recommender.training.baselines import LearnerScores
from recommender.training.bootstrap import interval_of, weightings
from recommender.training.held_out import HeldOut, Mask, WeightedHeldOut
from recommender.training.weighted_moments import Floats, products

FEWEST_LISTS = 30
"""Clients with three test ratings below which an order within clients is not reported."""

Measured = Callable[[WeightedHeldOut], Floats]
"""A figure at each of d weightings, (d,); NaN where it does not apply."""
Metric = Callable[[HeldOut, LearnerScores], Measured]
Sampled = Mapping[str, Mapping[str, Floats]]
"""By metric and learner: the figure of the rows as they are, then at each draw, (1 + draws,)."""


def _partial(tested: HeldOut, learner_scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    ready = products([tested.expected[rows], tested.label[rows], learner_scores.pairing[rows]])
    return lambda weighed: ready.at(weighed.rated).partial()


def _dyad(tested: HeldOut, learner_scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    columns = [tested.expected[rows], tested.label[rows], learner_scores.pairing[rows]]
    ready = products(columns, tested.met_in_fold[rows])
    return lambda weighed: ready.at(weighed.rated).partial()


def _slope(tested: HeldOut, learner_scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    ready = products([tested.expected[rows], tested.label[rows], learner_scores.pairing[rows]])
    return lambda weighed: ready.at(weighed.rated).slope()


def _composite(tested: HeldOut, learner_scores: LearnerScores) -> Measured:
    """Those who left have the client part for a label, and one column more that lowers it."""
    label = np.where(tested.is_rated, tested.label, tested.expected)
    ready = products([tested.expected, label, learner_scores.pairing, 1.0 - tested.rated])

    def at(weighed: WeightedHeldOut) -> Floats:
        shares = np.zeros((len(weighed.low), 3, 4))
        shares[:, [0, 1, 2], [0, 1, 2]] = 1.0
        shares[:, 1, 3] = weighed.low
        return ready.at(weighed.weights).mixed(shares).partial()

    return at


def _rmse(tested: HeldOut, learner_scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    squared = (learner_scores.alliance[rows] - tested.label[rows]) ** 2
    return lambda weighed: np.asarray(np.sqrt(mean_at(squared, weighed.rated)))


def mean_at(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of rows at each weighting, (d,); NaN where nothing weighs."""
    total = weights.sum(axis=0)
    sums = values @ weights
    return np.asarray(np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0))


@dataclass(frozen=True, slots=True)
class MeasureWithin:
    """A mean over clients who rated several; NaN when too few did.

    `scale` names what of the tested rows the measure needs besides.
    """

    measure: Callable[..., within_client_ranking.ByClient]
    scale: tuple[str, ...] = ()

    def __call__(self, tested: HeldOut, learner_scores: LearnerScores) -> Measured:
        """The metric of these rows by their weights."""
        rows = tested.is_rated
        lists = tested.lists[rows]
        lowest = [getattr(tested, name) for name in self.scale]
        order = self.measure(learner_scores.pairing[rows], tested.label[rows], lists, *lowest)
        if order.client.size < FEWEST_LISTS:
            return lambda weighed: np.full(weighed.rated.shape[1], np.nan)
        return lambda weighed: np.array([order.mean(lists, draw) for draw in weighed.rated.T])


PARTIAL, DYAD, COMPOSITE, RMSE = "client-adjusted partial", "dyad partial", "composite", "RMSE"
SLOPE = "calibration slope"
METRICS: Mapping[str, Metric] = {
    PARTIAL: _partial,
    DYAD: _dyad,
    COMPOSITE: _composite,
    SLOPE: _slope,
    RMSE: _rmse,
    "Spearman": MeasureWithin(within_client_ranking.spearman),
    "NDCG@5": MeasureWithin(within_client_ranking.ndcg, ("lowest",)),
    "pairs in order": MeasureWithin(within_client_ranking.pairacc),
}
"""Measured for every learner. The last three need clients who rated several clinicians."""


def figure_of(
    metric: str, tested: HeldOut, learner_scores: LearnerScores, weights: Floats | None = None
) -> float:
    """One figure of a guess; rows count by the lots they came of when no weights are given."""
    weights = tested.weights if weights is None else weights
    return float(
        METRICS[metric](tested, learner_scores)(WeightedHeldOut(tested, weights[:, None]))[0]
    )


def sample(
    tested: HeldOut,
    by_learner: Mapping[str, LearnerScores],
    *,
    seed: int,
    draws: int,
    metrics: Iterable[str] = METRICS,
) -> Sampled:
    """Figures of every learner on the rows as they are and on the same draws of them.

    Rows that came of a lot weigh by its inverse chance, with and without a draw; see
    `recommender.training.held_out`.
    """
    measured = {
        (name, learner): METRICS[name](tested, learner_scores)
        for name in metrics
        for learner, learner_scores in by_learner.items()
    }
    found: dict[tuple[str, str], list[Floats]] = {key: [] for key in measured}

    def measure(weights: Floats) -> None:
        weighed = WeightedHeldOut(tested, weights)
        for key, figure in measured.items():
            found[key].append(figure(weighed))

    own = tested.weights[:, None]
    measure(own)
    for weights in weightings(tested.client, tested.clinician, seed=seed, draws=draws):
        measure(own * weights)
    return {
        name: {learner: np.concatenate(found[name, learner]) for learner in by_learner}
        for name in dict.fromkeys(name for name, _ in measured)
    }


def table_of(sampled: Sampled, learners: Iterable[str]) -> pd.DataFrame:
    """A row a learner and metric that applies to it: learner, metric, value, low, high."""
    rows = [
        (learner, metric, *ends_of(by_learner[learner]))
        for learner in learners
        for metric, by_learner in sampled.items()
        if learner in by_learner and np.isfinite(by_learner[learner][0])
    ]
    return pd.DataFrame(rows, columns=["learner", "metric", "value", "low", "high"])


def ends_of(found: Floats) -> tuple[float, float, float]:
    """Value and 95 % interval of a figure at the rows as they are and at each draw."""
    interval = interval_of(float(found[0]), found[1:])
    return interval.value, interval.low, interval.high


def mean_rated(tested: HeldOut, *, seed: int, draws: int) -> Floats:
    """Mean rating, every row counting by the lot it came of, as it is and by draw."""
    some = tested.take(tested.is_rated)
    own = some.weights[:, None]
    drawn = weightings(some.client, some.clinician, seed=seed, draws=draws)
    whole = np.ones((len(some), 1))
    return np.concatenate([mean_at(some.label, own * weights) for weights in (whole, *drawn)])


def share_within(tested: HeldOut, chosen: Mask, *, seed: int, draws: int) -> Floats:
    """How often chosen rated pairings fell within our stated range, as they are and by draw."""
    some = tested.take(chosen & tested.is_rated)
    inside = ((some.low <= some.label) & (some.label <= some.high)).astype(np.float64)
    whole = np.ones((len(some), 1))
    drawn = weightings(some.client, some.clinician, seed=seed, draws=draws)
    return np.concatenate([mean_at(inside, weights) for weights in (whole, *drawn)])
