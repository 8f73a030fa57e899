"""Hyperparameter tuning by optuna on forward folds; the defaults stay unless clearly beaten."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import IntDistribution, distribution_to_json
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
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
from recommender.training.folds import Fold, forward, new_client_folds
from recommender.training.held_out import tested_pairs
from recommender.training.metrics import composite
from recommender.training.tree_fitting import FitSettings, TreeSettings, parameters_of
from recommender.training.tuning_trials import (
    CHANCE,
    FINISHED,
    PRUNED,
    SPACE,
    Params,
    Range,
    Space,
    TrialResult,
    TuningResult,
    decide,
    effective_space,
    nearest,
    params_of,
    settings_with,
)

STARTUP = 8
"""Trials at random before the sampler follows the results."""
CACHED_CLIENT_PARTS = 2
"""Preparations cached for each fold: nearly all trials share one, and each holds a fold's rows."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How hyperparameters are tuned before training.

    Attributes
    ----------
    trials
        Their total number, with those that an earlier run left in the storage.
    storage
        An SQLite file, created when there is none, so that a run that was stopped continues; None
        stores nothing. One run at a time.
    space, draws
        The ranges, and how many bootstrap draws estimate the noise.
    """

    trials: int
    storage: Path | None = None
    space: Space = field(default_factory=lambda: SPACE)
    draws: int = 200


def tuned_settings(
    dataset: Dataset,
    settings: FitSettings,
    search: SearchSettings,
    progress: Progress = lambda step, done: None,
) -> TuningResult:
    """Tunes on what was known before the pairings began that evaluate the model afterwards.

    Raises
    ------
    RecommenderError
        As in `tune`, and when too few ratings were known by then.
    """
    held_back = min(int(dataset.started[fold.test].min()) for fold in forward(dataset))
    return tune(dataset, new_client_folds(dataset, held_back), settings, search, progress)


def tune(
    dataset: Dataset,
    folds: Sequence[Fold],
    settings: FitSettings,
    search: SearchSettings,
    progress: Progress = lambda step, done: None,
) -> TuningResult:
    """The settings with the highest mean composite over folds, if they clearly beat the given ones.

    Trial 0 is the given settings. All trials are measured on the same rows, net of the client part
    of trial 0, and on the same draws by client and clinician. The sampler (a tree-structured Parzen
    estimator, Bergstra et al. 2011) is seeded anew for each trial, so that a run that was stopped
    continues as if it had not been.

    Raises
    ------
    RecommenderError
        When the storage cannot be used, or holds trials that would be measured differently now.
    """
    if search.trials < 1:
        raise RecommenderError("trials", f"are {search.trials}", "ask for 1 or more")
    space = effective_space(search.space, settings, max(len(fold.train) for fold in folds))
    with _open_study(search.storage, _identity(dataset, folds, settings, space, search)) as study:
        results = _results(study)[: search.trials]
        already = len(results)
        if already < search.trials:
            bench = _Bench(dataset, folds, settings, search, progress)
            bench.measure_default(params_of(settings, space), results)
            if not results:
                results.append(bench.default)
                study.add_trial(_stored_default(bench.default, space))
            _optimize(study, bench, results, space, settings)
    tuned = decide(results, settings, already)
    progress(tuned.verdict, 1.0)
    return tuned


def _optimize(
    study: optuna.Study,
    bench: "_Bench",
    results: list[TrialResult],
    space: Space,
    settings: FitSettings,
) -> None:
    """Runs the trials that are missing; each is stored as it ends."""

    def objective(trial: optuna.Trial) -> float:
        params = {name: _suggest(trial, name, known) for name, known in space.items()}
        result = bench.measure(len(results), params)
        for fold, value in enumerate(result.by_fold):
            trial.report(value, fold)
        for name, attribute in _attributes(result).items():
            trial.set_user_attr(name, attribute)
        results.append(result)
        if result.state == PRUNED:
            raise optuna.TrialPruned
        return result.value

    def seed_sampler(study: optuna.Study, _: object = None) -> None:
        state = np.random.SeedSequence([settings.seed, len(results)]).generate_state(1)
        study.sampler = TPESampler(n_startup_trials=STARTUP, seed=int(state[0]))

    seed_sampler(study)
    study.optimize(objective, bench.trials - len(results), callbacks=[seed_sampler])


@dataclass(frozen=True, slots=True, eq=False)
class _TestedFold:
    """The tested pairings of a fold, and the labels all trials are measured by; NaN for dropouts.

    `expected` is the client part of trial 0 for all: were it each trial's own, a worse client part
    would leave more for the pairing part to explain. `weights` (draws, rows) are bootstrap draws.
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

    default: TrialResult

    def __init__(
        self,
        dataset: Dataset,
        folds: Sequence[Fold],
        settings: FitSettings,
        search: SearchSettings,
        progress: Progress,
    ) -> None:
        self.dataset, self.folds, self.settings = dataset, folds, settings
        self.trials, self.draws, self.progress = search.trials, search.draws, progress
        self.encoding = encode_clinicians(dataset)
        self.prepared: dict[tuple[int, TreeSettings], PreparedFit] = {}
        self.tested: list[_TestedFold] = []

    def measure_default(self, params: Params, results: Sequence[TrialResult]) -> None:
        """Measures trial 0, beside which all others are measured, also when it is stored."""
        started, number = perf_counter(), len(results)
        pairs = [tested_pairs(self.dataset, fold) for fold in self.folds]
        measured = []
        for place, weights in enumerate(_weights(pairs, self.settings.seed, self.draws)):
            if number:
                step = f"{number} of {self.trials} trials were there already; the defaults again"
                text = f"{step}, fold {place + 1} of {len(self.folds)}"
                self.progress(text, number / self.trials)
            else:
                self._report_trial(0, place)
            fitted = self._fit(self.settings, place)
            scores = fitted.model.score(self.dataset.clients, self.encoding, pairs[place])
            label = np.full(len(scores.pairing), np.nan)
            test = self.folds[place].test
            label[: len(test)] = fitted.labels.alliance[test]
            self.tested.append(_TestedFold(pairs[place], label, scores.client, weights))
            measured.append(self.tested[place].measured(scores.pairing))
        self.default = _result(0, params, measured, perf_counter() - started, FINISHED)
        if not np.isfinite(self.default.by_fold).all():
            problem = "do not vary in a fold, so nothing can be compared"
            raise RecommenderError("ratings", problem, "train with the defaults")
        if results and not np.allclose(self.default.by_fold, results[0].by_fold, rtol=0, atol=1e-6):
            problem = "holds trials that would be measured differently by now"
            remedy = "delete it, so that all trials come from one code and one machine"
            raise RecommenderError("tuning file", problem, remedy)

    def measure(self, number: int, params: Params) -> TrialResult:
        """One trial; pruned as soon as it is clearly behind trial 0."""
        started, settings = perf_counter(), settings_with(self.settings, params)
        measured: list[tuple[float, Array]] = []
        state = FINISHED
        for place, tested in enumerate(self.tested):
            if measured and self._is_behind([draws for _, draws in measured]):
                state = PRUNED
                break
            self._report_trial(number, place)
            model = self._fit(settings, place).model
            scores = model.score(self.dataset.clients, self.encoding, tested.pairs)
            measured.append(tested.measured(scores.pairing))
        return _result(number, params, measured, perf_counter() - started, state)

    def _report_trial(self, number: int, place: int) -> None:
        text = f"trial {number + 1} of {self.trials}, fold {place + 1} of {len(self.folds)}"
        self.progress(text, (number + place / len(self.folds)) / self.trials)

    def _fit(self, settings: FitSettings, place: int) -> FitResult:
        """A fit of one fold; everything before the trees of the pairing part is prepared once."""
        key = (place, settings.client)
        # As in `fit`: the same trials win on every machine.
        with threadpool_limits(1, user_api="blas"):
            if key not in self.prepared:
                while len(self.prepared) >= CACHED_CLIENT_PARTS * len(self.folds):
                    del self.prepared[next(iter(self.prepared))]
                train = self.folds[place].train
                self.prepared[key] = prepare(self.dataset, train, settings)
            return finish(self.prepared[key], settings)

    def _is_behind(self, draws: Sequence[Array]) -> bool:
        """Behind trial 0 on the folds so far in all draws but a few."""
        lead = np.mean(draws, axis=0) - self.default.draws[: len(draws)].mean(axis=0)
        return bool((lead < 0).mean() >= 1 - CHANCE)


def _weights(pairs: Sequence[Pairs], seed: int, draws: int) -> list[NDArray[np.uint16]]:
    """Draws of clients and clinicians, the same for every trial, (draws, rows) for each fold."""
    client = np.unique(np.concatenate([p.client for p in pairs]), return_inverse=True)[1]
    clinician = np.unique(np.concatenate([p.clinician for p in pairs]), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    drawn = [two_way_weights(client, clinician, rng).astype(np.uint16) for _ in range(draws)]
    ends = np.cumsum([len(p.client) for p in pairs])[:-1]
    return np.split(np.stack(drawn), ends, axis=1)


def _result(
    number: int,
    params: Params,
    measured: Sequence[tuple[float, Array]],
    seconds: float,
    state: str,
) -> TrialResult:
    values, draws = zip(*measured, strict=True)
    return TrialResult(number, params, tuple(values), np.stack(draws), seconds, state)


def _suggest(trial: optuna.Trial, name: str, known: Range) -> float:
    if isinstance(known, IntDistribution):
        return trial.suggest_int(name, known.low, known.high, step=known.step, log=known.log)
    value = trial.suggest_float(name, known.low, known.high, step=known.step, log=known.log)
    return round(value, 6)


# The storage: settings and aggregates, nothing by row or person


@contextmanager
def _open_study(path: Path | None, name: str) -> Iterator[optuna.Study]:
    """The study of that name in an SQLite file, or in memory; others in the file are left alone."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if path is None:
        yield optuna.create_study(study_name=name, direction="maximize")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage = RDBStorage(f"sqlite:///{path}")
    # Whatever database, driver and file system raise, all of it means the same here.
    except Exception as error:
        remedy = "name a file that can be written, or delete it to begin anew"
        raise RecommenderError("tuning file", f"{path} cannot be opened", remedy) from error
    try:
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True
        )
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            # A run was killed during this trial.
            study.tell(trial.number, state=TrialState.FAIL)
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _identity(
    dataset: Dataset,
    folds: Sequence[Fold],
    settings: FitSettings,
    space: Space,
    search: SearchSettings,
) -> str:
    """A digest of what trials must share to be compared: all that the value of one depends on."""
    shared = [
        dataset.digest,
        dataset.practice.digest,
        [[fold.name, len(fold.train), len(fold.test), len(fold.dropouts)] for fold in folds],
        dict(parameters_of(settings)),
        search.draws,
        {name: distribution_to_json(known) for name, known in space.items()},
        [version(name) for name in ("lightgbm", "numpy", "optuna", "recommender")],
    ]
    if settings.pool is not None:
        shared.append(settings.pool.digest)
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


def _attributes(result: TrialResult) -> dict[str, object]:
    return {
        "params": dict(result.params),
        "by_fold": list(result.by_fold),
        "draws": result.draws.tolist(),
        "seconds": result.seconds,
    }


def _stored_default(result: TrialResult, space: Space) -> optuna.trial.FrozenTrial:
    """Trial 0 for optuna: the sampler sees the nearest settings that its space holds."""
    return create_trial(
        state=TrialState.COMPLETE,
        value=result.value,
        params=nearest(result.params, space),
        distributions=dict(space),
        intermediate_values=dict(enumerate(result.by_fold)),
        user_attrs=_attributes(result),
    )


def _results(study: optuna.Study) -> list[TrialResult]:
    """The trials of a study that ended, in order."""
    states = {TrialState.COMPLETE: FINISHED, TrialState.PRUNED: PRUNED}
    ended = study.get_trials(states=tuple(states))
    return [
        TrialResult(
            number,
            trial.user_attrs["params"],
            tuple(trial.user_attrs["by_fold"]),
            np.array(trial.user_attrs["draws"], dtype=np.float64),
            trial.user_attrs["seconds"],
            states[trial.state],
        )
        for number, trial in enumerate(ended)
    ]
