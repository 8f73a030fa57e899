"""Settings of a fit, sought on rolling forward folds; the defaults stand unless clearly beaten.

Imported by `run` and the experiments. Whoever imports it waits half a second for optuna.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.training.baselines import encode_clinicians
from recommender.training.bootstrap import two_way_weights
from recommender.training.dataset import Dataset
from recommender.training.fit import FitResult, finish
from recommender.training.fit_preparation import PreparedFit, prepare
from recommender.training.folds import Fold, forward
from recommender.training.held_out import tested_pairs
from recommender.training.metrics import composite
from recommender.training.search_space import SPACE, Space, params_of, searched, settings_with
from recommender.training.study import identity, opened, suggested
from recommender.training.tree_fitting import FitSettings, TreeSettings
from recommender.training.trials import CHANCE, FINISHED, PRUNED, TrialResult, TuningResult, decided
from recommender.training.tuning_folds import spans

DRAWS = 200
KEPT_CLIENT_PARTS = 2
"""Preparations kept for each fold: nearly all trials share one, and each holds a fold's rows."""
OnTrial = Callable[[TrialResult], None]


def tuned_settings(
    dataset: Dataset,
    settings: FitSettings,
    trials: int,
    storage: Path | None,
    progress: Progress = lambda step, done: None,
    on_trial: OnTrial = lambda tried: None,
    *,
    judges: Sequence[Fold] | None = None,
) -> TuningResult:
    """Settings sought on what was known before the pairings that are to judge them began.

    Parameters
    ----------
    judges
        The folds that the settings are evaluated on afterwards; `forward` when none are named.
    dataset, settings, trials, storage, progress, on_trial
        As in `tune`.

    Raises
    ------
    RecommenderError
        As in `tune`, and when too few ratings were known by then.
    """
    judges = forward(dataset) if judges is None else judges
    held_back = min(int(dataset.started[fold.test].min()) for fold in judges)
    return tune(dataset, spans(dataset, held_back), settings, trials, storage, progress, on_trial)


def tune(
    dataset: Dataset,
    folds: Sequence[Fold],
    settings: FitSettings,
    trials: int,
    storage: Path | None,
    progress: Progress = lambda step, done: None,
    on_trial: OnTrial = lambda tried: None,
    *,
    space: Space = SPACE,
    draws: int = DRAWS,
) -> TuningResult:
    """The settings with the highest mean composite over folds, if they clearly beat the given ones.

    Trial 0 is the given settings. All trials are measured on the same rows, net of the client part
    of trial 0, and on the same draws by client and clinician; `trials.decided` says what beats.

    Parameters
    ----------
    trials
        How many there shall be in all, with those that an earlier run left in the storage.
    storage
        An SQLite file, made when there is none; None keeps nothing. A run that was stopped goes on
        where it was and ends as if it had not been. One run at a time.
    progress
        Told the trial and fold, and how much is done; at the end the verdict.
    on_trial
        Told each new trial once it is stored.
    space, draws
        What is sought, and how many bootstrap draws tell noise.

    Raises
    ------
    RecommenderError
        When the storage cannot be used, or holds trials that would be measured differently by now.
    """
    if trials < 1:
        raise RecommenderError("trials", f"are {trials}", "ask for 1 or more")
    space = searched(space, settings, max(len(fold.train) for fold in folds))
    with opened(storage, identity(dataset, folds, settings, space, draws), space) as study:
        found = study.trials()[:trials]
        told = _Told(progress, trials, len(folds))
        already = len(found)
        if already < trials:
            bench = _Bench(dataset, folds, settings, space, draws, told)
            bench.begin(found)
            while len(found) < trials:
                found.append(bench.next(found))
                study.add(found[-1])
                on_trial(found[-1])
    tuned = decided(found, settings, already)
    progress(tuned.verdict, 1.0)
    return tuned


@dataclass(frozen=True, slots=True)
class _Told:
    """Progress by trial and fold."""

    progress: Progress
    trials: int
    folds: int

    def again(self, number: int, place: int) -> None:
        """The defaults are measured again beside trials that were stored."""
        said = f"{number} of {self.trials} trials were there already; the defaults again"
        self.progress(f"{said}, fold {place + 1} of {self.folds}", number / self.trials)

    def trial(self, number: int, place: int) -> None:
        """A new trial is measured."""
        said = f"trial {number + 1} of {self.trials}, fold {place + 1} of {self.folds}"
        self.progress(said, (number + place / self.folds) / self.trials)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What every trial of a fold is asked, and the labels it is measured by; NaN for who left.

    `expected` is the client part of trial 0 for all: were it each trial's own, a worse client part
    would leave more for the pairing part to find. `weights` (draws, rows) are bootstrap draws.
    """

    pairs: Pairs
    label: Array
    expected: Array
    weights: NDArray[np.uint16]

    def measured(self, pairing: Array) -> tuple[float, Array]:
        """Composite on the rows as they are, and on each draw."""
        own = partial(composite, pairing, self.label, self.expected)
        return own(), np.array([own(draw.astype(np.float64)) for draw in self.weights])


class _Bench:
    """Measures trials on the same rows; holds nothing that would be lost when it is stopped."""

    def __init__(
        self,
        dataset: Dataset,
        folds: Sequence[Fold],
        settings: FitSettings,
        space: Space,
        draws: int,
        told: _Told,
    ) -> None:
        self.dataset, self.folds, self.settings = dataset, folds, settings
        self.space, self.draws, self.told = space, draws, told
        self.encoding = encode_clinicians(dataset)
        self.prepared: dict[tuple[int, TreeSettings], PreparedFit] = {}

    def begin(self, found: Sequence[TrialResult]) -> None:
        """Measures trial 0, beside which all others are measured, also when it is stored."""
        started, said = perf_counter(), self.told.again if found else self.told.trial
        pairs = [tested_pairs(self.dataset, fold) for fold in self.folds]
        self.asked: list[_Asked] = []
        measured = []
        for place, weights in enumerate(_weights(pairs, self.settings.seed, self.draws)):
            said(len(found), place)
            fitted = self._learned(self.settings, place)
            scores = fitted.model.score(self.dataset.clients, self.encoding, pairs[place])
            label = np.full(len(scores.pairing), np.nan)
            test = self.folds[place].test
            label[: len(test)] = fitted.labels.alliance[test]
            self.asked.append(_Asked(pairs[place], label, scores.client, weights))
            measured.append(self.asked[place].measured(scores.pairing))
        given = params_of(self.settings, self.space)
        self.default = _tried(0, given, measured, perf_counter() - started, FINISHED)
        _check(self.default, found)

    def next(self, found: Sequence[TrialResult]) -> TrialResult:
        """The trial after those found; given up as soon as it is clearly behind trial 0."""
        if not found:
            return self.default
        started, number = perf_counter(), len(found)
        params = suggested(found, self.space, self.settings.seed)
        settings = settings_with(self.settings, params)
        measured: list[tuple[float, Array]] = []
        state = FINISHED
        for place, asked in enumerate(self.asked):
            if measured and self._hopeless([draws for _, draws in measured]):
                state = PRUNED
                break
            self.told.trial(number, place)
            model = self._learned(settings, place).model
            scores = model.score(self.dataset.clients, self.encoding, asked.pairs)
            measured.append(asked.measured(scores.pairing))
        return _tried(number, params, measured, perf_counter() - started, state)

    def _learned(self, settings: FitSettings, place: int) -> FitResult:
        """A fit of one fold; what the trees of the pairing part stand on is prepared once."""
        key = (place, settings.client)
        # As in `fit`: the same trials win on every machine.
        with threadpool_limits(1, user_api="blas"):
            if key not in self.prepared:
                while len(self.prepared) >= KEPT_CLIENT_PARTS * len(self.folds):
                    del self.prepared[next(iter(self.prepared))]
                train = self.folds[place].train
                self.prepared[key] = prepare(self.dataset, train, settings)
            return finish(self.prepared[key], settings)

    def _hopeless(self, draws: Sequence[Array]) -> bool:
        """Behind trial 0 on the folds so far in all draws but a few."""
        lead = np.mean(draws, axis=0) - self.default.draws[: len(draws)].mean(axis=0)
        return bool((lead < 0).mean() >= 1 - CHANCE)


def _weights(asked: Sequence[Pairs], seed: int, draws: int) -> list[NDArray[np.uint16]]:
    """Draws of clients and clinicians, the same for every trial, (draws, rows) for each fold."""
    client = np.unique(np.concatenate([p.client for p in asked]), return_inverse=True)[1]
    clinician = np.unique(np.concatenate([p.clinician for p in asked]), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    drawn = [two_way_weights(client, clinician, rng).astype(np.uint16) for _ in range(draws)]
    ends = np.cumsum([len(p.client) for p in asked])[:-1]
    return np.split(np.stack(drawn), ends, axis=1)


def _tried(
    number: int,
    params: dict[str, float],
    measured: Sequence[tuple[float, Array]],
    seconds: float,
    state: str,
) -> TrialResult:
    values, draws = zip(*measured, strict=True)
    return TrialResult(number, params, tuple(values), np.stack(draws), seconds, state)


def _check(default: TrialResult, found: Sequence[TrialResult]) -> None:
    if not np.isfinite(default.by_fold).all():
        problem = "do not vary in a fold, so nothing can be compared"
        raise RecommenderError("ratings", problem, "train with the defaults")
    if found and not np.allclose(default.by_fold, found[0].by_fold, rtol=0, atol=1e-6):
        problem = "holds trials that would be measured differently by now"
        remedy = "delete it, so that all trials come from one code and one machine"
        raise RecommenderError("tuning file", problem, remedy)
