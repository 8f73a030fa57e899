"""What to try next, and the file that keeps trials; both by optuna, which nothing else speaks to.

Imported by `tune`, which measures. The file holds settings and aggregates, nothing by row or
person, and finished trials only: one that was stopped leaves nothing behind.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from recommender.errors import RecommenderError
from recommender.training.dataset import Dataset
from recommender.training.folds import Fold
from recommender.training.search_space import VERSION, Space, nearest
from recommender.training.tree_fitting import FitSettings, parameters_of
from recommender.training.trials import FINISHED, PRUNED, TrialResult

STARTUP = 8
"""Trials at random before the sampler follows what was found."""


class Study:
    """The trials of one search, in order, as optuna stores them."""

    def __init__(self, stored: optuna.Study, space: Space) -> None:
        self._stored, self._space = stored, space

    def trials(self) -> list[TrialResult]:
        """All so far."""
        return [_read(number, trial) for number, trial in enumerate(self._stored.get_trials())]

    def add(self, tried: TrialResult) -> None:
        """Keeps a trial; from here on it is never measured again."""
        self._stored.add_trial(_written(tried, self._space))


def suggested(trials: Sequence[TrialResult], space: Space, seed: int) -> dict[str, float]:
    """What to try after these trials.

    A tree-structured Parzen estimator (Bergstra et al. 2011) that is seeded anew for each trial:
    no state is lost when a run is stopped, and the next one suggests the same.
    """
    state = np.random.SeedSequence([seed, len(trials)]).generate_state(1)
    sampler = TPESampler(n_startup_trials=STARTUP, seed=int(state[0]))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials([_written(tried, space) for tried in trials])
    return nearest(study.ask(dict(space)).params, space)


def file_name(dataset: Dataset, settings: FitSettings) -> str:
    """Where the trials of these data, seed and space belong."""
    return f"{dataset.digest[:16]}-seed{settings.seed}-space{VERSION}.db"


def identity(
    dataset: Dataset, folds: Sequence[Fold], settings: FitSettings, space: Space, draws: int
) -> str:
    """A digest of what trials must share to be compared: all that the value of one depends on."""
    shared = [
        dataset.digest,
        dataset.practice.digest,
        [[fold.name, len(fold.train), len(fold.test), len(fold.left)] for fold in folds],
        dict(parameters_of(settings)),
        draws,
        {name: distribution_to_json(known) for name, known in space.items()},
        [version(name) for name in ("lightgbm", "numpy", "optuna", "recommender")],
    ]
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


@contextmanager
def opened(path: Path | None, name: str, space: Space) -> Iterator[Study]:
    """The trials of that name in an SQLite file, or in memory; others in the file are left alone.

    Raises
    ------
    RecommenderError
        When the file cannot be made or read.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if path is None:
        yield Study(optuna.create_study(study_name=name, direction="maximize"), space)
        return
    storage = _storage(path)
    try:
        stored = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True
        )
        yield Study(stored, space)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _storage(path: Path) -> RDBStorage:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RDBStorage(f"sqlite:///{path}")
    # Whatever database, driver and file system raise, all of it means the same here.
    except Exception as error:
        remedy = "name a file that can be written, or delete it to begin anew"
        raise RecommenderError("tuning file", f"{path} cannot be opened", remedy) from error


def _written(tried: TrialResult, space: Space) -> FrozenTrial:
    """A trial for optuna: the sampler sees the nearest settings that its space holds."""
    finished = tried.state == FINISHED
    return create_trial(
        state=TrialState.COMPLETE if finished else TrialState.PRUNED,
        value=tried.value if finished else None,
        params=nearest(tried.params, space),
        distributions=dict(space),
        intermediate_values=dict(enumerate(tried.by_fold)),
        user_attrs={
            "params": dict(tried.params),
            "by_fold": list(tried.by_fold),
            "draws": tried.draws.tolist(),
            "seconds": tried.seconds,
        },
    )


def _read(number: int, trial: FrozenTrial) -> TrialResult:
    kept = trial.user_attrs
    return TrialResult(
        number,
        kept["params"],
        tuple(kept["by_fold"]),
        np.array(kept["draws"], dtype=np.float64),
        kept["seconds"],
        FINISHED if trial.state is TrialState.COMPLETE else PRUNED,
    )
