"""Figures of every learner on the same tested rows and the same bootstrap draws.

What does not depend on the weights is computed once for each learner.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from recommender.model.evaluation_report import COMPOSITE, DYAD, PARTIAL, RMSE, SLOPE
from recommender.training.baselines import LearnerScores
from recommender.training.bootstrap import interval_of, weightings
from recommender.training.held_out import HeldOut, Mask, WeightedHeldOut
from recommender.training.metrics import Floats, MomentProducts, products

Measured = Callable[[WeightedHeldOut], Floats]
"""A figure at each of d weightings, (d,); NaN where it does not apply."""
Metric = Callable[[HeldOut, LearnerScores], Measured]
Sampled = Mapping[str, Mapping[str, Floats]]
"""By metric and learner: the figure of the rows as they are, then at each draw, (1 + draws,)."""


def _rated_products(tested: HeldOut, scores: LearnerScores) -> MomentProducts:
    rows = tested.is_rated
    return products([tested.expected[rows], tested.label[rows], scores.pairing[rows]])


def _partial(tested: HeldOut, scores: LearnerScores) -> Measured:
    ready = _rated_products(tested, scores)
    return lambda weighted: ready.at(weighted.rated).partial()


def _slope(tested: HeldOut, scores: LearnerScores) -> Measured:
    ready = _rated_products(tested, scores)
    return lambda weighted: ready.at(weighted.rated).slope()


def _dyad(tested: HeldOut, scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    columns = [tested.expected[rows], tested.label[rows], scores.pairing[rows]]
    ready = products(columns, tested.clinician_in_fold[rows])
    return lambda weighted: ready.at(weighted.rated).partial()


def _composite(tested: HeldOut, scores: LearnerScores) -> Measured:
    """Dropouts have the client part for a label, and one column more that lowers it."""
    label = np.where(tested.is_rated, tested.label, tested.expected)
    ready = products([tested.expected, label, scores.pairing, 1.0 - tested.rated])

    def at(weighted: WeightedHeldOut) -> Floats:
        shares = np.zeros((len(weighted.low), 3, 4))
        shares[:, [0, 1, 2], [0, 1, 2]] = 1.0
        shares[:, 1, 3] = weighted.low
        return ready.at(weighted.weights).mixed(shares).partial()

    return at


def _rmse(tested: HeldOut, scores: LearnerScores) -> Measured:
    rows = tested.is_rated
    squared = (scores.alliance[rows] - tested.label[rows]) ** 2
    return lambda weighted: np.asarray(np.sqrt(mean_at(squared, weighted.rated)))


METRICS: Mapping[str, Metric] = {
    PARTIAL: _partial,
    DYAD: _dyad,
    COMPOSITE: _composite,
    SLOPE: _slope,
    RMSE: _rmse,
}
"""Metrics computed for every learner."""


def mean_at(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of rows at each weighting, (d,); NaN where all weights are 0."""
    total = weights.sum(axis=0)
    sums = values @ weights
    return np.asarray(np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0))


def figure_of(
    metric: str,
    tested: HeldOut,
    scores: LearnerScores,
    weights: Floats | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> float:
    """One figure of a learner; rows have their inverse-propensity weights unless others are given.

    A metric that does not apply is NaN.
    """
    weights = tested.weights if weights is None else weights
    return float(metrics[metric](tested, scores)(WeightedHeldOut(tested, weights[:, None]))[0])


def sample(
    tested: HeldOut,
    by_learner: Mapping[str, LearnerScores],
    *,
    seed: int,
    draws: int,
    metrics: Mapping[str, Metric] = METRICS,
) -> Sampled:
    """Figures of every learner on the rows as they are and on the same draws of them.

    Rows of randomised ties have inverse-propensity weights, with and without a draw; see
    `recommender.training.held_out`.
    """
    measured = {
        (name, learner): metric(tested, scores)
        for name, metric in metrics.items()
        for learner, scores in by_learner.items()
    }
    figures: dict[tuple[str, str], list[Floats]] = {key: [] for key in measured}

    def measure(weights: Floats) -> None:
        weighted = WeightedHeldOut(tested, weights)
        for key, figure in measured.items():
            figures[key].append(figure(weighted))

    own = tested.weights[:, None]
    measure(own)
    for weights in weightings(tested.client, tested.clinician, seed=seed, draws=draws):
        measure(own * weights)
    return {
        name: {learner: np.concatenate(figures[name, learner]) for learner in by_learner}
        for name in (metrics if by_learner else ())
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


def ends_of(figures: Floats) -> tuple[float, float, float]:
    """Value and 95 % interval of a figure on the rows as they are and at each draw."""
    interval = interval_of(float(figures[0]), figures[1:])
    return interval.value, interval.low, interval.high


def mean_rated(tested: HeldOut, *, seed: int, draws: int) -> Floats:
    """Inverse-propensity weighted mean rating, on the rows as they are and at each draw."""
    rated = tested.take(tested.is_rated)
    return _mean_by_draw(rated, rated.label, rated.weights[:, None], seed, draws)


def share_within(tested: HeldOut, chosen: Mask, *, seed: int, draws: int) -> Floats:
    """Share of the chosen rated pairings inside the stated interval, as they are and by draw."""
    rated = tested.take(chosen & tested.is_rated)
    inside = ((rated.low <= rated.label) & (rated.label <= rated.high)).astype(np.float64)
    return _mean_by_draw(rated, inside, np.ones((len(rated), 1)), seed, draws)


def _mean_by_draw(rows: HeldOut, values: Floats, own: Floats, seed: int, draws: int) -> Floats:
    drawn = weightings(rows.client, rows.clinician, seed=seed, draws=draws)
    return np.concatenate(
        [mean_at(values, own), *(mean_at(values, own * weights) for weights in drawn)]
    )
