"""Fits trees on a Dask cluster with LightGBM's own distributed estimator.

Rows are cut into as many blocks as there are workers. LightGBM cannot continue without one of them:
where a worker is lost, the ensemble is fitted again on the others.
"""

import logging
import queue
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.compute.runner import addresses_of, connected, runner_on, workers_of
from recommender.errors import RecommenderError
from recommender.training.tree_fitting import FitSettings, Parameters, Rows, TreeFitter, TreeInput

if TYPE_CHECKING:
    from distributed import Client

ATTEMPTS = 5
"""How often an ensemble is fitted again before the cluster is given up."""
LOOK_SECONDS = 0.5
SILENT_MINUTES = 2
"""After which LightGBM's workers give up one that does not respond."""
CALLED: Parameters = {
    "num_trees": "n_estimators",
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "lambda_l2": "reg_lambda",
    "seed": "random_state",
}
"""LightGBM's names for settings, and those of its estimators; each is a setting of the other."""
_MACHINES = re.compile(r"^\[machines: .*\]$", re.MULTILINE)


def settings_on(address: str, settings: FitSettings) -> FitSettings:
    """The settings with the table and the trees computed on the cluster of this scheduler."""
    return replace(settings, tree_fitter=tree_fitter_on(address), runner=runner_on(address))


def tree_fitter_on(address: str) -> TreeFitter:
    """Fits trees on the cluster of this scheduler.

    Raises
    ------
    RecommenderError
        When the trees are fitted and there are no workers, or too many were lost one after another.
    """

    def fit_on_cluster(tree_input: TreeInput, row_sets: Sequence[Rows]) -> Iterator[str]:
        cells = np.asarray(tree_input.cells, dtype=np.float32)
        for rows in row_sets:
            chosen = slice(None) if rows is None else rows
            part = TreeInput(
                cells[chosen],
                tree_input.label[chosen],
                tree_input.weight[chosen],
                tree_input.parameters,
            )
            yield _fit_one(address, part)

    return fit_on_cluster


def _fit_one(address: str, tree_input: TreeInput) -> str:
    for _ in range(ATTEMPTS):
        with connected(address) as client:
            workers_of(client)
            text = _attempt(client, tree_input)
        if text is not None:
            return text
    problem = f"lost a worker {ATTEMPTS} times in a row"
    raise RecommenderError("cluster", problem, "see why its workers end, or train here")


def _attempt(client: "Client", tree_input: TreeInput) -> str | None:
    """One ensemble; None where a worker was lost over it."""
    # LightGBM waits for a lost worker for ever: it is waited for in a thread that can be left.
    outcome: queue.Queue[str | Exception] = queue.Queue()
    begun = addresses_of(client)

    def run() -> None:
        try:
            outcome.put(_fitted(client, tree_input))
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    result: str | Exception | None = None
    while result is None and begun <= addresses_of(client):
        with suppress(queue.Empty):
            result = outcome.get(timeout=LOOK_SECONDS)
    if isinstance(result, str):
        return result
    if result is not None and begun <= addresses_of(client):
        raise result
    return None


def _quiet() -> logging.Logger:
    logger = logging.getLogger("lightgbm")
    logger.setLevel(logging.ERROR)
    return logger


def _fitted(client: "Client", tree_input: TreeInput) -> str:
    from dask import array
    from dask.delayed import delayed
    from lightgbm import register_logger
    from lightgbm.dask import DaskLGBMRegressor

    # It logs ports, and settings it changes itself.
    register_logger(_quiet())
    parts = (tree_input.cells, tree_input.label, tree_input.weight)
    blocks: list[list[object]] = [[] for _ in parts]
    workers = sorted(addresses_of(client))
    rows_of = np.array_split(np.arange(len(tree_input.label)), len(workers))
    for worker, rows in zip(workers, rows_of, strict=True):
        for part, stored in zip(parts, blocks, strict=True):
            block = part[rows]
            there = delayed(client.scatter(block, workers=[worker], hash=False))
            stored.append(array.from_delayed(there, block.shape, block.dtype))
    cells, label, weight = (array.concatenate(stored) for stored in blocks)
    settings = {CALLED.get(name, name): value for name, value in tree_input.parameters.items()}
    del settings["num_threads"]
    learner = DaskLGBMRegressor(client=client, time_out=SILENT_MINUTES, **settings)
    text: str = learner.fit(cells, label, sample_weight=weight).booster_.model_to_string()
    # The machines it was fitted on are no part of the model.
    return _MACHINES.sub("[machines: ]", text)
