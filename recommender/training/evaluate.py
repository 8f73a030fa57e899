"""Honest figures: our learner and every baseline on the same held-out pairings.

Imported by `run`, the command line and the experiments; what is measured comes from the model's
own `score`, the path that serves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.training import metrics, within
from recommender.training.baselines import OURS, Guess, Trial, learners_for
from recommender.training.bootstrap import bootstrap
from recommender.training.dataset import Dataset
from recommender.training.fit import Progress, fit
from recommender.training.folds import Fold
from recommender.training.growth import FitSettings
from recommender.training.metrics import Ints

DRAWS = 200
FEWEST_LISTS = 30
"""Clients with three test ratings below which an order within clients is not reported."""


@dataclass(frozen=True, slots=True)
class Tested:
    """The held-out pairings of all folds, one row each.

    Attributes
    ----------
    label : (n,)
        In points; NaN for a pairing that ended before it was rated.
    expected : (n,)
        Our client part, the same for every learner.
    client, clinician, fold : (n,) int
    low, high : (n,)
        Our stated range.
    lowest
        The lowest label the scale has.
    """

    label: Array
    expected: Array
    client: Ints
    clinician: Ints
    fold: Ints
    low: Array
    high: Array
    lowest: float

    @property
    def rated(self) -> Array:
        """1 for rated pairings, 0 for those that ended before."""
        return np.isfinite(self.label).astype(np.float64)

    @property
    def lists(self) -> Ints:
        """A code for each client within each fold: only these are ranked together."""
        return np.unique(np.stack([self.fold, self.client]), axis=1, return_inverse=True)[1]

    @property
    def met_in_fold(self) -> Ints:
        """A code for each clinician within each fold.

        Over folds a clinician's learned effect falls where the held-out ratings are high, since
        they were not learned from: popularity would seem to match badly.
        """
        return np.unique(np.stack([self.fold, self.clinician]), axis=1, return_inverse=True)[1]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `recommender evaluate` prints.

    Attributes
    ----------
    folds
        Names, in order.
    tested
        The rows measured on.
    guesses
        What each learner said of them.
    table
        One row a learner and metric: value, low, high (95 % bootstrap by client and clinician).
    """

    folds: tuple[str, ...]
    tested: Tested
    guesses: Mapping[str, Guess]
    table: pd.DataFrame

    def value(self, learner: str, metric: str) -> float:
        """One figure; NaN where the metric does not apply."""
        found = self.table.query("learner == @learner and metric == @metric")["value"]
        return float(found.iloc[0]) if len(found) else float("nan")


Metric = Callable[[Tested, Guess, Array], float]


def _partial(tested: Tested, guess: Guess, weights: Array) -> float:
    return metrics.client_adjusted_partial(
        guess.pairing, tested.label, tested.expected, weights * tested.rated
    )


def _dyad(tested: Tested, guess: Guess, weights: Array) -> float:
    return metrics.dyad_partial(
        guess.pairing, tested.label, tested.expected, tested.met_in_fold, weights * tested.rated
    )


def _composite(tested: Tested, guess: Guess, weights: Array) -> float:
    return metrics.composite(guess.pairing, tested.label, tested.expected, weights)


def _slope(tested: Tested, guess: Guess, weights: Array) -> float:
    return metrics.calibration_slope(
        guess.pairing, tested.label, tested.expected, weights * tested.rated
    )


def _rmse(tested: Tested, guess: Guess, weights: Array) -> float:
    rated = tested.rated > 0
    return metrics.rmse(guess.alliance[rated], tested.label[rated], weights[rated])


@dataclass(frozen=True, slots=True)
class Within:
    """A mean over clients who rated several: found once for each, then only weighted.

    `scale` names what of the tested rows the measure needs besides.
    """

    measure: Callable[..., within.ByClient]
    scale: tuple[str, ...] = ()

    def of(self, tested: Tested, guess: Guess) -> Callable[[Array], float]:
        """The metric of these rows by their weights; NaN when too few clients rated several."""
        rated = tested.rated > 0
        lists = tested.lists[rated]
        lowest = [getattr(tested, name) for name in self.scale]
        order = self.measure(guess.pairing[rated], tested.label[rated], lists, *lowest)
        if order.client.size < FEWEST_LISTS:
            return lambda weights: float("nan")
        return lambda weights: order.mean(lists, weights[rated])

    def __call__(self, tested: Tested, guess: Guess, weights: Array) -> float:
        """The metric at some weights."""
        return self.of(tested, guess)(weights)


METRICS: Mapping[str, Metric] = {
    "client-adjusted partial": _partial,
    "dyad partial": _dyad,
    "composite": _composite,
    "calibration slope": _slope,
    "RMSE": _rmse,
    "Spearman": Within(within.spearman),
    "NDCG@5": Within(within.ndcg, ("lowest",)),
    "pairs in order": Within(within.pairacc),
}
"""Measured for every learner. The last three need clients who rated several clinicians."""


def evaluate(
    dataset: Dataset,
    folds: tuple[Fold, ...],
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
    *,
    draws: int = DRAWS,
) -> Evaluation:
    """Fits every learner on each fold's training rows and measures all on its test rows."""
    settings = settings or FitSettings()
    names = list(learners_for(dataset))
    parts: list[Tested] = []
    said: dict[str, list[Guess]] = {name: [] for name in names}
    for place, fold in enumerate(folds):
        progress(f"fold {fold.name}", place / len(folds))
        fitted = fit(dataset, fold.train, settings)
        trial = Trial(dataset, fold.train, _asked(dataset, fold), fitted, settings.seed)
        parts.append(_tested(trial, fold, place))
        for name, learn in learners_for(dataset).items():
            said[name].append(learn(trial))
    progress("intervals", 1.0)
    tested = _joined(parts)
    guesses = {name: _joined_guess(said[name]) for name in names}
    table = _measured(tested, guesses, settings.seed, draws)
    return Evaluation(tuple(fold.name for fold in folds), tested, guesses, table)


def measure_range(tested: Tested, level: float) -> dict[str, float]:
    """How often rated pairings fell within our stated range, and its mean width in points."""
    rated = tested.rated > 0
    low, high = tested.low[rated], tested.high[rated]
    return {
        "level": level,
        "coverage": metrics.coverage(low, high, tested.label[rated]),
        "width": metrics.mean_width(low, high),
    }


def _asked(dataset: Dataset, fold: Fold) -> Pairs:
    rated, left = dataset.pairs.take(fold.test), dataset.left.take(fold.left)
    return Pairs(
        np.concatenate([rated.client, left.client]),
        np.concatenate([rated.clinician, left.clinician]),
    )


def _tested(trial: Trial, fold: Fold, place: int) -> Tested:
    model, asked = trial.fitted.model, trial.asked
    scores = model.score(trial.dataset.clients, trial.standing, asked)
    expected = trial.expected
    low, high = model.range_of(replace(scores, client=expected))
    label = np.full(len(asked.client), np.nan)
    label[: len(fold.test)] = trial.fitted.labels.alliance[fold.test]
    return Tested(
        label,
        expected,
        asked.client.astype(np.int64),
        asked.clinician.astype(np.int64),
        np.full(len(label), place, dtype=np.int64),
        low,
        high,
        model.harmoniser.low,
    )


def _joined(parts: list[Tested]) -> Tested:
    arrays = ("label", "expected", "client", "clinician", "fold", "low", "high")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return Tested(**joined, lowest=parts[0].lowest)


def _joined_guess(parts: list[Guess]) -> Guess:
    return Guess(
        np.concatenate([part.pairing for part in parts]),
        np.concatenate([part.alliance for part in parts]),
    )


def _measured(tested: Tested, guesses: Mapping[str, Guess], seed: int, draws: int) -> pd.DataFrame:
    measured = []
    for learner, guess in guesses.items():
        for name, metric in METRICS.items():
            measured_at = _of(metric, tested, guess)
            if np.isnan(measured_at(np.ones(len(tested.label)))):
                continue
            interval = bootstrap(
                measured_at,
                tested.client,
                tested.clinician,
                seed=seed,
                draws=draws,
            )
            measured.append((learner, name, interval.value, interval.low, interval.high))
    return pd.DataFrame(measured, columns=["learner", "metric", "value", "low", "high"])


def ours_minus(evaluation: Evaluation, metric: str, seed: int = 0) -> pd.DataFrame:
    """Our figure less each baseline's on the same draws: baseline, value, low, high."""
    measure, tested = METRICS[metric], evaluation.tested
    own = evaluation.guesses[OURS]
    rows = []
    for name, guess in evaluation.guesses.items():
        if name == OURS:
            continue
        interval = bootstrap(
            _difference(measure, tested, own, guess),
            tested.client,
            tested.clinician,
            seed=seed,
            draws=DRAWS,
        )
        rows.append((name, interval.value, interval.low, interval.high))
    return pd.DataFrame(rows, columns=["baseline", "value", "low", "high"])


def _difference(
    measure: Metric, tested: Tested, one: Guess, other: Guess
) -> Callable[[Array], float]:
    own, others = _of(measure, tested, one), _of(measure, tested, other)
    return lambda weights: own(weights) - others(weights)


def _of(metric: Metric, tested: Tested, guess: Guess) -> Callable[[Array], float]:
    """The metric of a guess by weights alone; what does not depend on weights is found once."""
    return (
        metric.of(tested, guess) if isinstance(metric, Within) else partial(metric, tested, guess)
    )
